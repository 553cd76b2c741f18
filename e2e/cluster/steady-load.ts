/** Pods that are created at a steady rate while something is done to Curfew, as dry runs, so that none of them runs. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '../api-client.ts';
import { type InstalledChart, sleepingPod } from './installed-chart.ts';

/** Between two calls, in ms. */
const PAUSE_MS = 25;
/** Calls at once: more only pile up where the machine has too much to do, and then measure that. */
const MOST_OPEN = 8;
const SHOWN = 5;

/**
 * For Helm. With the chart's 50m a replica has a twentieth of the weight that any other process of the machine has, so that
 * on a busy one the first calls that it ever gets take more than the three seconds that the API server waits.
 */
export const ENOUGH_CPU: readonly string[] = ['--set', 'resources.requests.cpu=400m'];

export type SteadyLoad = {
  /** Ends it once there were so many calls; what became of them. Prints the count. */
  stop(least: number): Promise<{ readonly calls: number; readonly failures: readonly string[] }>;
};

/** Begins in a namespace of its own, where Curfew is to shorten the API token of each pod: one that it has not is a failure. */
export async function startLoad(cluster: InstalledChart, name: string): Promise<SteadyLoad> {
  const labels = { 'curfew.dev/enforce': 'baseline', 'curfew.dev/mutate': 'baseline' };
  const namespace = await cluster.createNamespace(name, labels);
  await cluster.createAccount(namespace);
  const client = await createApiClient(process.env['KUBECONFIG'] ?? '');
  const failures: string[] = [];
  const open = new Set<Promise<void>>();
  let calls = 0;
  const until = { calls: Number.POSITIVE_INFINITY };

  async function call(): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const { status, body } = await client.create(path, sleepingPod(`web-${calls}`));
    calls += 1;
    if (status !== 201) failures.push(`${status}: ${body}`);
    else if (!body.includes('"expirationSeconds":3600')) failures.push('the pod was not mutated');
  }

  /** At a steady rate, as long as answers come. */
  async function keepCalling(): Promise<void> {
    while (calls < until.calls) {
      const one = call().finally(() => open.delete(one));
      open.add(one);
      await sleep(PAUSE_MS);
      if (open.size >= MOST_OPEN) await Promise.race(open);
    }
    await Promise.all(open);
  }

  const calling = keepCalling();
  return {
    stop: async (least) => {
      until.calls = least;
      await calling;
      client.close();
      console.log(`${calls} calls, ${failures.length} failed`);
      // The first ones say enough.
      return { calls, failures: failures.slice(0, SHOWN) };
    },
  };
}
