/** From the start of the process to its being ready, and what it holds of memory: idle, and after many reviews. */

import { setTimeout as sleep } from 'node:timers/promises';
import { startControlPlane } from '../e2e/control-plane.ts';
import { defineBenchmark, type Row } from './define-benchmark.ts';
import { runLoad } from './load.ts';
import { fitLine, provenSlope, quantile, toSample, toSlope } from './measure.ts';
import type { Pause } from './probe.ts';
import { describePauses, installProbed, podRequest } from './probed-curfew.ts';

const IS_LONG = process.env['CURFEW_LONG'] !== undefined;
const STARTS = 7;
/**
 * In a run of everything; and with `CURFEW_LONG=1`. V8 compiles what runs once a second or once in ten when it has run often
 * enough, which is after a million reviews and more: until then memory grows by what is compiled.
 */
const REVIEWS = IS_LONG ? 3_000_000 : 20_000;
const PARTS = IS_LONG ? 120 : 40;
/** The slope is that of so many at the end. */
const LAST_PARTS = 20;
/** From the first answer of the API server to ready, in ms. */
const MOST_READY_MS = 350;
const MOST_IDLE_MIB = 110;

export default defineBenchmark({
  name: 'start-and-memory',
  title: 'Start and memory',
  timeoutSeconds: IS_LONG ? 7_200 : 240,
  run: async () => {
    const controlPlane = await startControlPlane();
    try {
      const curfew = await installProbed(controlPlane);
      const starts: number[] = [];
      const heard: number[] = [];
      for (let count = 0; count < STARTS; count += 1) {
        const start = await curfew.startAnew();
        starts.push(start.ready - start.started);
        heard.push(start.ready - start.heard);
      }
      await sleep(3_000);
      const idle = await curfew.rss();
      const connections = await curfew.connect();
      const points: [number, number][] = [];
      const pauses: Pause[] = [];
      let sent = 0;
      while (sent < REVIEWS) {
        const load = { requests: [podRequest()], connections, forMs: 120_000, most: REVIEWS / PARTS };
        const { latencies, errors } = await runLoad(load);
        if (errors > 0) throw new Error(`${errors} answers were not 200`);
        sent += latencies.length;
        // Each time, or the process would keep those of a million reviews, which is 40,000: a slope of our own making.
        pauses.push(...(await curfew.probe()).pauses);
        points.push([sent / 1_000_000, await curfew.rss()]);
        if (IS_LONG) console.log(`${sent} reviews: RSS ${points.at(-1)?.[1].toFixed(1)} MiB`);
      }
      for (const connection of connections) connection.close();
      const [count, usual, longest] = describePauses(pauses);
      const last = points.slice(-LAST_PARTS);
      const line = fitLine(last);
      const swing = last.map(([, rss]) => rss);
      const ofLast = `the last ${formatCount((REVIEWS / PARTS) * LAST_PARTS)} of them`;
      const ready = toSample(heard);
      const rows: Row[] = [
        { name: 'start of the process to ready', cells: [toSample(starts), 'ms'] },
        {
          name: 'first answer of the API server to ready',
          cells: [ready, 'ms'],
          ratio: { value: ready.median, most: MOST_READY_MS },
        },
        { name: 'RSS, idle', cells: [idle, 'MiB'], ratio: { value: idle, most: MOST_IDLE_MIB } },
        { name: `RSS after ${formatCount(REVIEWS)} reviews`, cells: [points.at(-1)?.[1] ?? 0, 'MiB'] },
        { name: `RSS over ${ofLast}`, cells: [toSample(swing), 'MiB'] },
        { name: 'the most of it', cells: [quantile(swing, 1), 'MiB'] },
        {
          name: `slope over ${ofLast}`,
          cells: [toSlope(line), 'MiB for a million'],
          // The first thousands are still being compiled.
          ...(IS_LONG ? { ratio: { value: provenSlope(line), most: 0 } } : {}),
        },
        { name: 'pauses for garbage meanwhile', cells: [count, 'in all'] },
        { name: '99 of 100 pauses take at most', cells: [usual, 'ms'] },
        { name: 'the longest pause', cells: [longest, 'ms'] },
      ];
      await curfew.uninstall();
      return [
        {
          title: 'A real process on a real API server',
          about: `The bundle as it is published, started ${STARTS} times, with the generations of the heap that Node chooses in a
container of the chart's limit. Ready is when \`/readyz\` says so: index listed, first reviews rehearsed, CA bundle published. The
range of the slope holds the true one in 95 of 100 cases, and is missing where memory moved in too few steps to tell; its target is of
what is beyond doubt: 0 where the range holds 0. Linux counts RSS in steps of 128 KiB.`,
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

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
