import { describe, expect, it } from 'vitest';
import { asAdmitted } from '../../../src/engine/as-admitted.ts';
import { examplePod } from '../../../src/objects/example-objects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { PLAIN_ACCOUNT } from '../judging.ts';
import { subjectOf } from '../subjects.ts';
import { inject } from './injecting.ts';

/** What is warned of a pod with the API server's own token. */
function warningsOf(spec: JsonObject, { mutateMode = 'apply', annotations = {} } = {}) {
  const pod = { ...examplePod(spec), metadata: { name: 'web', namespace: 'shop', annotations } };
  const { object } = asAdmitted(subjectOf('pods', pod), PLAIN_ACCOUNT);
  return inject(object, { configuration: { mutateMode } }).warnings;
}

describe('The API token of a pod that takes long to stop', () => {
  it('is warned about, since the kubelet renews it no more while the pod stops', () => {
    expect(warningsOf({ terminationGracePeriodSeconds: 721 })).toEqual([
      'curfew short-lived-api-token: the API token now lives 3600 s and is not renewed while the pod stops, which may take 721 s',
    ]);
  });

  it('is not where it lives long enough, or nothing is changed', () => {
    expect(warningsOf({})).toEqual([]);
    expect(warningsOf({ terminationGracePeriodSeconds: 720 })).toEqual([]);
    expect(warningsOf({ terminationGracePeriodSeconds: 721 }, { mutateMode: 'report' })).toEqual([]);
    const annotations = { 'curfew.dev/api-token-expiration': '2h' };
    expect(warningsOf({ terminationGracePeriodSeconds: 721 }, { annotations })).toEqual([]);
  });
});

describe('The lifetime of the API token', () => {
  const KEY = 'curfew.dev/api-token-expiration';
  const PLACE = ['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
  const secondsOf = (asked: string | undefined, options: JsonObject = {}) => {
    const annotations = asked === undefined ? {} : { [KEY]: asked };
    const pod = { ...examplePod(), metadata: { name: 'web', namespace: 'shop', annotations } };
    const { object } = asAdmitted(subjectOf('pods', pod), PLAIN_ACCOUNT);
    const configuration = { mutateMode: 'apply', mutations: { 'short-lived-api-token': options } };
    return inject(object, { configuration }).at(...PLACE);
  };

  it.each<[string | undefined, JsonObject, number]>([
    [undefined, {}, 3_600],
    [undefined, { expirationSeconds: 1_200 }, 1_200],
    [undefined, { expirationSeconds: 1_200, namespaces: { shop: 900 } }, 900],
    [undefined, { expirationSeconds: 1_200, namespaces: { ci: 900 } }, 1_200],
    ['soon', { expirationSeconds: 1_200 }, 1_200],
    ['3607', {}, 3_600],
    ['1s', {}, 600],
    ['2h', {}, 7_200],
    ['48h', {}, 86_400],
    ['48h', { maxExpirationSeconds: 7_200 }, 7_200],
    ['48h', { maxExpirationSeconds: 600, expirationSeconds: 1_200 }, 1_200],
  ])('that asks for %s with %j is %d s', (asked, options, seconds) => {
    expect(secondsOf(asked, options)).toBe(seconds);
  });
});

describe('The volume of the API token', () => {
  it('is edited in place: name, mounts, other sources, modes and unknown fields stay, on OpenShift a fourth source too', () => {
    const { object } = asAdmitted(subjectOf('pods', examplePod()), PLAIN_ACCOUNT);
    const spec = object['spec'] as JsonObject;
    const [volume] = spec['volumes'] as readonly { readonly projected: { readonly sources: readonly JsonObject[] } }[];
    if (volume === undefined) throw new Error('the pod has the volume');
    const [token, ...others] = volume.projected.sources as readonly [JsonObject, ...JsonObject[]];
    const withSeconds = (expirationSeconds: number) => {
      const source = {
        serviceAccountToken: { ...(token['serviceAccountToken'] as JsonObject), user: 1, expirationSeconds },
      };
      const sources = [source, ...others, { configMap: { name: 'openshift-service-ca.crt' } }];
      return { ...spec, volumes: [{ ...volume, projected: { sources, defaultMode: 0o644, defaultUser: 2 } }] };
    };
    const outcome = inject({ ...object, spec: withSeconds(3607) }, { configuration: { mutateMode: 'apply' } });
    expect(outcome.object['spec']).toEqual(withSeconds(3600));
    expect(outcome.patch.map(({ path }) => path)).toEqual([
      '/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds',
      expect.stringContaining('/metadata/annotations'),
    ]);
  });
});
