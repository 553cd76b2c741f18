/** The chart's autoscaler, by the controller of Kubernetes itself. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';
import { IS_LONG } from '../../test/long.ts';
import { waitUntil } from '../installed-curfew.ts';
import { type InstalledChart, openCluster, RELEASE, RELEASE_NAMESPACE } from './installed-chart.ts';
import { type MetricsApi, startMetricsApi } from './metrics-api.ts';
import { ENOUGH_CPU, startLoad } from './steady-load.ts';

const LEAST_CALLS = 500;
const LIMIT_MS = 120_000;
const IN_CURFEW = ['-n', RELEASE_NAMESPACE];
/** Two replicas at least, four at most, and down again at once: nobody waits ten minutes here. */
const SETTINGS = [
  'autoscaling.enabled=true',
  'autoscaling.maxReplicas=4',
  'autoscaling.targetCPUUtilizationPercentage=50',
  'autoscaling.behavior.scaleDown.stabilizationWindowSeconds=0',
];
const AUTOSCALING = [...ENOUGH_CPU, ...SETTINGS.flatMap((setting) => ['--set', setting])];

// The controller looks every 15 seconds: long set.
describe.runIf(IS_LONG)('The autoscaler', () => {
  let cluster: InstalledChart;
  let metrics: MetricsApi | undefined;

  beforeAll(async () => {
    cluster = await openCluster();
    await cluster.install(ENOUGH_CPU);
    await cluster.untilPublished();
  });
  afterAll(async () => {
    await metrics?.stop();
    await cluster.removeNamespaces();
    await cluster.uninstall();
  });

  async function readCondition(type: string): Promise<string> {
    const text = await cluster.must(['get', 'hpa', RELEASE, ...IN_CURFEW, '-o', 'json']);
    const conditions = asArray(valueAt(JSON.parse(text), ['status', 'conditions']));
    const found = conditions.find((condition) => member(condition, 'type') === type);
    return `${asString(member(found, 'status'))} ${asString(member(found, 'reason'))}`;
  }

  async function untilCondition(type: string, wanted: string): Promise<void> {
    await waitUntil(`${type} is ${wanted}`, async () => (await readCondition(type)) === wanted, LIMIT_MS);
  }

  async function untilReady(count: number): Promise<void> {
    await waitUntil(`${count} replicas are ready`, async () => (await cluster.countReady()) === count, LIMIT_MS);
  }

  it('makes replicas come with the load and go with it, and no call is lost', { timeout: 600_000 }, async () => {
    const load = await startLoad(cluster, 'autoscaled');
    let result: Awaited<ReturnType<typeof load.stop>>;
    try {
      await cluster.install(AUTOSCALING);
      // A Deployment without a number has one replica; the least is known without any metrics.
      await untilReady(2);
      await untilCondition('ScalingActive', 'False FailedGetResourceMetric');

      metrics = await startMetricsApi(cluster);
      // Half of what they ask for, as is wanted.
      metrics.setUsage(200);
      await untilCondition('ScalingActive', 'True ValidMetricFound');
      expect(await cluster.countReady()).toBe(2);

      metrics.setUsage(400);
      await untilReady(4);

      // An upgrade leaves the number alone.
      await cluster.install([...AUTOSCALING, '--set', 'logLevel=warn']);
      expect(await cluster.countReady()).toBe(4);

      // What came within the time of a policy may go at once, whatever the policy says.
      metrics.setUsage(20);
      await untilReady(2);
    } finally {
      result = await load.stop(LEAST_CALLS);
    }
    expect(result.failures).toEqual([]);
  });
});
