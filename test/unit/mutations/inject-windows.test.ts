import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString } from '../../../src/objects/json.ts';
import { asking, inject } from './injecting.ts';

const VAULT = { vault: '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}' };

describe('What is added to a pod for Windows', () => {
  it.each<[string, JsonObject, boolean]>([
    ['spec.os', { os: { name: 'windows' } }, true],
    ['the node selector', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, true],
    ['the old node selector', { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } }, true],
    ['a required affinity', { affinity: affinity(['windows']) }, true],
    ['a required affinity with the old label', { affinity: affinity(['windows'], 'beta.kubernetes.io/os') }, true],
    ['an affinity whose every term is Windows', { affinity: affinity(['windows'], undefined, ['windows']) }, true],
    ['an affinity to either', { affinity: affinity(['windows', 'linux']) }, false],
    ['an affinity with a term for each', { affinity: affinity(['windows'], undefined, ['linux']) }, false],
    ['an affinity that is preferred', { affinity: preferred('windows') }, false],
    ['spec.os over an affinity', { os: { name: 'linux' }, affinity: affinity(['windows']) }, false],
    [
      'the selector over an affinity',
      { nodeSelector: { 'kubernetes.io/os': 'linux' }, affinity: affinity(['windows']) },
      false,
    ],
    ['spec.os over the selector', { os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'windows' } }, false],
    ['nothing', {}, false],
  ])('is a Windows path in variables alone, by %s', (_what, spec, isWindows) => {
    const { at } = inject(asking(VAULT, spec));
    const wanted = isWindows ? 'C:\\var\\run\\curfew\\vault\\token' : '/var/run/curfew/vault/token';
    expect(at('spec', 'containers', 0, 'env', 0, 'value')).toBe(wanted);
    expect(at('spec', 'containers', 0, 'volumeMounts', 0, 'mountPath')).toBe('/var/run/curfew/vault');
  });

  it('is a Windows path in the credential file too, and beside the token', () => {
    const asked = { fleet: '{preset: gcp-fleet, pool: p, identityProvider: i}', gcp: '{preset: gcp, provider: q}' };
    const { at, denial } = inject(asking({ fleet: asked.fleet }, { os: { name: 'windows' } }));
    expect(denial).toBe('');
    const folder = 'C:\\var\\run\\secrets\\tokens\\gcp-ksa';
    expect(at('spec', 'containers', 0, 'env', 0, 'value')).toBe(`${folder}\\google-application-credentials.json`);
    expect(at('spec', 'containers', 0, 'volumeMounts')).toEqual([
      { name: 'gcp-ksa', mountPath: '/var/run/secrets/tokens/gcp-ksa', readOnly: true },
    ]);
    const file = JSON.parse(
      asString(at('metadata', 'annotations', 'curfew.dev/gcp-fleet-credentials')) ?? '',
    ) as JsonObject;
    expect(file['credential_source']).toEqual({ file: `${folder}\\token` });
    const gcp = inject(asking({ gcp: asked.gcp }, { nodeSelector: { 'kubernetes.io/os': 'windows' } }));
    expect(gcp.at('spec', 'containers', 0, 'env', 0, 'value')).toBe(
      'C:\\var\\run\\secrets\\workload-identity\\federation.json',
    );
  });
});

/** A required node affinity: one term for each list of systems. */
function affinity(...[values, key = 'kubernetes.io/os', other]: Affinity): JsonObject {
  const lists = other === undefined ? [values] : [values, other];
  const terms = lists.map((list) => ({ matchExpressions: [{ key, operator: 'In', values: list }] }));
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
}

type Affinity = [values: readonly string[], key?: string | undefined, other?: readonly string[]];

function preferred(name: string): JsonObject {
  const preference = { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: [name] }] };
  return { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] } };
}
