/**
 * A real Curfew on a real API server at 70 % of what it can, while its CA is thrown away and made anew, its configuration
 * changes, and namespaces and accounts come and go. Exits with 1 if anything failed.
 *
 *     node scripts/run.mjs bench/soak.ts [--minutes 30] [--out FILE]
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createApiClient } from '../e2e/api-client.ts';
import { type InstalledCurfew, installCurfew } from '../e2e/installed-curfew.ts';
import { startTestCluster } from '../e2e/test-cluster.ts';
import { review } from '../test/server/start-app.ts';
import { openConnections, toRequest } from './connection.ts';
import type { Row, Table } from './define-benchmark.ts';
import { runLoad } from './load.ts';
import { describeMachine, toRun, writeRun } from './machine.ts';
import { quantile } from './measure.ts';
import { plainPod, submittedPod } from './pods.ts';
import { buildServer } from './published.ts';
import { renderText } from './render.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, out: { type: 'string' } } });
const minutes = Number(values.minutes);
if (!(minutes >= 1)) throw new Error(`--minutes ${values.minutes}: a number of 1 or more is wanted`);

const CONNECTIONS = 8;
const PART = 0.7;
/** V8 compiles beside what it runs for so long; then a round of every disturbance. */
const WARM_UP_MS = 30_000;
const CAPACITY_MS = 60_000;
const EVERY = { api: 250, churn: 1_000, reload: 20_000, rotation: 60_000 } as const;
const SECRET = '/api/v1/namespaces/curfew-system/secrets/curfew-tls';

const machine = describeMachine();
const cluster = await startTestCluster();
const failures: string[] = [];
const counts = { api: 0, churn: 0, reload: 0, rotation: 0 };
try {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-soak-'));
  const curfew = await installCurfew({ ...cluster, program: buildServer(folder) }, { dryRun: false });
  const api = await createApiClient(cluster.kubeconfig);
  const namespace = await cluster.createNamespace();
  const rows = await soak(curfew);
  const table: Table = {
    title: `${minutes} minutes at 70 % of capacity`,
    about: `The published program with the heap that Node takes in a container of the chart's limit, behind a real API server. Meanwhile ${counts.rotation} CAs were deleted and made anew, the
configuration was changed ${counts.reload} times, ${counts.churn} namespaces with an account each came or went, and ${counts.api}
pods were sent through the API server, which verifies the certificate. Failures of any kind: ${failures.length}.`,
    columns: [
      { title: 'reviews', unit: '/s' },
      { title: 'median', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
      { title: 'waited 10 ms at most', unit: '%' },
      { title: 'errors' },
      { title: 'RSS', unit: 'MiB' },
    ],
    rows,
  };
  console.log(`${renderText(table)}\n${table.about}`);
  const results = [{ name: 'soak', title: 'Soak', seconds: 60 * minutes, tables: [table] }];
  if (values.out !== undefined) await writeRun(values.out, toRun(machine, results));

  /** One row a minute. */
  async function soak(installed: InstalledCurfew): Promise<readonly Row[]> {
    const port = Number(new URL(installed.webhookUrl).port);
    // In a namespace and by an account that are there: whatever reaches a webhook has passed the API server's own plugins.
    const asked = review('pods', plainPod(), { namespace });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web' } };
    await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, account);
    const requests = [toRequest('/validate/pods?timeout=3s', JSON.stringify(asked))];
    // Whose certificate it is, the API server looks at; kept connections outlive a rotation.
    const tls = { rejectUnauthorized: false };
    const connections = await openConnections({ port, tls }, CONNECTIONS);
    const stopping = new AbortController();
    const disturbances = [
      repeat(EVERY.api, stopping.signal, sendPod),
      repeat(EVERY.churn, stopping.signal, churn),
      repeat(EVERY.reload, stopping.signal, () => reload(installed)),
      repeat(EVERY.rotation, stopping.signal, rotate),
    ];
    // What it can is measured beside them: the API server and etcd take their part of the same processors.
    await runLoad({ requests, connections, forMs: WARM_UP_MS });
    const full = await runLoad({ requests, connections, forMs: CAPACITY_MS });
    const perSecond = Math.round(PART * full.perSecond);
    console.log(`it can ${Math.round(full.perSecond)} reviews a second; ${perSecond} from now on`);
    const all: Row[] = [];
    for (let minute = 1; minute <= minutes; minute += 1) {
      const before = await countWaits(installed);
      const { latencies, errors, ...load } = await runLoad({ requests, connections, forMs: 60_000, perSecond });
      const after = await countWaits(installed);
      if (errors > 0) failures.push(`${errors} reviews in minute ${minute}`);
      const rss = (await installed.metric('process_resident_memory_bytes')) / 1_048_576;
      const atOnce = (100 * (after.short - before.short)) / (after.all - before.all);
      const cells = [load.perSecond, quantile(latencies, 0.5), quantile(latencies, 0.99), atOnce, String(errors), rss];
      all.push({ name: `minute ${minute}`, cells });
      console.log(
        `minute ${minute}: ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(1) : cell)).join(', ')}`,
      );
    }
    stopping.abort();
    await Promise.all(disturbances);
    for (const connection of connections) connection.close();
    return all;
  }

  /** By its own count: how many reviews there were, and how many of them it came to within 10 ms. */
  async function countWaits(installed: InstalledCurfew): Promise<{ readonly all: number; readonly short: number }> {
    const name = 'curfew_review_wait_seconds';
    const [all, short] = await Promise.all([
      installed.metric(`${name}_count`),
      installed.metric(`${name}_bucket{le="0.01"`),
    ]);
    return { all, short };
  }

  async function sendPod(): Promise<void> {
    counts.api += 1;
    const { status, body } = await api.create(
      `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
      submittedPod(`soak-${counts.api}`),
    );
    if (status !== 201) failures.push(`a pod: ${status} ${body.slice(0, 300)}`);
  }

  /** A namespace with an account; the one of ten rounds before goes. */
  async function churn(): Promise<void> {
    const number = counts.churn;
    counts.churn += 1;
    const made = await api.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: `churn-${number}` },
    });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web' } };
    const added = await api.create(`/api/v1/namespaces/churn-${number}/serviceaccounts`, account);
    for (const { status, body } of [made, added]) {
      if (status !== 201) failures.push(`churn: ${status} ${body.slice(0, 300)}`);
    }
    if (number >= 10) await remove(`/api/v1/namespaces/churn-${number - 10}`);
  }

  /** In the place of the mounted ConfigMap. */
  async function reload(installed: InstalledCurfew): Promise<void> {
    counts.reload += 1;
    const file = join(dirname(installed.kubeconfig), 'configuration.yaml');
    const text = (await readFile(file, 'utf8')).replace(/\n# change [0-9]+\n$/, '\n');
    await writeFile(file, `${text.trimEnd()}\n# change ${counts.reload}\n`);
  }

  async function rotate(): Promise<void> {
    counts.rotation += 1;
    await remove(SECRET);
  }

  /** Without a process of kubectl, which would take a processor away for as long as a thousand reviews. */
  async function remove(path: string): Promise<void> {
    const { status, body } = await api.send(path, { method: 'DELETE' });
    if (status >= 300 || status < 200) failures.push(`delete ${path}: ${status} ${body.slice(0, 300)}`);
  }

  api.close();
  await curfew.uninstall();
  await rm(folder, { recursive: true });
} finally {
  await cluster.controlPlane.stop();
}
for (const failure of failures.slice(0, 20)) console.log(failure);
if (failures.length > 0) process.exitCode = 1;

/** One at a time, in ms from start to start. */
async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let next = performance.now() + everyMs; ; next = Math.max(next + everyMs, performance.now())) {
    await sleep(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await work().catch((error: unknown) => void failures.push(String(error).slice(0, 300)));
  }
}
