import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { setUpSuite } from './suite.ts';
import { pod } from './test-cluster.ts';
import { annotate, createAsking, createPod, ENV, MOUNT, NO_API_TOKEN, readPod, tokenOf, VOLUME } from './token-asks.ts';

const suite = setUpSuite({ levels: { warn: 'off' } });

const DEBUG = ['--image', 'registry.example/debug:1', '--attach=false'];
const ROLE = 'arn:aws:iam::111122223333:role/web';

describe('A debug container in a pod that has its token', () => {
  it('gets nothing of it, and changes nothing of the pod', async () => {
    const namespace = await createAsking(suite.cluster, { 'curfew.dev/enforce': 'restricted' });
    await createPod(suite.cluster, namespace, pod('web', NO_API_TOKEN));
    const before = await readPod(suite.cluster, namespace);
    await suite.cluster.must(['debug', 'web', '-n', namespace, ...DEBUG]);
    const after = await readPod(suite.cluster, namespace);
    const [debugger_, ...others] = asArray(valueAt(after, ['spec', 'ephemeralContainers']));
    expect(others).toEqual([]);
    expect(member(debugger_, 'image')).toBe('registry.example/debug:1');
    expect([member(debugger_, 'volumeMounts'), member(debugger_, 'env')]).toEqual([undefined, undefined]);
    const { ephemeralContainers: _, ...spec } = member(after, 'spec') as JsonObject;
    expect(spec).toEqual(member(before, 'spec'));
    expect(valueAt(after, ['metadata', 'annotations'])).toEqual(valueAt(before, ['metadata', 'annotations']));
  });

  it('may not mount it where restricted is enforced', async () => {
    const namespace = await createAsking(suite.cluster, { 'curfew.dev/enforce': 'restricted' });
    await createPod(suite.cluster, namespace, pod('web', NO_API_TOKEN));
    const folder = await mkdtemp(join(tmpdir(), 'curfew-debug-'));
    const profile = join(folder, 'profile.json');
    await writeFile(profile, JSON.stringify({ volumeMounts: [MOUNT] }));
    const { code, stderr } = await suite.cluster.kubectl.run([
      'debug',
      'web',
      '-n',
      namespace,
      ...DEBUG,
      '--custom',
      profile,
    ]);
    await rm(folder, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toContain('ephemeral-container-token at /spec/ephemeralContainers/0/volumeMounts/0');
    expect(valueAt(await readPod(suite.cluster, namespace), ['spec', 'ephemeralContainers'])).toBeUndefined();
  });
});

describe('A copy that kubectl debug makes of a pod that has its token', () => {
  // The profile is named: that of kubectl 1.33, legacy, keeps the annotations by itself.
  const copyTo = ['--copy-to', 'copy', '--container', 'debugger', '--profile=general', ...DEBUG];
  const KEEPING = [...copyTo, '--keep-annotations'];

  it.each([
    ['with its annotations', KEEPING],
    ['without them', copyTo],
  ])('%s has it once, and so has the container that was added', async (_title, args) => {
    const namespace = await createAsking(suite.cluster);
    await createPod(suite.cluster, namespace, pod('web', NO_API_TOKEN));
    await debug(namespace, args);
    const copy = await readPod(suite.cluster, namespace, 'copy');
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toEqual([VOLUME]);
    for (const index of [0, 1]) expect(tokenOf(copy, index)).toEqual({ mounts: [MOUNT], env: [ENV] });
    expect(valueAt(copy, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBe('inject-token');
  });

  it('has what the account asks for now, and not what it asked for when the pod was made', async () => {
    const namespace = await createAsking(suite.cluster);
    await createPod(suite.cluster, namespace, pod('web', NO_API_TOKEN));
    await annotate(suite.cluster, namespace, 'tokens.curfew.dev/vault={audience: vault-2, mountPath: /var/run/vault}');
    await debug(namespace, KEEPING);
    const copy = await readPod(suite.cluster, namespace, 'copy');
    const source = { audience: 'vault-2', expirationSeconds: 3600, path: 'token' };
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toEqual([
      { ...VOLUME, projected: { defaultMode: 420, sources: [{ serviceAccountToken: source }] } },
    ]);
    for (const index of [0, 1]) {
      expect(tokenOf(copy, index)).toEqual({ mounts: [{ ...MOUNT, mountPath: '/var/run/vault' }], env: [] });
    }
    const mounts = { '/var/run/vault': 'curfew-token-vault' };
    expect(recordOf(copy)).toMatchObject({ vault: { volumes: ['curfew-token-vault'], mounts, env: {} } });
  });

  it('has the role that the account has now', async () => {
    const namespace = await createAsking(suite.cluster, {}, { 'eks.amazonaws.com/role-arn': `${ROLE}-old` });
    const annotations = { 'tokens.curfew.dev/aws': '{preset: aws-irsa}' };
    await createPod(suite.cluster, namespace, { ...pod('web', NO_API_TOKEN), metadata: { name: 'web', annotations } });
    await annotate(suite.cluster, namespace, `eks.amazonaws.com/role-arn=${ROLE}-new`);
    await debug(namespace, KEEPING);
    const copy = await readPod(suite.cluster, namespace, 'copy');
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toHaveLength(1);
    const file = '/var/run/secrets/eks.amazonaws.com/serviceaccount/token';
    for (const index of [0, 1]) {
      expect(tokenOf(copy, index).env).toEqual([
        { name: 'AWS_ROLE_ARN', value: `${ROLE}-new` },
        { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: file },
      ]);
    }
  });

  it('has nothing of it where the account asks no longer', async () => {
    const namespace = await createAsking(suite.cluster);
    await createPod(suite.cluster, namespace, pod('web', NO_API_TOKEN));
    await annotate(suite.cluster, namespace, 'tokens.curfew.dev/vault-');
    await debug(namespace, KEEPING);
    const copy = await readPod(suite.cluster, namespace, 'copy');
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toEqual([]);
    for (const index of [0, 1]) expect(tokenOf(copy, index)).toEqual({ mounts: [], env: [] });
    expect(recordOf(copy)).toBeNull();
  });

  it('without its annotations is refused where the account asks for something else now, and says what to do', async () => {
    const namespace = await createAsking(suite.cluster);
    await createPod(suite.cluster, namespace, pod('web', NO_API_TOKEN));
    await annotate(suite.cluster, namespace, 'tokens.curfew.dev/vault={audience: vault-2}');
    const { code, stderr } = await suite.cluster.kubectl.run(['debug', 'web', '-n', namespace, ...copyTo]);
    expect(code).toBe(1);
    expect(stderr).toContain('volume "curfew-token-vault" is a token for audience "vault" of the pod’s own');
    expect(stderr).toContain('a copy by kubectl debug needs --keep-annotations');
  });

  async function debug(namespace: string, args: readonly string[]): Promise<void> {
    await suite.cluster.must(['debug', 'web', '-n', namespace, ...args]);
  }
});

function recordOf(stored: unknown): unknown {
  return JSON.parse(asString(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/injected'])) ?? 'null');
}
