import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { connect } from '../src/kube/client.ts';
import { TOKEN_SECRETS } from '../src/kube/metadata.ts';
import { asArray, type JsonObject, valueAt } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { pod, type TestCluster, tokenSecret } from './test-cluster.ts';

let namespace = '';
let token = '';

/** A real token of a Secret made before Curfew was installed, which most clusters have. */
const suite = setUpSuite({ secretIndex: true }, async (cluster) => {
  namespace = await cluster.createNamespace();
  await cluster.must(['create', '-n', namespace, '-f', '-'], tokenSecret('web-token-x7k2p', 'web'));
  await waitUntil('the token controller filled it', async () => (await tokenOf(cluster, 'web-token-x7k2p')) !== '');
  token = await tokenOf(cluster, 'web-token-x7k2p');
});

const MOUNTING = {
  automountServiceAccountToken: false,
  containers: [
    { name: 'app', image: 'registry.example/web:1', volumeMounts: [{ name: 'old', mountPath: '/var/run/old' }] },
  ],
  volumes: [{ name: 'old', secret: { secretName: 'web-token-x7k2p' } }],
};
const BY_VARIABLE = {
  automountServiceAccountToken: false,
  initContainers: [withToken({ name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' })],
  containers: [withToken({ name: 'app', image: 'registry.example/web:1' })],
};

describe('With the index', () => {
  it('refuses a pod that mounts a real token Secret, at baseline', async () => {
    const { code, stderr } = await apply(pod('mounts', MOUNTING));
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/token-mount-denied.txt');
  });

  it('refuses one that takes it as a variable, in a native sidecar too', async () => {
    const { code, stderr } = await apply(pod('variables', BY_VARIABLE));
    expect(code).toBe(1);
    expect(stderr).toContain('containers proxy, app: a variable is set from Secret "web-token-x7k2p"');
  });

  it('refuses to add it to the secrets of an account, and lets other Secrets be added', async () => {
    await suite.cluster.must(['create', 'secret', 'generic', 'database', '-n', namespace]);
    const add = async (name: string) => await patchSecrets([{ name }]);
    expect(await add('web-token-x7k2p')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('service-account-secrets at /secrets/0'),
    });
    const other = await add('database');
    expect({ code: other.code, isNamed: other.stderr.includes('service-account-secrets') }).toEqual({
      code: 0,
      isNamed: false,
    });
  });

  it('hears of a Secret that is made while it runs, and of its end', async () => {
    const unseen = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'off' });
    await suite.cluster.must(['create', '-n', unseen, '-f', '-'], tokenSecret('late', 'web'));
    const spec = { ...MOUNTING, volumes: [{ name: 'old', secret: { secretName: 'late' } }] };
    const warns = async () =>
      (await suite.cluster.kubectl.apply(pod('web', spec), ['-n', unseen, '--dry-run=server'])).stderr.includes(
        'Warning: curfew long-lived-token-mount',
      );
    await waitUntil('the new Secret is known', warns);
    await suite.cluster.must(['delete', 'secret', 'late', '-n', unseen]);
    await waitUntil('the deleted Secret is forgotten', async () => !(await warns()));
  });

  it('gets no data with the very requests that the index sends', async () => {
    const client = await connect({ kubeconfig: suite.curfew.kubeconfig });
    const { path, query, listAccept, watchAccept } = TOKEN_SECRETS;
    const signal = AbortSignal.timeout(20_000);
    const list = await client.request({ method: 'GET', path, query, accept: listAccept, signal });
    expect(list.status).toBe(200);
    const items = asArray(valueAt(list.body, ['items']));
    expect(items.map((item) => valueAt(item, ['metadata', 'name']))).toContain('web-token-x7k2p');

    const events: unknown[] = [];
    const watched = { ...query, watch: 'true', resourceVersion: '0', timeoutSeconds: '2' };
    for await (const event of client.watch({ method: 'GET', path, query: watched, accept: watchAccept, signal })) {
      events.push(event);
    }
    expect(events.map((event) => valueAt(event, ['object', 'metadata', 'name']))).toContain('web-token-x7k2p');

    for (const object of [...items, ...events.map((event) => valueAt(event, ['object']))]) {
      expect(Object.keys(object as JsonObject).toSorted()).not.toContain('data');
    }
    expect(token.length).toBeGreaterThan(100);
    const arrived = JSON.stringify([list.body, events]);
    for (const text of [token, Buffer.from(token).toString('base64')]) expect(arrived).not.toContain(text.slice(0, 40));
  });

  it('says in its notes that Secrets are known, counts them, and has nothing of the token in its log', async () => {
    expect(await (await fetch(`${suite.curfew.operationsUrl}/readyz?verbose`)).text()).toContain(
      '[+] token Secrets known',
    );
    expect(await suite.curfew.metric('curfew_index_entries{resource="secrets"}')).toBeGreaterThanOrEqual(1);
    const log = await readFile(suite.curfew.logFile, 'utf8');
    expect(log).toContain('index is filled');
    for (const part of token.split('.')) expect(log).not.toContain(part.slice(0, 40));
  });
});

describe('With the index, and without the right', () => {
  it('is ready, warns where it can, and knows again once the right is back', async () => {
    await suite.curfew.stopProcess();
    const role = JSON.parse(await suite.cluster.must(['get', 'clusterrole', 'curfew', '-o', 'json'])) as JsonObject;
    const rules = asArray(role['rules']).filter((rule) => !JSON.stringify(rule).includes('"secrets"'));
    await suite.cluster.must(['replace', '-f', '-'], { ...role, rules });
    await suite.curfew.startProcess();

    const { stderr } = await apply(pod('mounts', MOUNTING), '--dry-run=server');
    expect(stderr).toContain(
      'Warning: curfew long-lived-token-mount: not judged: Secret "web-token-x7k2p" is named like a never-expiring token of service account web, and the index of token Secrets does not hear the API server',
    );
    expect(await (await fetch(`${suite.curfew.operationsUrl}/readyz?verbose`)).text()).toMatch(
      /\[-\] token Secrets known: list \/api\/v1\/secrets: HTTP 403 Forbidden: .*\n(.*\n)*ready\n/,
    );

    const { metadata } = role;
    const { resourceVersion: _version, ...rest } = metadata as JsonObject;
    await suite.cluster.must(['replace', '-f', '-'], { ...role, metadata: rest });
    await waitUntil(
      'the pod is refused again',
      async () => (await apply(pod('mounts', MOUNTING), '--dry-run=server')).code === 1,
    );
  });
});

describe('Without the index', () => {
  it('has no right to Secrets, warns of a generated name alone, and of every addition to an account', async () => {
    await suite.curfew.upgrade({});
    const asCurfew = ['--as=system:serviceaccount:curfew-system:curfew'];
    expect(
      (await suite.cluster.kubectl.run(['auth', 'can-i', 'list', 'secrets', '-A', ...asCurfew])).stdout.trim(),
    ).toBe('no');

    const generated = await apply(pod('mounts', MOUNTING), '--dry-run=server');
    expect(generated.code).toBe(0);
    expect(generated.stderr).toContain(
      'Warning: curfew long-lived-token-mount: not judged: Secret "web-token-x7k2p" is named like a never-expiring token of service account web, and the index of token Secrets is off',
    );
    const spec = { ...MOUNTING, volumes: [{ name: 'old', secret: { secretName: 'database' } }] };
    expect((await apply(pod('other', spec), '--dry-run=server')).stderr).toBe('');
    const added = await patchSecrets([{ name: 'unheard-of' }], '--dry-run=server');
    expect(added.code).toBe(0);
    expect(added.stderr).toContain(
      'Warning: curfew service-account-secrets: not judged: cannot tell whether Secret unheard-of',
    );
  });
});

async function apply(object: JsonObject, ...args: readonly string[]) {
  return await suite.cluster.kubectl.apply(object, ['-n', namespace, ...args]);
}

async function patchSecrets(secrets: readonly JsonObject[], ...args: readonly string[]) {
  const patch = ['patch', 'serviceaccount', 'web', '-n', namespace, '--type=merge', '-p', JSON.stringify({ secrets })];
  return await suite.cluster.kubectl.run([...patch, ...args]);
}

async function tokenOf(cluster: TestCluster, name: string): Promise<string> {
  const data = await cluster.must(['get', 'secret', name, '-n', namespace, '-o', 'jsonpath={.data.token}']);
  return Buffer.from(data, 'base64').toString('utf8');
}

function withToken(container: JsonObject): JsonObject {
  const valueFrom = { secretKeyRef: { name: 'web-token-x7k2p', key: 'token' } };
  return { ...container, env: [{ name: 'TOKEN', valueFrom }] };
}
