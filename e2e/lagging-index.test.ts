import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { readMetrics } from '../test/exposition.ts';
import { expectFailure, readReadyz } from '../test/failure-rows.ts';
import { type InstalledCurfew, installCurfew, waitUntil } from './installed-curfew.ts';
import { type LaggingApi, startLaggingApi } from './lagging-api.ts';
import { HAS_AUDIT_LOG, pod, startTestCluster, type TestCluster } from './test-cluster.ts';
import { hasVaultToken, serviceAccount, VAULT } from './token-asks.ts';
import { untilDefaultAccount, workload } from './workloads.ts';

const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };
const WELL = { isLagging: false, isSilent: false };

let cluster: TestCluster;
let api: LaggingApi | undefined;
let curfew: InstalledCurfew | undefined;

beforeAll(async () => {
  cluster = await startTestCluster();
  api = await startLaggingApi(cluster.controlPlane);
  curfew = await installCurfew({ ...cluster, controlPlane: api }, { levels: { warn: 'off' } });
});
afterAll(async () => {
  await curfew?.uninstall();
  await api?.stop();
  await cluster?.controlPlane.stop();
});
beforeEach(() => api?.be(WELL));

describe('While the watches of the index lag', () => {
  it('a pod gets the token that its account asks for since a moment ago, by a live read', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: false });
    await annotate(namespace, VAULT);
    await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web'));
    expect(hasVaultToken(await read(namespace))).toBe(true);
  });

  it('a pod gets the token that its namespace asks for since a moment ago, by a live read', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: false });
    const [[key, value] = []] = Object.entries(VAULT);
    await cluster.must(['annotate', 'namespace', namespace, `${key}=${value}`]);
    await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web'));
    expect(hasVaultToken(await read(namespace))).toBe(true);
  });

  it('a pod of a service account that the index has never seen gets its token', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: false });
    await cluster.must(['create', '-n', namespace, '-f', '-'], serviceAccount('new', VAULT));
    await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web', { serviceAccountName: 'new' }));
    expect(hasVaultToken(await read(namespace))).toBe(true);
  });
});

describe('While the API server does not answer live reads either', () => {
  const asking = {
    ...pod('web'),
    metadata: { name: 'web', annotations: { 'tokens.curfew.dev/aws': '{preset: aws-irsa}' } },
  };

  it('a pod that counts on its account is denied, told to try again, and admitted when it does', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: true });
    await annotate(namespace, ROLE);
    const before = api?.unanswered() ?? 0;
    const { code, stderr } = await cluster.kubectl.apply(asking, ['-n', namespace]);
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/injection-try-again.txt');
    expect(api?.unanswered()).toBe(before + 1);

    api?.be({ isLagging: true, isSilent: false });
    await cluster.must(['apply', '-n', namespace, '-f', '-'], asking);
    expect(valueAt(await read(namespace), ['spec', 'containers', 0, 'env', 0, 'value'])).toBe(
      ROLE['eks.amazonaws.com/role-arn'],
    );
  });

  it('a pod that carries all it asks for needs no account', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: true });
    await cluster.must(['create', '-n', namespace, '-f', '-'], {
      ...pod('web'),
      metadata: { name: 'web', annotations: VAULT },
    });
    expect(hasVaultToken(await read(namespace))).toBe(true);
  });

  it('a pod of an account that nobody has seen is denied though it says nothing itself, and gets its token later', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: true });
    await cluster.must(['create', '-n', namespace, '-f', '-'], serviceAccount('new', VAULT));
    const asking = pod('web', { serviceAccountName: 'new' });
    const metrics = await readMetrics(curfew?.operationsUrl ?? '');
    const { code, stderr } = await cluster.kubectl.apply(asking, ['-n', namespace]);
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/injection-unread.txt');
    expectFailure('slow-api', {
      user: stderr.replaceAll(namespace, 'NAMESPACE').trimEnd(),
      log: '',
      metrics: [metrics, await readMetrics(curfew?.operationsUrl ?? '')],
      readyz: await readReadyz(curfew?.operationsUrl ?? ''),
    });

    api?.be({ isLagging: true, isSilent: false });
    await cluster.must(['create', '-n', namespace, '-f', '-'], asking);
    expect(hasVaultToken(await read(namespace))).toBe(true);
  });

  it('a pod of a controller is made when the API server answers again, with its token', async () => {
    const namespace = await createIndexed();
    api?.be({ isLagging: true, isSilent: true });
    await cluster.must(['create', '-n', namespace, '-f', '-'], serviceAccount('new', VAULT));
    const replicaSet = workload('ReplicaSet', { serviceAccountName: 'new' });
    await cluster.must(['create', '-n', namespace, '-f', '-'], replicaSet);
    const pods = async (): Promise<readonly unknown[]> =>
      asArray(member(JSON.parse(await cluster.must(['get', 'pods', '-n', namespace, '-o', 'json'])), 'items'));
    await waitUntil('its controller was refused', async () => {
      const events = await cluster.must(['get', 'events', '-n', namespace, '-o', 'jsonpath={.items[*].message}']);
      return events.includes('it may ask for a token');
    });
    expect(await pods()).toEqual([]);
    api?.be(WELL);
    await waitUntil('the pod is there', async () => (await pods()).length === 1);
    expect(hasVaultToken((await pods())[0])).toBe(true);
  });

  it('a pod gets what its account asked for when the index last heard of it', async () => {
    const namespace = await createIndexed(VAULT);
    api?.be({ isLagging: true, isSilent: true });
    await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web'));
    expect(hasVaultToken(await read(namespace))).toBe(true);
  });
});

describe('Where the index is what pods are judged by', () => {
  it('nothing is read for pods of accounts that it knows, and for that of a new one once', async () => {
    const namespace = await createIndexed();
    const first = await countReads();
    await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web'));
    expect(await countReads()).toBe(first);

    api?.be({ isLagging: true, isSilent: false });
    const before = await countReads();
    await cluster.must(['create', '-n', namespace, '-f', '-'], serviceAccount('new'));
    const late = { ...pod('web', { serviceAccountName: 'new' }), metadata: { name: 'late' } };
    await cluster.must(['create', '-n', namespace, '-f', '-'], late);
    expect(await countReads()).toBe(before + 1);
  });
});

describe('With live reads each time', () => {
  const ALWAYS = { levels: { warn: 'off' }, mutations: { 'inject-token': { liveReads: 'always' } } };

  it('a pod waits for two of them', async () => {
    await curfew?.upgrade(ALWAYS);
    const namespace = await createIndexed();
    const before = await countReads();
    await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web'));
    expect(await countReads()).toBe(before + 2);
  });

  it.runIf(HAS_AUDIT_LOG)(
    'a pod that asks for nothing, nor did its account a moment ago, is admitted, and the audit log says what is not known',
    async () => {
      await curfew?.upgrade(ALWAYS);
      const namespace = await createIndexed();
      api?.be({ isLagging: true, isSilent: true });
      await cluster.must(['create', '-n', namespace, '-f', '-'], pod('web'));
      expect(hasVaultToken(await read(namespace))).toBe(false);
      const events = await cluster.controlPlane.auditEvents();
      const created = events.find(
        (event) =>
          valueAt(event, ['objectRef', 'namespace']) === namespace &&
          valueAt(event, ['objectRef', 'resource']) === 'pods',
      );
      expect(asString(valueAt(created, ['annotations', 'pods.curfew.dev/note']))).toContain(
        `of service account ${namespace}/web and namespace ${namespace} only what they said a moment ago is known: they could not be read: no answer within 1500 ms`,
      );
    },
  );
});

async function countReads(): Promise<number> {
  return (await curfew?.metric('curfew_live_reads_total')) ?? Number.NaN;
}

/** A namespace whose service account `web` the index knows. */
async function createIndexed(annotations: Readonly<Record<string, string>> = {}): Promise<string> {
  const namespace = await cluster.createNamespace({}, { withoutAccount: true });
  await cluster.must(['create', '-n', namespace, '-f', '-'], serviceAccount('web', annotations));
  // Its controller makes `default` at its own time; from then on nothing else comes.
  await untilDefaultAccount(cluster, namespace);
  const accounts = (await cluster.must(['get', 'serviceaccounts', '-A', '-o', 'name'])).trim().split('\n');
  await waitUntil('the index knows the account', async () => {
    return (await curfew?.metric('curfew_index_entries{resource="serviceaccounts"}')) === accounts.length;
  });
  return namespace;
}

async function annotate(namespace: string, annotations: Readonly<Record<string, string>>): Promise<void> {
  const pairs = Object.entries(annotations).map(([key, value]) => `${key}=${value}`);
  await cluster.must(['annotate', 'serviceaccount', 'web', '-n', namespace, ...pairs]);
}

async function read(namespace: string, name = 'web'): Promise<unknown> {
  return JSON.parse(await cluster.must(['get', 'pod', name, '-n', namespace, '-o', 'json']));
}
