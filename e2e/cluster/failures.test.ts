import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';
import { sumOf } from '../../test/exposition.ts';
import { IS_LONG } from '../../test/long.ts';
import { waitUntil } from '../installed-curfew.ts';
import { tell } from '../node/cluster.ts';
import { layoutOf } from '../node/layout.ts';
import { hasVaultToken, VAULT } from '../token-asks.ts';
import { type InstalledChart, openCluster, RELEASE, RELEASE_NAMESPACE, sleepingPod } from './installed-chart.ts';

const ENFORCED = ['--set', 'config.levels.enforce=restricted', '--set', 'config.mutateMode=apply'];

const README = join(import.meta.dirname, '..', '..', 'README.md');
/** For a node to do what it does at its own pace, in ms. */
const SLOW_MS = 120_000;

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.install(ENFORCED);
  await cluster.untilPublished();
});

afterAll(async () => {
  await cluster.removeNamespaces();
  await cluster.uninstall();
});

it('Replicas tell each other of a change before it is let in, and each gives new pods what it says', async () => {
  const namespace = await cluster.createNamespace('told', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  const isTold = async () => {
    const told = await metricsOfAll('curfew_told_of_changes');
    return told.length === 2 && told.every((value) => value === 1);
  };
  // They do once all have been heard of for as long as an API server may take to store what was let in before.
  await waitUntil('both rely on it', isTold, SLOW_MS);
  const confirmed = async () => sum(await metricsOfAll('curfew_changes_told_total{outcome="confirmed"}'));
  const before = await confirmed();
  const [[key, value] = []] = Object.entries(VAULT);
  await cluster.must(['annotate', 'serviceaccount', 'web', '-n', namespace, `${key}=${value}`]);
  // kubectl opens a connection for each, but it is the API server that calls: so many that both replicas are asked.
  const pods = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const made = ['create', '-n', namespace, '--dry-run=server', '-o', 'json', '-f', '-'];
      return JSON.parse(await cluster.must(made, sleepingPod(`web-${index}`)));
    }),
  );
  expect(pods.filter((made) => !hasVaultToken(made))).toEqual([]);
  expect(await confirmed()).toBe(before + 1);
  expect(sum(await metricsOfAll('curfew_changes_told_total{outcome="missed"}'))).toBe(0);
});

it('While all of its pods are lost, pods are refused; and they come back by themselves with everything enforced', async () => {
  const namespace = await cluster.createNamespace('lost', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  const layout = layoutOf(process.env['CURFEW_CLUSTER_STATE'] ?? '');
  // So that none can come back before it was looked.
  await tell({ layout }, { stop: 'kubelet' });
  try {
    await cluster.must(['delete', 'pods', '-n', RELEASE_NAMESPACE, '--all', '--force', '--grace-period=0']);
    await waitUntil('the API server has noticed', async () => (await tryPod(namespace)).code !== 0, SLOW_MS);
    expect((await tryPod(namespace)).stderr).toContain('failed calling webhook "pods.curfew.dev"');
  } finally {
    await tell({ layout }, { start: 'kubelet' });
  }
  await waitUntil('both replicas are ready', async () => (await cluster.countReady()) === 2, SLOW_MS);
  await waitUntil('pods are admitted', async () => (await tryPod(namespace)).code === 0, SLOW_MS);
});

/** Of each replica but those that are ending. */
async function metricsOfAll(series: string): Promise<readonly number[]> {
  const listed = ['get', 'pods', '-n', RELEASE_NAMESPACE, '-l', 'app.kubernetes.io/name=curfew', '-o', 'json'];
  const pods = asArray(member(JSON.parse(await cluster.must(listed)), 'items')).flatMap((pod) =>
    valueAt(pod, ['metadata', 'deletionTimestamp']) === undefined
      ? [asString(valueAt(pod, ['metadata', 'name'])) ?? '']
      : [],
  );
  const texts = pods.map(async (pod) => {
    const path = `/api/v1/namespaces/${RELEASE_NAMESPACE}/pods/${pod}:8080/proxy/metrics`;
    return sumOf(await cluster.must(['get', '--raw', path]), series);
  });
  return await Promise.all(texts);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The kubelet takes its time: half a minute of silence, and then for a process that hears no SIGTERM. */
it.runIf(IS_LONG)('A replica that hangs is taken out, and then started again by its kubelet', async () => {
  const namespace = await cluster.createNamespace('hanging', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  const before = await restartsOf(RELEASE_NAMESPACE);
  const began = Date.now();
  process.kill(await findReplicaProcess(), 'SIGSTOP');
  await waitUntil('it is taken out', async () => (await cluster.countReady()) === 1, SLOW_MS);
  await waitUntil('pods are admitted by the other', async () => (await tryPod(namespace)).code === 0, SLOW_MS);
  const again = async () => (await cluster.countReady()) === 2 && (await restartsOf(RELEASE_NAMESPACE)) === before + 1;
  await waitUntil('it is started again', again, SLOW_MS);
  console.log(`started again ${Math.round((Date.now() - began) / 1000)} s after it hung`);
  expect((await tryPod(namespace)).code).toBe(0);
});

it('After the node was switched off and on, all comes back by itself with everything enforced', async () => {
  const namespace = await cluster.createNamespace('restarted', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  await cluster.must(['create', '-n', namespace, '-f', '-'], sleepingPod('web'));
  await cluster.must(['wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=90s']);

  await tell({ layout: layoutOf(process.env['CURFEW_CLUSTER_STATE'] ?? '') }, { restart: 'node' });
  await waitUntil('both replicas are ready', async () => (await restartsOf(RELEASE_NAMESPACE)) >= 2, SLOW_MS);
  await waitUntil('and stay so', async () => (await cluster.countReady()) === 2, SLOW_MS);
  await waitUntil('the pod runs again', async () => (await restartsOf(namespace)) === 1, SLOW_MS);
  expect((await tryPod(namespace)).code).toBe(0);
});

it('After its namespace was deleted, one command lets pods in again, and an install makes all good', async () => {
  const namespace = await cluster.createNamespace('emergency', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  const notes = await cluster.helm(['get', 'notes', RELEASE, '--namespace', RELEASE_NAMESPACE]);
  const command = /kubectl (delete \S+ \S+)$/m.exec(notes)?.[1] ?? '';
  expect(command).toContain('webhookconfiguration');
  await cluster.must(['delete', 'namespace', RELEASE_NAMESPACE, '--wait=false']);
  await cluster.must(['delete', 'pods', '-n', RELEASE_NAMESPACE, '--all', '--force', '--grace-period=0']);
  await cluster.must(['wait', '--for=delete', `namespace/${RELEASE_NAMESPACE}`, '--timeout=90s']);
  const refused = await tryPod(namespace);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('failed calling webhook "pods.curfew.dev"');

  // The README's, which does not know the name of the release, would remove the same.
  const general = /^kubectl (delete \S+ -l \S+)$/m.exec(await readFile(README, 'utf8'))?.[1] ?? '';
  const named = await cluster.must([...command.split(' '), '--dry-run=server', '-o', 'name']);
  expect(named.trim().split('\n')).toHaveLength(2);
  expect(await cluster.must([...general.split(' '), '--dry-run=server', '-o', 'name'])).toBe(named);

  await cluster.must(command.split(' '));
  expect((await tryPod(namespace)).code).toBe(0);

  await cluster.install(ENFORCED);
  await cluster.untilPublished();
  expect(await cluster.countReady()).toBe(2);
});

/** Asks for a pod without making it. */
async function tryPod(namespace: string) {
  const create = ['create', '-n', namespace, '-f', '-', '--dry-run=server'];
  return await cluster.kubectl.run(create, { input: JSON.stringify(sleepingPod('next')) });
}

/** The process of one replica, as this machine numbers it: the runtime gives each the name of its pod. */
async function findReplicaProcess(): Promise<number> {
  const pod = await cluster.must([
    ...['get', 'pods', '-n', RELEASE_NAMESPACE, '--selector', 'app.kubernetes.io/name=curfew'],
    ...['-o', 'jsonpath={.items[0].metadata.name}'],
  ]);
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const read = async (file: string) => await readFile(join('/proc', name, file), 'utf8').catch(() => '');
    const isOfPod = (await read('environ')).split('\0').includes(`HOSTNAME=${pod}`);
    if (isOfPod && (await read('cmdline')).includes('curfew.mjs\0serve')) return Number(name);
  }
  throw new Error(`no process of pod ${pod} was found`);
}

/** How often containers of a namespace were started again, those that run. */
async function restartsOf(namespace: string): Promise<number> {
  const path = '{range .items[*].status.containerStatuses[?(@.ready==true)]}{.restartCount}{"\\n"}{end}';
  const text = await cluster.must(['get', 'pods', '-n', namespace, '-o', `jsonpath=${path}`]);
  return text
    .split('\n')
    .map(Number)
    .reduce((sum, count) => sum + count, 0);
}
