import { afterAll, beforeAll, expect, it } from 'vitest';
import { valueAt } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { type InstalledChart, openCluster, RELEASE, RELEASE_NAMESPACE } from './installed-chart.ts';
import { ENOUGH_CPU, startLoad } from './steady-load.ts';

const LEAST_CALLS = 2_000;
const IN_CURFEW = ['-n', RELEASE_NAMESPACE];
const DEPLOYMENT = `deployment/${RELEASE}`;
const LIMIT = '--timeout=120s';

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.install(ENOUGH_CPU);
  await cluster.untilPublished();
});

afterAll(async () => {
  await cluster.removeNamespaces();
  await cluster.uninstall();
});

it('Pods are admitted and mutated all through a restart, scaling, a lost pod, an upgrade and a drained node', async () => {
  const deployment = JSON.parse(await cluster.must(['get', DEPLOYMENT, ...IN_CURFEW, '-o', 'json']));
  // A replica leaves when its successor is ready, and answers for some seconds more.
  expect(valueAt(deployment, ['spec', 'strategy', 'rollingUpdate'])).toEqual({ maxUnavailable: 0, maxSurge: 1 });

  const load = await startLoad(cluster, 'steady');
  let result: Awaited<ReturnType<typeof load.stop>>;
  try {
    await cluster.must(['rollout', 'restart', DEPLOYMENT, ...IN_CURFEW]);
    await cluster.must(['rollout', 'status', DEPLOYMENT, ...IN_CURFEW, LIMIT]);
    for (const replicas of [3, 1, 2]) {
      await cluster.must(['scale', DEPLOYMENT, `--replicas=${replicas}`, ...IN_CURFEW]);
      await cluster.must(['rollout', 'status', DEPLOYMENT, ...IN_CURFEW, LIMIT]);
    }
    const [pod = ''] = (await cluster.must(['get', 'pods', ...IN_CURFEW, '-o', 'name'])).split('\n');
    await cluster.must(['delete', pod, ...IN_CURFEW]);
    await waitUntil('the lost pod is replaced', async () => (await cluster.countReady()) === 2, 60_000);
    await cluster.install([...ENOUGH_CPU, '--set', 'logLevel=warn']);
    // There is no other node, so the disruption budget keeps the last pod where it is.
    const drain = ['drain', 'curfew-node', '--force', '--delete-emptydir-data', '--timeout=10s'];
    const { code, stderr } = await cluster.kubectl.run([...drain, `--pod-selector=app.kubernetes.io/name=${RELEASE}`]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('disruption budget') });
    await cluster.must(['uncordon', 'curfew-node']);
    await waitUntil('the drained pod is replaced', async () => (await cluster.countReady()) === 2, 60_000);
  } finally {
    result = await load.stop(LEAST_CALLS);
  }
  expect(result.failures).toEqual([]);
  expect(result.calls).toBeGreaterThanOrEqual(LEAST_CALLS);
});
