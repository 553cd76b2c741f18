import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTools } from '../../scripts/tools.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';
import { type Page, parsePage, walk } from '../walk-through.ts';
import { type InstalledChart, openCluster, RELEASE_NAMESPACE, sleepingPod } from './installed-chart.ts';

const PATH = 'docs/runbook.md';
/** Sections of the page before which something happens in the cluster that no administrator would do. */
const IS_MENDED = '## Turn it back on';
const IS_REFUSING = '## Pods are not created';
const WALK_MS = 600_000;
/** Keeps the replicas off the node, and not the workloads of the page. */
const TAINT = 'test.curfew.dev/outage';

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.install();
  await cluster.untilPublished();
  await cluster.createNamespace('shop', { 'curfew.dev/enforce': 'restricted' });
});

afterAll(async () => {
  await cluster.kubectl.run(['taint', 'nodes', '--all', `${TAINT}-`]);
  await cluster.removeNamespaces();
  await cluster.uninstall();
});

it(
  `${PATH} does what it says, from an outage to a CA that is distrusted`,
  async () => {
    const text = await readFile(join(import.meta.dirname, '..', '..', PATH), 'utf8');
    const page = parsePage(text, PATH);
    expect(page.notRun).toEqual([]);
    const [mended, refusing] = [IS_MENDED, IS_REFUSING].map((heading) => lineOf(text, heading)) as [number, number];

    await cluster.must(['taint', 'nodes', '--all', `${TAINT}=true:NoSchedule`]);
    await cluster.must(['delete', 'pods', '-n', RELEASE_NAMESPACE, '--all', '--force', '--grace-period=0']);
    await waitUntil('no replica answers', async () => (await tryPod()).includes('failed calling webhook'));
    await cluster.must(['create', '-n', 'shop', '-f', '-'], deployment('web'));
    await walkPart(page, { from: 0, to: mended });

    await cluster.must(['taint', 'nodes', '--all', `${TAINT}-`]);
    await walkPart(page, { from: mended, to: refusing });

    await cluster.untilPublished();
    await cluster.must(['create', '-n', 'shop', '-f', '-'], deployment('web-next'));
    await walkPart(page, { from: refusing, to: Number.POSITIVE_INFINITY });
  },
  WALK_MS,
);

/** The 1-based line of a heading. */
function lineOf(text: string, heading: string): number {
  const index = text.split('\n').indexOf(heading);
  if (index === -1) throw new Error(`${PATH} has no section ${heading}`);
  return index + 1;
}

/** Runs the blocks between two lines, of which there are some. */
async function walkPart(page: Page, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-runbook-'));
  const { kubectl, helm } = await findTools(['kubectl', 'helm']);
  const kubeconfig = process.env['KUBECONFIG'] ?? '';
  const part = { ...page, blocks: page.blocks.filter(({ line }) => line > from && line < to) };
  try {
    expect(await walk(part, PATH, { folder, kubeconfig, kubectl, helm })).toBeGreaterThanOrEqual(3);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What is said to somebody who asks for a pod without making it. */
async function tryPod(): Promise<string> {
  const create = ['create', '-n', 'shop', '-f', '-', '--dry-run=server'];
  return (
    await cluster.kubectl.run(create, { input: JSON.stringify(sleepingPod('next', { serviceAccountName: 'default' })) })
  ).stderr;
}

/** Of a workload that never said anything of its token. */
function deployment(name: string): JsonObject {
  const labels = { app: name };
  const tolerations = [{ key: TAINT, operator: 'Exists' }];
  const containers = [{ name: 'app', image: BUSYBOX_IMAGE, command: ['sleep', '3600'] }];
  const spec = { tolerations, terminationGracePeriodSeconds: 1, containers };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}
