/** From the start of the process to its being ready, and what it holds of memory: idle, and after many reviews. */

import { setTimeout as sleep } from 'node:timers/promises';
import { startControlPlane } from '../e2e/control-plane.ts';
import { installCurfew } from '../e2e/installed-curfew.ts';
import { createKubectl } from '../e2e/kubectl.ts';
import { findTools } from '../scripts/tools.ts';
import { review } from '../test/server/start-app.ts';
import { openConnection, runLoad, toRequest } from './connection.ts';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { slopeOf, toSample } from './measure.ts';
import { plainPod } from './pods.ts';

const STARTS = 5;
/** In a run of everything; with `CURFEW_LONG=1` a million. */
const REVIEWS = process.env['CURFEW_LONG'] === undefined ? 20_000 : 1_000_000;
const PARTS = 20;

export default defineBenchmark({
  name: 'start-and-memory',
  title: 'Start and memory',
  timeoutSeconds: process.env['CURFEW_LONG'] === undefined ? 180 : 7_200,
  run: async () => {
    const controlPlane = await startControlPlane();
    try {
      const { kubectl: binary } = await findTools(['kubectl']);
      const kubectl = createKubectl({ binary, kubeconfig: controlPlane.kubeconfig });
      const curfew = await installCurfew({ controlPlane, kubectl });
      const starts: number[] = [];
      for (let count = 0; count < STARTS; count += 1) {
        await curfew.stopProcess();
        const from = Date.now();
        const starting = curfew.startProcess();
        starts.push((await untilReady(curfew.operationsUrl)) - from);
        await starting;
      }
      await sleep(3_000);
      const rss = async () => (await curfew.metric('process_resident_memory_bytes')) / 1_048_576;
      const idle = await rss();
      const connections = await Promise.all(
        Array.from({ length: 8 }, () =>
          openConnection({ port: Number(new URL(curfew.webhookUrl).port), tls: { rejectUnauthorized: false } }),
        ),
      );
      const requests = [toRequest('/validate/pods?timeout=3s', JSON.stringify(review('pods', plainPod())))];
      const points: [number, number][] = [];
      let sent = 0;
      while (sent < REVIEWS) {
        const { latencies, errors } = await runLoad({ requests, connections, forMs: 60_000, most: REVIEWS / PARTS });
        if (errors > 0) throw new Error(`${errors} answers were not 200`);
        sent += latencies.length;
        points.push([sent / 1_000_000, await rss()]);
      }
      for (const connection of connections) connection.close();
      const half = points.slice(points.length / 2);
      const rows: Row[] = [
        { name: 'start of the process to ready', cells: [toSample(starts), 'ms'] },
        { name: 'RSS, idle', cells: [idle, 'MiB'], ratio: { value: idle, most: 110 } },
        { name: `RSS after ${REVIEWS.toLocaleString('en-US')} reviews`, cells: [points.at(-1)?.[1] ?? 0, 'MiB'] },
        { name: 'growth over the last half of them', cells: [slopeOf(half), 'MiB for a million'] },
      ];
      await curfew.uninstall();
      return [
        {
          title: 'A real process on a real API server',
          about: `From its sources, as the tests start it, ${STARTS} times; the image holds a bundle, which is read faster. Ready is
when \`/readyz\` says so: index listed, first reviews rehearsed, CA bundle published.`,
          columns: [{ title: 'measured' }, { title: 'in' }],
          ratio: 'target',
          rows,
        },
      ];
    } finally {
      await controlPlane.stop();
    }
  },
});

/** When it was ready, in ms since the epoch. */
async function untilReady(operationsUrl: string): Promise<number> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const response = await fetch(`${operationsUrl}/readyz`).catch(() => undefined);
    if (response?.status === 200) return Date.now();
    await sleep(5);
  }
  throw new Error('not ready within a minute');
}
