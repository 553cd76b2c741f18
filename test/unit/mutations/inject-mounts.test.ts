import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../src/objects/json.ts';
import { asArray, valueAt } from '../../../src/objects/json.ts';
import { asking, inject } from './injecting.ts';

const FIRST = '{audience: vault}';
const container = (name: string, fields: JsonObject = {}) => ({ name, image: 'registry.example/web:1', ...fields });
const volume = (token: JsonObject, more: JsonObject = {}) => ({
  name: 'curfew-token-vault',
  projected: { sources: [{ serviceAccountToken: { path: 'token', ...token } }], ...more },
});

describe('What is mounted already', () => {
  const there = (fields: JsonObject, volumes: readonly JsonValue[] = []) =>
    asking({ vault: FIRST }, { containers: [container('app', fields)], volumes });
  const mountAt = (mountPath: string, more: JsonObject = {}) => ({
    volumeMounts: [{ name: 'own', mountPath, ...more }],
  });
  const own = (token: JsonObject, more: JsonObject = {}) => ({ ...volume(token, more), name: 'own' });

  it.each<[string, JsonObject, readonly JsonValue[]]>([
    [
      'the same token by another volume',
      mountAt('/var/run/curfew/vault'),
      [own({ audience: 'vault', expirationSeconds: 3600 })],
    ],
    ['the same, with defaults left out', mountAt('/var/run/curfew/vault'), [own({ audience: 'vault' })]],
    [
      'the same, with defaults filled in',
      mountAt('/var/run/curfew/vault/'),
      [own({ audience: 'vault', expirationSeconds: 3600 }, { defaultMode: 420 })],
    ],
  ])('is enough: %s', (_what, fields, volumes) => {
    expect(inject(there(fields, volumes))).toMatchObject({ denial: '', patch: [] });
  });

  it('is enough: the very volume, which is only mounted', () => {
    const { patch } = inject(there({}, [volume({ audience: 'vault' })]));
    expect(patch.map(({ path }) => path)).toEqual([
      '/spec/containers/0/volumeMounts',
      '/metadata/annotations/curfew.dev~1injected',
      '/metadata/annotations/curfew.dev~1mutated-by',
    ]);
  });

  it.each<[string, JsonObject, readonly JsonValue[], string]>([
    [
      'another volume at the path',
      mountAt('/var/run/curfew/vault'),
      [{ name: 'own', emptyDir: {} }],
      'container app mounts volume "own" (a emptyDir volume) at "/var/run/curfew/vault"',
    ],
    [
      'with a slash',
      mountAt('/var/run/curfew/vault/'),
      [{ name: 'own', emptyDir: {} }],
      'at "/var/run/curfew/vault/", where annotation tokens.curfew.dev/vault of the pod puts a token',
    ],
    [
      'a Secret above it',
      mountAt('/var/run'),
      [{ name: 'own', secret: { secretName: 'x' } }],
      'volume "own" (a secret volume) at "/var/run", which is read-only and above the place where',
    ],
    [
      'a token above it',
      mountAt('/var/run'),
      [own({ audience: 'other' })],
      'volume "own" (a token for audience "other") at "/var/run", which is read-only and above the place where',
    ],
    [
      'a read-only mount above it',
      mountAt('/var/run', { readOnly: true }),
      [{ name: 'own', emptyDir: {} }],
      'at "/var/run", which is read-only and above the place where',
    ],
    [
      'a read-only volume above it',
      mountAt('/var/run'),
      [{ name: 'own', persistentVolumeClaim: { claimName: 'x', readOnly: true } }],
      'at "/var/run", which is read-only and above the place where',
    ],
    [
      'a volume that is not there above it',
      mountAt('/var/run'),
      [],
      'at "/var/run", which is read-only and above the place where',
    ],
    [
      'the directory by its other name',
      mountAt('/run/curfew/vault'),
      [{ name: 'own', emptyDir: {} }],
      'at "/run/curfew/vault", where annotation tokens.curfew.dev/vault of the pod puts a token',
    ],
    [
      'below it, by its other name',
      mountAt('/run/curfew/vault/x'),
      [{ name: 'own', emptyDir: {} }],
      'at "/run/curfew/vault/x", where',
    ],
    [
      'below it',
      mountAt('/var/run/curfew/vault/x'),
      [{ name: 'own', emptyDir: {} }],
      'at "/var/run/curfew/vault/x", where',
    ],
    [
      'the same token by subPath, which is never renewed',
      mountAt('/var/run/curfew/vault', { subPath: 'token' }),
      [own({ audience: 'vault' })],
      'mounts volume "own"',
    ],
    [
      'another audience',
      mountAt('/var/run/curfew/vault'),
      [own({ audience: 'other' })],
      '(a token for audience "other")',
    ],
    [
      'a device',
      { volumeDevices: [{ name: 'own', devicePath: '/var/run/curfew/vault' }] },
      [],
      'container app has a device at',
    ],
    [
      'a volume of that name',
      {},
      [{ name: 'curfew-token-vault', hostPath: { path: '/' } }],
      'volume "curfew-token-vault" is a hostPath volume of the pod’s own',
    ],
    [
      'a volume of that name with another mode',
      {},
      [volume({ audience: 'vault' }, { defaultMode: 256 })],
      'volume "curfew-token-vault" is a token for audience "vault" of the pod’s own',
    ],
  ])('is in the way: %s', (_what, fields, volumes, words) => {
    const { denial, patch } = inject(there(fields, volumes));
    expect(denial).toContain(words);
    expect(patch).toEqual([]);
  });

  it.each([
    '/var/run/curfew/vault2',
    '/var/run/curfew/vaul',
    '/var/run/curfew2',
    '/runs/curfew/vault',
    '/run',
    '/var/run',
    '/var/run/curfew',
  ])('is not in the way: a writable mount at %s', (path) => {
    const { denial, at } = inject(there(mountAt(path), [{ name: 'own', emptyDir: {} }]));
    expect(denial).toBe('');
    const paths = asArray(at('spec', 'containers', 0, 'volumeMounts')).map((mount) => valueAt(mount, ['mountPath']));
    expect(paths).toEqual([path, '/var/run/curfew/vault']);
  });

  it('is not in the way: the same token in the directory’s other name', () => {
    const { denial, at } = inject(there(mountAt('/run/curfew/vault'), [own({ audience: 'vault' })]));
    expect(denial).toBe('');
    expect(at('spec', 'containers', 0, 'volumeMounts', 1, 'mountPath')).toBe('/var/run/curfew/vault');
  });

  it('leaves out the sidecar of a mesh that mounts its own there, unless it is asked for by name', () => {
    const mesh = { name: 'istio-token', mountPath: '/var/run/secrets/tokens', readOnly: true };
    const pod = (value: string) =>
      asking(
        { iam: value },
        {
          containers: [container('app'), container('istio-proxy', { volumeMounts: [mesh] })],
          volumes: [{ ...volume({ audience: 'istio-ca', expirationSeconds: 43_200 }), name: 'istio-token' }],
        },
      );
    const left = inject(pod('{preset: ibm, env: IAM_TOKEN}'));
    expect(left.denial).toBe('');
    expect(left.warnings).toEqual([
      'curfew inject-token: token iam is not for container istio-proxy, which mounts volume "istio-token" at "/var/run/secrets/tokens"',
    ]);
    expect(left.at('spec', 'containers', 0, 'volumeMounts')).toHaveLength(1);
    expect(left.at('spec', 'containers', 1)).toEqual(container('istio-proxy', { volumeMounts: [mesh] }));
    expect(inject(left.object)).toMatchObject({ denial: '', patch: [] });

    // Elsewhere there is nothing in its way, and it gets the token as every container does.
    const both = inject(pod('{audience: vault}'));
    expect(both.warnings).toEqual([]);
    expect(both.at('spec', 'containers', 1, 'volumeMounts', 1, 'mountPath')).toBe('/var/run/curfew/iam');

    const named = inject(pod('{preset: ibm, containers: [app, istio-proxy]}'));
    expect(named.denial).toContain('container istio-proxy mounts volume "istio-token"');
    expect(inject(pod('{preset: ibm, containers: [app]}'))).toMatchObject({ denial: '', warnings: [] });
    const own = { containers: [container('app', { volumeMounts: [mesh] })] };
    const volumes = [{ ...volume({ audience: 'istio-ca', expirationSeconds: 43_200 }), name: 'istio-token' }];
    expect(inject(asking({ iam: '{preset: ibm}' }, { ...own, volumes })).denial).toContain('container app mounts');
  });
});
