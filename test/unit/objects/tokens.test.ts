import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { isApiToken, isExtended, listTokenSources } from '../../../src/objects/tokens.ts';
import { API_AUDIENCE } from '../judging.ts';

const TOKEN = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } };
const CA = { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } };
const NAMESPACE = { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } };
const SERVICE_CA = { configMap: { name: 'openshift-service-ca.crt' } };
const DEFAULT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

describe('The default token volume', () => {
  it.each<[string, boolean, JsonObject]>([
    ['as the ServiceAccount plugin writes it', true, spec([TOKEN, CA, NAMESPACE])],
    [
      'with another lifetime',
      true,
      spec([{ serviceAccountToken: { path: 'token', expirationSeconds: 600 } }, CA, NAMESPACE]),
    ],
    ['with OpenShift’s service CA', true, spec([TOKEN, CA, NAMESPACE, SERVICE_CA])],
    ['mounted nowhere', true, spec([TOKEN, CA, NAMESPACE], { mountPath: undefined })],
    ['with another name', false, spec([TOKEN, CA, NAMESPACE], { name: 'token' })],
    ['with the token alone', false, spec([TOKEN])],
    ['with two tokens', false, spec([TOKEN, TOKEN, CA, NAMESPACE])],
    ['with another fourth source', false, spec([TOKEN, CA, NAMESPACE, { secret: { name: 'a' } }])],
    ['with a fifth source', false, spec([TOKEN, CA, NAMESPACE, SERVICE_CA, SERVICE_CA])],
    [
      'with another audience',
      false,
      spec([{ serviceAccountToken: { path: 'token', audience: 'vault' } }, CA, NAMESPACE]),
    ],
    ['with another path', false, spec([{ serviceAccountToken: { path: 'other' } }, CA, NAMESPACE])],
    ['with another ConfigMap', false, spec([TOKEN, { configMap: { name: 'mine' } }, NAMESPACE])],
    [
      'with another field',
      false,
      spec([TOKEN, CA, { downwardAPI: { items: [{ fieldRef: { fieldPath: 'metadata.name' } }] } }]),
    ],
    ['mounted elsewhere', false, spec([TOKEN, CA, NAMESPACE], { mountPath: '/elsewhere' })],
    ['mounted at almost the default path', false, spec([TOKEN, CA, NAMESPACE], { mountPath: `${DEFAULT_PATH}/` })],
  ])('%s: %s', (_what, isDefault, podSpec) => {
    expect(listTokenSources(podSpec).map((source) => source.isDefault)).toContain(isDefault);
    expect(listTokenSources(podSpec).every((source) => source.isDefault === isDefault)).toBe(true);
  });
});

describe('A token source', () => {
  it('has an hour if it names no lifetime, and no audience if it names none', () => {
    const [source] = listTokenSources(spec([{ serviceAccountToken: { path: 'token' } }], { name: 'a' }));
    expect(source).toMatchObject({ expirationSeconds: 3600, audience: '', volume: 'a' });
    expect(source?.path).toEqual(['volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken']);
  });

  it.each([
    ['', 3607, true, true],
    [API_AUDIENCE, 3607, true, true],
    ['vault', 3607, false, false],
    ['', 3600, true, false],
    ['', 3608, true, false],
  ])('for audience "%s" and %d s: API token %s, a year %s', (audience, expirationSeconds, isApi, isYear) => {
    const source = { path: [], file: '', volume: 'a', audience, expirationSeconds, isDefault: false };
    expect(isApiToken(source, [API_AUDIENCE])).toBe(isApi);
    expect(isExtended(source, [API_AUDIENCE])).toBe(isYear);
  });
});

function spec(
  sources: readonly JsonObject[],
  { name = 'kube-api-access-x7k2p', ...rest }: { name?: string; mountPath?: string | undefined } = {},
): JsonObject {
  const mountPath = 'mountPath' in rest ? rest.mountPath : DEFAULT_PATH;
  const volumeMounts = mountPath === undefined ? [] : [{ name, mountPath }];
  return { containers: [{ name: 'app', volumeMounts }], volumes: [{ name, projected: { sources } }] };
}
