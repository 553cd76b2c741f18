import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { deployment, pod } from './test-cluster.ts';
import { hasVaultToken, serviceAccount, VAULT } from './token-asks.ts';
import { job, untilDefaultAccount, untilPodOf, workload } from './workloads.ts';

const suite = setUpSuite({ levels: { warn: 'off' } });

const DEBUG = ['--image', 'registry.example/debug:1', '--attach=false'];
const NO_API_TOKEN = { automountServiceAccountToken: false };
const ROLE = 'arn:aws:iam::111122223333:role/web';
const MOUNT = { name: 'curfew-token-vault', mountPath: '/var/run/curfew/vault', readOnly: true };
const ENV = { name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' };
const VOLUME = {
  name: 'curfew-token-vault',
  projected: {
    defaultMode: 420,
    sources: [{ serviceAccountToken: { audience: 'vault', expirationSeconds: 600, path: 'token' } }],
  },
};

describe('A debug container in a pod that has its token', () => {
  it('gets nothing of it, and changes nothing of the pod', async () => {
    const namespace = await createAsking({ 'curfew.dev/enforce': 'restricted' });
    await create(namespace, pod('web', NO_API_TOKEN));
    const before = await read(namespace);
    await suite.cluster.must(['debug', 'web', '-n', namespace, ...DEBUG]);
    const after = await read(namespace);
    const [debugger_, ...others] = asArray(valueAt(after, ['spec', 'ephemeralContainers']));
    expect(others).toEqual([]);
    expect(member(debugger_, 'image')).toBe('registry.example/debug:1');
    expect([member(debugger_, 'volumeMounts'), member(debugger_, 'env')]).toEqual([undefined, undefined]);
    const { ephemeralContainers: _, ...spec } = member(after, 'spec') as JsonObject;
    expect(spec).toEqual(member(before, 'spec'));
    expect(valueAt(after, ['metadata', 'annotations'])).toEqual(valueAt(before, ['metadata', 'annotations']));
  });

  it('may not mount it where restricted is enforced', async () => {
    const namespace = await createAsking({ 'curfew.dev/enforce': 'restricted' });
    await create(namespace, pod('web', NO_API_TOKEN));
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
    expect(valueAt(await read(namespace), ['spec', 'ephemeralContainers'])).toBeUndefined();
  });
});

describe('A copy that kubectl debug makes of a pod that has its token', () => {
  const copyTo = ['--copy-to', 'copy', '--container', 'debugger', ...DEBUG];
  const KEEPING = [...copyTo, '--keep-annotations'];

  it.each([
    ['with its annotations', KEEPING],
    ['without them', copyTo],
  ])('%s has it once, and so has the container that was added', async (_title, args) => {
    const namespace = await createAsking();
    await create(namespace, pod('web', NO_API_TOKEN));
    await debug(namespace, args);
    const copy = await read(namespace, 'copy');
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toEqual([VOLUME]);
    for (const index of [0, 1]) expect(tokenOf(copy, index)).toEqual({ mounts: [MOUNT], env: [ENV] });
    expect(valueAt(copy, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBe('inject-token');
  });

  it('has what the account asks for now, and not what it asked for when the pod was made', async () => {
    const namespace = await createAsking();
    await create(namespace, pod('web', NO_API_TOKEN));
    await annotate(namespace, 'tokens.curfew.dev/vault={audience: vault-2, mountPath: /var/run/vault}');
    await debug(namespace, KEEPING);
    const copy = await read(namespace, 'copy');
    const source = { audience: 'vault-2', expirationSeconds: 3600, path: 'token' };
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toEqual([
      { ...VOLUME, projected: { defaultMode: 420, sources: [{ serviceAccountToken: source }] } },
    ]);
    for (const index of [0, 1]) {
      expect(tokenOf(copy, index)).toEqual({ mounts: [{ ...MOUNT, mountPath: '/var/run/vault' }], env: [] });
    }
    const vault = { volumes: ['curfew-token-vault'], mountPaths: ['/var/run/vault'], env: {} };
    expect(recordOf(copy)).toEqual({ vault });
  });

  it('has the role that the account has now', async () => {
    const namespace = await createAsking({}, { 'eks.amazonaws.com/role-arn': `${ROLE}-old` });
    const annotations = { 'tokens.curfew.dev/aws': '{preset: aws-irsa}' };
    await create(namespace, { ...pod('web', NO_API_TOKEN), metadata: { name: 'web', annotations } });
    await annotate(namespace, `eks.amazonaws.com/role-arn=${ROLE}-new`);
    await debug(namespace, KEEPING);
    const copy = await read(namespace, 'copy');
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
    const namespace = await createAsking();
    await create(namespace, pod('web', NO_API_TOKEN));
    await annotate(namespace, 'tokens.curfew.dev/vault-');
    await debug(namespace, KEEPING);
    const copy = await read(namespace, 'copy');
    expect(asArray(valueAt(copy, ['spec', 'volumes']))).toEqual([]);
    for (const index of [0, 1]) expect(tokenOf(copy, index)).toEqual({ mounts: [], env: [] });
    expect(recordOf(copy)).toBeNull();
  });

  it('without its annotations is refused where the account asks for something else now, and says what to do', async () => {
    const namespace = await createAsking();
    await create(namespace, pod('web', NO_API_TOKEN));
    await annotate(namespace, 'tokens.curfew.dev/vault={audience: vault-2}');
    const { code, stderr } = await suite.cluster.kubectl.run(['debug', 'web', '-n', namespace, ...copyTo]);
    expect(code).toBe(1);
    expect(stderr).toContain('volume "curfew-token-vault" is a token for audience "vault" of the pod’s own');
    expect(stderr).toContain('a copy by kubectl debug needs --keep-annotations');
  });

  async function debug(namespace: string, args: readonly string[]): Promise<void> {
    await suite.cluster.must(['debug', 'web', '-n', namespace, ...args]);
  }
});

describe('Pods that are unlike others', () => {
  it('a mirror pod is stored as its node wrote it, though everything around it asks for a token', async () => {
    const node = `node-${Date.now().toString(36)}`;
    await suite.cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
    const uid = await suite.cluster.must(['get', 'node', node, '-o', 'jsonpath={.metadata.uid}']);
    const namespace = await suite.cluster.createNamespace({}, { metadata: { annotations: VAULT } });
    await untilDefaultAccount(suite.cluster, namespace);
    await annotate(namespace, `tokens.curfew.dev/vault=${VAULT['tokens.curfew.dev/vault']}`, 'default');
    const annotations = { 'kubernetes.io/config.mirror': 'a1', ...VAULT };
    const mirrored = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'static',
        annotations,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid, controller: true }],
      },
      spec: { nodeName: node, containers: [{ name: 'app', image: 'registry.example/static:1' }] },
    };
    const as = [`--as=system:node:${node}`, '--as-group=system:nodes'];
    await suite.cluster.must(['create', '-n', namespace, '-f', '-', ...as], mirrored);
    const stored = await read(namespace, 'static');
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([]);
    expect(tokenOf(stored)).toEqual({ mounts: [], env: [] });
    expect(valueAt(stored, ['metadata', 'annotations'])).toEqual(annotations);
    await suite.cluster.must(['delete', 'node', node]);
  });

  it('a pod on the network of its node has its token as any other', async () => {
    const namespace = await createAsking();
    await create(namespace, pod('web', { ...NO_API_TOKEN, hostNetwork: true }));
    const stored = await read(namespace);
    expect(valueAt(stored, ['spec', 'hostNetwork'])).toBe(true);
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([VOLUME]);
    expect(tokenOf(stored)).toEqual({ mounts: [MOUNT], env: [ENV] });
  });

  it.each([
    ['names no service account', undefined],
    ['names an empty one', ''],
  ])('a pod that %s has what `default` asks for', async (_title, serviceAccountName) => {
    const namespace = await suite.cluster.createNamespace();
    await untilDefaultAccount(suite.cluster, namespace);
    await annotate(namespace, `tokens.curfew.dev/vault=${VAULT['tokens.curfew.dev/vault']}`, 'default');
    const { serviceAccountName: _, ...spec } = pod('web', NO_API_TOKEN)['spec'] as JsonObject;
    await create(namespace, {
      ...pod('web'),
      spec: { ...spec, ...(serviceAccountName === undefined ? {} : { serviceAccountName }) },
    });
    const stored = await read(namespace);
    expect(valueAt(stored, ['spec', 'serviceAccountName'])).toBe('default');
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([VOLUME]);
    expect(tokenOf(stored)).toEqual({ mounts: [MOUNT], env: [ENV] });
  });

  it('pods whose names are generated all look alike, and a mistake in one is told by that name', async () => {
    const namespace = await createAsking();
    const generated = { ...pod('web', NO_API_TOKEN), metadata: { generateName: 'web-' } };
    await create(namespace, generated);
    await create(namespace, generated);
    const listed: unknown = JSON.parse(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'json']));
    const pods = asArray(member(listed, 'items'));
    expect(new Set(pods.map((one) => valueAt(one, ['metadata', 'name']))).size).toBe(2);
    for (const one of pods) expect(asArray(valueAt(one, ['spec', 'volumes']))).toEqual([VOLUME]);

    const wrong = { ...generated, metadata: { generateName: 'web-', annotations: { 'tokens.curfew.dev/own': '{}' } } };
    const { code, stderr } = await suite.cluster.kubectl.run(['create', '-n', namespace, '-f', '-'], {
      input: JSON.stringify(wrong),
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`Pod ${namespace}/web-*: 1 problem`);
    expect(stderr).toContain('inject-token at /metadata/annotations/tokens.curfew.dev~1own');
  });
});

describe('Pods that controllers make', () => {
  it('have the tokens that their account asks for', async () => {
    const namespace = await createAsking();
    const items = [
      deployment('web', NO_API_TOKEN),
      workload('StatefulSet', NO_API_TOKEN),
      asAccount(job('once', NO_API_TOKEN)),
    ];
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    await untilPodOf(suite.cluster, 'once', namespace);
    const list = async () => {
      const listed: unknown = JSON.parse(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'json']));
      return asArray(member(listed, 'items'));
    };
    await waitUntil('each has its pod', async () => (await list()).length === 3);
    const pods = await list();
    const owners = pods.map((one) => valueAt(one, ['metadata', 'ownerReferences', 0, 'kind']));
    expect(owners.toSorted()).toEqual(['Job', 'ReplicaSet', 'StatefulSet']);
    for (const one of pods) {
      expect(asArray(valueAt(one, ['spec', 'volumes']))).toEqual([VOLUME]);
      expect(tokenOf(one)).toEqual({ mounts: [MOUNT], env: [ENV] });
    }
    // The templates stay what their authors wrote, so that nobody's GitOps sees a difference.
    const template = await suite.cluster.must(['get', 'deployment', 'web', '-n', namespace, '-o', 'json']);
    expect(template).not.toContain('curfew-token-vault');
  });

  it('are refused where a template asks in a wrong way, and the Deployment says what is wrong', async () => {
    const namespace = await createAsking();
    const asking = deployment('web', NO_API_TOKEN);
    const labels = valueAt(asking, ['spec', 'template', 'metadata', 'labels']) as JsonObject;
    const metadata = { labels, annotations: { 'tokens.curfew.dev/own': '{audiance: own}' } };
    const spec = asking['spec'] as JsonObject;
    const template = { ...(spec['template'] as JsonObject), metadata };
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], { ...asking, spec: { ...spec, template } });
    let message = '';
    await waitUntil('the Deployment has heard of it', async () => {
      const failure = 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}';
      message = await suite.cluster.must(['get', 'deployment', 'web', '-n', namespace, '-o', failure]);
      return message !== '';
    });
    expect(message).toContain(`Pod ${namespace}/web-`);
    expect(message).toContain('inject-token at /metadata/annotations/tokens.curfew.dev~1own');
    expect(message).toContain('audiance');
    expect(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'name'])).toBe('');

    // And comes up by itself once it is right.
    const right = {
      ...template,
      metadata: { ...metadata, annotations: { 'tokens.curfew.dev/own': '{audience: own}' } },
    };
    await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], { ...asking, spec: { ...spec, template: right } });
    await waitUntil('its pod is there', async () => {
      return (await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'name'])) !== '';
    });
    const listed: unknown = JSON.parse(await suite.cluster.must(['get', 'pods', '-n', namespace, '-o', 'json']));
    expect(hasVaultToken(valueAt(listed, ['items', 0]))).toBe(true);
  });
});

/** A namespace whose service account `web` asks for a token for Vault, or has these annotations. */
async function createAsking(
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = VAULT,
): Promise<string> {
  const namespace = await suite.cluster.createNamespace(labels, { withoutAccount: true });
  await create(namespace, { ...serviceAccount('web', annotations), ...NO_API_TOKEN });
  return namespace;
}

async function create(namespace: string, object: JsonObject): Promise<void> {
  await suite.cluster.must(['create', '-n', namespace, '-f', '-'], object);
}

async function annotate(namespace: string, pair: string, account = 'web'): Promise<void> {
  await suite.cluster.must(['annotate', '--overwrite', 'serviceaccount', account, '-n', namespace, pair]);
}

async function read(namespace: string, name = 'web'): Promise<unknown> {
  return JSON.parse(await suite.cluster.must(['get', 'pod', name, '-n', namespace, '-o', 'json']));
}

/** What one container of the pod mounts, and its variables. */
function tokenOf(stored: unknown, container = 0): { readonly mounts: unknown; readonly env: unknown } {
  const of = (key: string) => asArray(valueAt(stored, ['spec', 'containers', container, key]));
  return { mounts: of('volumeMounts'), env: of('env') };
}

function recordOf(stored: unknown): unknown {
  return JSON.parse(asString(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/injected'])) ?? 'null');
}

/** The Job, with service account `web` for its pods. */
function asAccount(made: JsonObject): JsonObject {
  const pods = { ...(valueAt(made, ['spec', 'template', 'spec']) as JsonObject), serviceAccountName: 'web' };
  return { ...made, spec: { template: { spec: pods } } };
}
