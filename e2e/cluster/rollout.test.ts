import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitUntil } from '../installed-curfew.ts';
import { createApiClient } from './api-client.ts';
import { type InstalledChart, openCluster, RELEASE, RELEASE_NAMESPACE, sleepingPod } from './installed-chart.ts';

const LEAST_CALLS = 2_000;
/** Between two calls, in ms. */
const PAUSE_MS = 15;
const IN_CURFEW = ['-n', RELEASE_NAMESPACE];
const DEPLOYMENT = `deployment/${RELEASE}`;
const LIMIT = '--timeout=120s';

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.install();
  await cluster.untilPublished();
});

afterAll(async () => {
  await cluster.removeNamespaces();
  await cluster.uninstall();
});

it('Pods are admitted and mutated all through a restart, scaling, a lost pod, an upgrade and a drained node', async () => {
  const namespace = await cluster.createNamespace('steady', { 'curfew.dev/mutate': 'baseline' });
  await cluster.createAccount(namespace);
  const client = await createApiClient(process.env['KUBECONFIG'] ?? '');
  const failures: string[] = [];
  let calls = 0;
  const over = new AbortController();

  async function call(): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const { status, body } = await client.create(path, sleepingPod(`web-${calls}`));
    calls += 1;
    if (status !== 201) failures.push(`${status}: ${body}`);
    else if (!body.includes('"expirationSeconds":3600')) failures.push('the pod was not mutated');
  }

  /** At a steady rate, however long an answer takes. */
  async function keepCalling(): Promise<void> {
    const open = new Set<Promise<void>>();
    while (!over.signal.aborted || calls < LEAST_CALLS) {
      const one = call().finally(() => open.delete(one));
      open.add(one);
      await sleep(PAUSE_MS);
    }
    await Promise.all(open);
  }

  const calling = keepCalling();
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
    await cluster.install(['--set', 'logLevel=warn']);
    // There is no other node, so the disruption budget keeps the last pod where it is.
    const drain = ['drain', 'curfew-node', '--force', '--delete-emptydir-data', '--timeout=10s'];
    const { code, stderr } = await cluster.kubectl.run([...drain, `--pod-selector=app.kubernetes.io/name=${RELEASE}`]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('disruption budget') });
    await cluster.must(['uncordon', 'curfew-node']);
    await waitUntil('the drained pod is replaced', async () => (await cluster.countReady()) === 2, 60_000);
  } finally {
    over.abort();
    await calling;
    client.close();
  }
  console.log(`${calls} calls, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThanOrEqual(LEAST_CALLS);
});
