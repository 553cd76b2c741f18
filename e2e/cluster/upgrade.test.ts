import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import {
  CONFIGURATIONS,
  type InstalledChart,
  openCluster,
  RELEASE,
  RELEASE_NAMESPACE,
  sleepingPod,
} from './installed-chart.ts';
import { ENOUGH_CPU, startLoad } from './steady-load.ts';

const IN_CURFEW = ['-n', RELEASE_NAMESPACE];
const LEAST_CALLS = 1_000;
/** For what Helm and the kubelet do at their own pace, in ms. */
const SLOW_MS = 120_000;

/**
 * The chart as it was at commit d429ed5, with fewer entries and rights and another way to its Secret, packaged as version
 * 0.0.1: there is no release yet whose chart could be taken. With the image of today, for which it knows all arguments.
 */
const EARLIER_CHART = join(import.meta.dirname, 'earlier-chart.tgz');

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.install(ENOUGH_CPU, EARLIER_CHART);
  await cluster.untilPublished();
});

afterAll(async () => {
  await cluster.removeNamespaces();
  await cluster.uninstall();
  // That chart gave its Secret no owner to go with.
  await cluster.must(['delete', 'secret', `${RELEASE}-tls`, ...IN_CURFEW, '--ignore-not-found']);
});

it('An earlier chart is upgraded, changed and rolled back, and pods are admitted and mutated all the while', async () => {
  const earlier = await listEntries();
  const judged = await cluster.createNamespace('judged');
  await cluster.createAccount(judged);
  const load = await startLoad(cluster, 'upgraded');
  let result: Awaited<ReturnType<typeof load.stop>>;
  try {
    await cluster.install(ENOUGH_CPU);
    await cluster.untilPublished();
    const current = await listEntries();
    expect(current.length).toBeGreaterThan(earlier.length);
    expect(current).toEqual(expect.arrayContaining([...earlier]));

    // A configuration is read again without a restart.
    const pods = await listPods();
    await cluster.install([...ENOUGH_CPU, '--set', 'config.levels.enforce=restricted']);
    const create = ['create', '-n', judged, '--dry-run=server', '-f', '-'];
    const input = JSON.stringify(sleepingPod('web'));
    const isDenied = async () => (await cluster.kubectl.run(create, { input })).stderr.includes('  pod-automount at /');
    await waitUntil('the new level is in force', isDenied, SLOW_MS);
    // Those of the chart before may still be on their way out.
    expect(pods).toEqual(expect.arrayContaining([...(await listPods())]));

    await cluster.helm(['rollback', RELEASE, '1', '--namespace', RELEASE_NAMESPACE, '--wait', '--timeout', '120s']);
    await cluster.untilPublished();
    expect(await listEntries()).toEqual(earlier);
    await waitUntil('the old level is in force', async () => !(await isDenied()), SLOW_MS);
  } finally {
    result = await load.stop(LEAST_CALLS);
  }
  expect(result.failures).toEqual([]);
});

it('Helm upgrades over a CA that was replaced since, without a conflict, and takes nothing of it away', async () => {
  await cluster.install(ENOUGH_CPU);
  await cluster.untilPublished();
  const load = await startLoad(cluster, 'rotated');
  let result: Awaited<ReturnType<typeof load.stop>>;
  try {
    const before = await readBundles();
    expect(before.size).toBe(1);
    await cluster.must(['delete', 'secret', `${RELEASE}-tls`, ...IN_CURFEW]);
    // Whichever replica looks first makes the next CA; both are published, in every entry.
    await waitUntil(
      'a new CA is published beside the old one',
      async () => {
        const bundles = await readBundles();
        const [bundle = ''] = bundles;
        return bundles.size === 1 && !before.has(bundle) && [...before].every((old) => bundle.includes(old.trim()));
      },
      SLOW_MS,
    );
    const rotated = await readBundles();
    // What changes nothing, and what replaces every pod.
    await cluster.install(ENOUGH_CPU);
    expect(await readBundles()).toEqual(rotated);
    await cluster.install([...ENOUGH_CPU, '--set', 'podAnnotations.test=rotated']);
    expect(await readBundles()).toEqual(rotated);
  } finally {
    result = await load.stop(LEAST_CALLS);
  }
  expect(result.failures).toEqual([]);
});

/** The CA bundles of all entries, each once. */
async function readBundles(): Promise<ReadonlySet<string>> {
  const { items }: { readonly items: unknown } = JSON.parse(await cluster.must(['get', CONFIGURATIONS, '-o', 'json']));
  const stored = asArray(items).flatMap((item) =>
    asArray(member(item, 'webhooks')).map((webhook) => asString(valueAt(webhook, ['clientConfig', 'caBundle'])) ?? ''),
  );
  return new Set(stored.map((text) => Buffer.from(text, 'base64').toString()));
}

async function listPods(): Promise<readonly string[]> {
  const names = await cluster.must(['get', 'pods', ...IN_CURFEW, '-o', 'name']);
  return names.trim().split('\n').toSorted();
}

/** Of both configurations: `Kind name`. */
async function listEntries(): Promise<readonly string[]> {
  const { items }: { readonly items: unknown } = JSON.parse(await cluster.must(['get', CONFIGURATIONS, '-o', 'json']));
  return asArray(items).flatMap((item) =>
    asArray(member(item, 'webhooks')).map(
      (webhook) => `${asString(member(item, 'kind'))} ${asString(member(webhook, 'name'))}`,
    ),
  );
}
