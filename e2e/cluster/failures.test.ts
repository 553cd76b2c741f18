import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitUntil } from '../installed-curfew.ts';
import { tell } from '../node/cluster.ts';
import { layoutOf } from '../node/layout.ts';
import { type InstalledChart, openCluster, RELEASE, RELEASE_NAMESPACE, sleepingPod } from './installed-chart.ts';

const ENFORCED = ['--set', 'config.levels.enforce=restricted', '--set', 'config.mutateMode=apply'];

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

it('After the node was switched off and on, all comes back by itself with everything enforced', async () => {
  const namespace = await cluster.createNamespace('restarted', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  await cluster.must(['create', '-n', namespace, '-f', '-'], sleepingPod('web'));
  await cluster.must(['wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=90s']);

  await tell({ layout: layoutOf(process.env['CURFEW_CLUSTER_STATE'] ?? '') }, { restart: 'node' });
  await waitUntil('both replicas are ready', async () => (await restartsOf(RELEASE_NAMESPACE)) >= 2, 120_000);
  await waitUntil('and stay so', async () => (await cluster.countReady()) === 2, 120_000);
  await waitUntil('the pod runs again', async () => (await restartsOf(namespace)) === 1, 120_000);
  const { code } = await cluster.kubectl.run(['create', '-n', namespace, '-f', '-', '--dry-run=server'], {
    input: JSON.stringify(sleepingPod('next')),
  });
  expect(code).toBe(0);
});

it('After its namespace was deleted, one command lets pods in again, and an install makes all good', async () => {
  const namespace = await cluster.createNamespace('emergency', { 'curfew.dev/enforce': 'baseline' });
  await cluster.createAccount(namespace);
  const notes = await cluster.helm(['get', 'notes', RELEASE, '--namespace', RELEASE_NAMESPACE]);
  const command = /kubectl (delete \S+ \S+)$/m.exec(notes)?.[1] ?? '';
  expect(command).toContain('webhookconfiguration');
  await cluster.must(['delete', 'namespace', RELEASE_NAMESPACE, '--force', '--grace-period=0', '--timeout=90s']);
  const create = async () =>
    await cluster.kubectl.run(['create', '-n', namespace, '-f', '-', '--dry-run=server'], {
      input: JSON.stringify(sleepingPod('web')),
    });
  const refused = await create();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('failed calling webhook "pods.curfew.dev"');

  await cluster.must(command.split(' '));
  expect((await create()).code).toBe(0);

  await cluster.install(ENFORCED);
  await cluster.untilPublished();
  expect(await cluster.countReady()).toBe(2);
});

/** How often containers of a namespace were started again, those that run. */
async function restartsOf(namespace: string): Promise<number> {
  const path = '{range .items[*].status.containerStatuses[?(@.ready==true)]}{.restartCount}{"\\n"}{end}';
  const text = await cluster.must(['get', 'pods', '-n', namespace, '-o', `jsonpath=${path}`]);
  return text
    .split('\n')
    .map(Number)
    .reduce((sum, count) => sum + count, 0);
}
