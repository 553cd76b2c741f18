import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { member, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import type { TestCluster } from './test-cluster.ts';
import { deployment, HAS_AUDIT_LOG, pod, tokenSecret } from './test-cluster.ts';

let namespace = '';
let legacyToken = '';
let boundToken = '';
/** All that kubectl said, and every text that a token was sent in. */
const answers: string[] = [];
const SHOWN = 12;

/** Tokens that the API server made before Curfew came: afterwards it would make neither. */
const suite = setUpSuite({}, async (cluster) => {
  namespace = await cluster.createNamespace();
  await cluster.must(['create', '-n', namespace, '-f', '-'], tokenSecret('old', 'web'));
  await waitUntil('the token controller filled it', async () => (await readLegacyToken(cluster)) !== '');
  legacyToken = await readLegacyToken(cluster);
  boundToken = (await cluster.must(['create', 'token', 'web', '-n', namespace, '--duration', '48h'])).trim();
});

describe.each([
  ['a legacy token', () => legacyToken, 'that never expires.'],
  ['a token of two days', () => boundToken, /that lives 172800 s, until 20\d\d-.*Z; at most 86400 s are allowed\./],
] as const)('From the API server %s', (_name, readToken, words) => {
  it.each<[string, string, (token: string) => JsonObject]>([
    ['a Secret', '/data/token', (token) => secret({ stringData: { token } })],
    [
      'a kubeconfig in a Secret',
      '/data/kubeconfig',
      (token) => secret({ stringData: { kubeconfig: kubeconfig(token) } }),
    ],
    [
      'a password for a registry',
      '/data/.dockerconfigjson',
      (token) =>
        secret({ type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': dockerConfig(token) } }),
    ],
    [
      'a Secret of the bootstrap type, outside kube-system',
      '/data/token',
      (token) => secret({ type: 'bootstrap.kubernetes.io/token', stringData: { token } }),
    ],
    ['a ConfigMap', '/data/.env', (token) => configMap({ '.env': `A=b\nTOKEN=${token}\n` })],
    [
      'a variable of a pod',
      '/spec/containers/0/env/0/value',
      (token) => pod('web', { containers: [{ name: 'app', image: 'a', env: [{ name: 'TOKEN', value: token }] }] }),
    ],
    [
      'an argument of an init container',
      '/spec/initContainers/0/args/0',
      (token) => pod('web', { initContainers: [{ name: 'init', image: 'a', args: [`--token=${token}`] }] }),
    ],
  ])('is refused in %s', async (_where, path, make) => {
    const { code, stderr } = await create(make(readToken()));
    expect(code).toBe(1);
    expect(stderr).toContain(`embedded-token at ${path}\n`);
    expect(stderr).toContain(`a token of service account "${namespace}/web"`);
    expect(stderr).toMatch(words);
  });

  it('is warned about in a Deployment, and its pods are refused', async () => {
    const name = `web-${readToken().length}`;
    const containers = [{ name: 'app', image: 'a', env: [{ name: 'TOKEN', value: readToken() }] }];
    const { code, stderr } = await create(deployment(name, { containers }));
    expect(code).toBe(0);
    expect(stderr).toContain('Warning: curfew embedded-token: a pasted token that ');
    await waitUntil('the ReplicaSet reports the denial', async () => {
      const args = ['get', 'events', '-n', namespace, '-o', 'jsonpath={.items[*].message}'];
      const events = await suite.cluster.must(args);
      answers.push(events);
      return events.includes('embedded-token at /spec/containers/0/env/0/value');
    });
  });
});

it('lets a token of an hour through, at restricted too', async () => {
  const strict = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
  const token = (await suite.cluster.must(['create', 'token', 'web', '-n', namespace, '--duration', '1h'])).trim();
  const { code, stderr } = await suite.cluster.kubectl.apply(secret({ stringData: { token } }), ['-n', strict]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('lets an object that had one before be changed, but not given another one', async () => {
  const object = { ...configMap({ token: legacyToken }), metadata: { name: 'old' } };
  const unseen = { as: { user: 'system:apiserver', groups: ['system:masters', 'system:nodes'] } };
  const args = ['create', '-n', namespace, '-f', '-'];
  const made = await suite.cluster.kubectl.run(args, { ...unseen, input: JSON.stringify(object) });
  expect(made.code).toBe(0);
  const patch = async (data: JsonObject) =>
    remember(
      await suite.cluster.kubectl.run([
        ...['patch', 'configmap', 'old', '-n', namespace, '--type=merge', '-p', JSON.stringify({ data })],
      ]),
    );
  const changed = await patch({ other: 'text' });
  expect(changed.code).toBe(0);
  expect(changed.stderr).toContain('Warning: curfew embedded-token: a pasted token that never expires');
  const added = await patch({ more: boundToken });
  expect(added.stderr).toContain('embedded-token at /data/more\n');
  expect(added.stderr).not.toContain('/data/token');
});

it('refuses one more in an old token Secret, which can be labelled as before', async () => {
  const patch = async (change: JsonObject) =>
    remember(
      await suite.cluster.kubectl.run([
        ...['patch', 'secret', 'old', '-n', namespace, '--type=merge', '-p', JSON.stringify(change)],
      ]),
    );
  const labelled = await patch({ metadata: { labels: { seen: 'yes' } } });
  expect(labelled.code).toBe(0);
  expect(labelled.stderr).not.toContain('embedded-token');
  const { stderr } = await patch({ stringData: { other: boundToken } });
  expect(stderr).toContain('admission webhook "secrets.curfew.dev" denied the request: ');
  expect(stderr).toContain('embedded-token at /data/other\n');
});

describe('Bootstrap tokens', () => {
  const forgotten = 'bootstrap-token-eeeeee';
  afterAll(async () => {
    await suite.cluster.kubectl.run(['delete', 'secret', forgotten, '-n', 'kube-system', '--ignore-not-found']);
  });

  it('are refused in kube-system without an expiration, although nothing else is denied there', async () => {
    const { code, stderr } = await suite.cluster.kubectl.apply(bootstrapToken(forgotten));
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "bootstrap-tokens.curfew.dev" denied the request: ');
    expect(stderr).toContain('bootstrap-token-expiration at /type\n');
    expect(stderr).not.toContain('0123456789abcdef');
  });

  it('are made with one, which then cannot be taken away', async () => {
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    const made = await suite.cluster.kubectl.apply(bootstrapToken(forgotten, expiration));
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
    const patch = ['patch', 'secret', forgotten, '-n', 'kube-system', '--type=json', '-p'];
    const removal = JSON.stringify([{ op: 'remove', path: '/data/expiration' }]);
    const { code, stderr } = await suite.cluster.kubectl.run([...patch, removal]);
    expect(code).toBe(1);
    expect(stderr).toContain('the bootstrap token never expires');
  });
});

describe('The text of a token', () => {
  it('is in nothing that kubectl printed', () => {
    expect(answers.join('')).toContain('embedded-token');
    expect(holdsPartOfToken(answers.join('\n'))).toBe(false);
  });

  it('is not in the log of Curfew', async () => {
    const log = await readFile(suite.curfew.logFile, 'utf8');
    expect(log).toContain('embedded-token');
    expect(holdsPartOfToken(log)).toBe(false);
  });

  it.runIf(HAS_AUDIT_LOG)('is in no audit annotation', async () => {
    const events = await suite.cluster.controlPlane.auditEvents();
    const annotations = events
      .filter((event) => valueAt(event, ['objectRef', 'namespace']) === namespace)
      .map((event) => JSON.stringify(member(event, 'annotations') ?? {}));
    expect(annotations.join('')).toContain('embedded-token at /data/token: a pasted token that never expires');
    expect(holdsPartOfToken(annotations.join('\n'))).toBe(false);
  });
});

async function create(object: JsonObject) {
  const input = JSON.stringify(object);
  return remember(await suite.cluster.kubectl.run(['create', '-n', namespace, '-f', '-'], { input }));
}

function remember<Answer extends { readonly stdout: string; readonly stderr: string }>(answer: Answer): Answer {
  answers.push(answer.stdout, answer.stderr);
  return answer;
}

/** Any twelve characters in a row of one of the tokens, as it is or in base64. */
function holdsPartOfToken(text: string): boolean {
  return [legacyToken, boundToken]
    .flatMap((token) => [token, Buffer.from(token).toString('base64'), Buffer.from(`web:${token}`).toString('base64')])
    .some((secretText) =>
      Array.from(secretText, (_character, index) => secretText.slice(index, index + SHOWN))
        .filter((part) => part.length === SHOWN)
        .some((part) => text.includes(part)),
    );
}

async function readLegacyToken(cluster: TestCluster): Promise<string> {
  const args = ['get', 'secret', 'old', '-n', namespace, '-o', 'jsonpath={.data.token}'];
  return Buffer.from(await cluster.must(args), 'base64').toString();
}

function secret(fields: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pasted' }, ...fields };
}

function configMap(data: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pasted' }, data };
}

function kubeconfig(token: string): string {
  return `apiVersion: v1\nkind: Config\nusers:\n- name: web\n  user:\n    token: ${token}\n`;
}

function dockerConfig(token: string): string {
  return JSON.stringify({ auths: { 'registry.example': { auth: Buffer.from(`web:${token}`).toString('base64') } } });
}

function bootstrapToken(name: string, expiration?: string): JsonObject {
  const stringData = { 'token-id': 'eeeeee', 'token-secret': '0123456789abcdef' };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: { ...stringData, ...(expiration === undefined ? {} : { expiration }) },
  };
}
