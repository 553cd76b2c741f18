import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mustRun } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import { enterArgs, find } from '../node/cluster.ts';
import { BUSYBOX_IMAGE, ctrArgs } from '../node/container-runtime.ts';
import { readPage, walk } from '../walk-through.ts';
import { CURFEW_IMAGE, type InstalledChart, openCluster } from './installed-chart.ts';

const GUIDES = join(import.meta.dirname, '..', '..', 'docs', 'guides');
const WALK_MS = 600_000;

/** The images that the page names, which are nowhere, and what stands for them in the cluster. */
const IMAGES: readonly (readonly [string, string])[] = [
  ['registry.example/curfew:1', CURFEW_IMAGE],
  ['registry.example/app:1', BUSYBOX_IMAGE],
];

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  const running = await find(process.env['CURFEW_CLUSTER_STATE'] ?? '');
  if (running === undefined) throw new Error('no cluster is up');
  for (const [name, image] of IMAGES) {
    const tag = ctrArgs(running.layout, 'images', 'tag', '--force', image, name);
    await mustRun('nsenter', [...enterArgs(running, 'all'), 'ctr', ...tag]);
  }
});

afterAll(async () => {
  await cluster.uninstall();
});

it(
  'docs/guides/install.md does what it says, from its first command to the last',
  async () => {
    const page = await readPage(join(GUIDES, 'install.md'));
    expect(page.notRun).toEqual([expect.stringContaining('/var/log/kubernetes/audit.log')]);
    const folder = await mkdtemp(join(tmpdir(), 'curfew-guide-'));
    const { kubectl, helm } = await findTools(['kubectl', 'helm']);
    try {
      const kubeconfig = process.env['KUBECONFIG'] ?? '';
      const count = await walk(page, 'docs/guides/install.md', { folder, kubeconfig, kubectl, helm });
      expect(count).toBeGreaterThanOrEqual(25);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  WALK_MS,
);
