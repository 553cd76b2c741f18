/** The replicas of Curfew in a cluster with a node: which of them the Service has, and what each has done, by its own metrics. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type InstalledChart, RELEASE, RELEASE_NAMESPACE } from '../e2e/cluster/installed-chart.ts';
import { waitUntil } from '../e2e/installed-curfew.ts';
import { mustRun } from '../scripts/run-program.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { readMetrics, sumOf } from '../test/exposition.ts';

const OPERATIONS_PORT = 8080;
const SCALE_LIMIT_MS = 120_000;
/** For kube-proxy, which says to nobody that it has done it. */
const PROXY_MS = 2_000;
const LABEL = 'bench.curfew.dev/of-';
const IN_CURFEW = ['-n', RELEASE_NAMESPACE];

/** What a replica has done since its start. */
export type Done = {
  readonly reviews: number;
  /** Seconds of a processor. */
  readonly cpu: number;
};

export type Replicas = {
  /** Waits until so many are ready, and the others are gone. */
  scale(count: number): Promise<void>;
  /**
   * Leaves the Service so many of them, the oldest first, and ends every connection to it: as if there were no others, but that
   * those which wait for their turn stay as warm as they are. A new replica compiles for longer than a round takes.
   */
  choose(count: number): Promise<void>;
  /** Undoes {@link choose}. */
  chooseAll(): Promise<void>;
  /** By name of the pod, the oldest first. */
  read(): Promise<ReadonlyMap<string, Done>>;
  /** Resident memory of each, in MiB. */
  memory(): Promise<readonly number[]>;
};

type Pod = { readonly name: string; readonly address: string };

export function createReplicas({ must }: InstalledChart): Replicas {
  async function list(): Promise<readonly Pod[]> {
    const selector = ['-l', `app.kubernetes.io/name=${RELEASE}`];
    const text = await must(['get', 'pods', ...IN_CURFEW, ...selector, '--sort-by=.status.startTime', '-o', 'json']);
    return asArray(member(JSON.parse(text), 'items')).map((pod) => ({
      name: asString(valueAt(pod, ['metadata', 'name'])) ?? '',
      address: asString(valueAt(pod, ['status', 'podIP'])) ?? '',
    }));
  }

  const metricsOf = async ({ address }: Pod): Promise<string> =>
    await readMetrics(`http://${address}:${OPERATIONS_PORT}`);

  async function setSelector(labels: Readonly<Record<string, string | null>>): Promise<void> {
    const patch = JSON.stringify({ spec: { selector: labels } });
    await must(['patch', 'service', RELEASE, ...IN_CURFEW, '--type=merge', '-p', patch]);
  }

  return {
    async choose(count) {
      const pods = await list();
      const all = pods.map((_, index) => index + 1);
      for (const [index, { name }] of pods.entries()) {
        const labels = all.slice(index).map((of) => `${LABEL}${of}=yes`);
        await must(['label', 'pod', name, ...IN_CURFEW, '--overwrite', ...labels]);
      }
      await setSelector(Object.fromEntries(all.map((of) => [`${LABEL}${of}`, of === count ? 'yes' : null])));
      await waitUntil(`the Service has ${count} replicas`, async () => {
        const selector = ['-l', `kubernetes.io/service-name=${RELEASE}`];
        const slices = JSON.parse(await must(['get', 'endpointslices', ...IN_CURFEW, ...selector, '-o', 'json']));
        const endpoints = asArray(member(slices, 'items')).flatMap((slice) => asArray(member(slice, 'endpoints')));
        return endpoints.length === count;
      });
      await sleep(PROXY_MS);
      const service = await must(['get', 'service', RELEASE, ...IN_CURFEW, '-o', 'jsonpath={.spec.clusterIP}']);
      await mustRun('ss', ['--kill', 'dst', service]);
      for (const { address } of pods) await mustRun('ss', ['--kill', 'dst', `${address}:10250`]);
    },
    async chooseAll() {
      const all = (await list()).map((_, index) => index + 1);
      await setSelector(Object.fromEntries(all.map((of) => [`${LABEL}${of}`, null])));
    },
    async scale(count) {
      await must(['scale', `deployment/${RELEASE}`, `--replicas=${count}`, ...IN_CURFEW]);
      await must(['rollout', 'status', `deployment/${RELEASE}`, ...IN_CURFEW, '--timeout=120s']);
      await waitUntil(`${count} replicas are left`, async () => (await list()).length === count, SCALE_LIMIT_MS);
    },
    async read() {
      const pods = await list();
      const read = async (pod: Pod): Promise<readonly [string, Done]> => {
        const text = await metricsOf(pod);
        const reviews = sumOf(text, 'curfew_review_duration_seconds_count');
        return [pod.name, { reviews, cpu: sumOf(text, 'process_cpu_seconds_total') }];
      };
      return new Map(await Promise.all(pods.map(read)));
    },
    memory: async () =>
      await Promise.all(
        (await list()).map(async (pod) => sumOf(await metricsOf(pod), 'process_resident_memory_bytes') / 1_048_576),
      ),
  };
}

/** What each did in between; those that were not there before have done it all since. */
export function since(before: ReadonlyMap<string, Done>, now: ReadonlyMap<string, Done>): readonly Done[] {
  return [...now].map(([name, { reviews, cpu }]) => {
    const was = before.get(name) ?? { reviews: 0, cpu: 0 };
    return { reviews: reviews - was.reviews, cpu: cpu - was.cpu };
  });
}
