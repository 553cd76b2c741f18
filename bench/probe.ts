/**
 * Loaded into a Curfew process before everything else, to look at it from the inside: collections of garbage, the heap after
 * one, and when lists and watches began. `probed-curfew.ts` asks it.
 *
 *     node --expose-gc --import 'file:///…/bench/probe.ts?port=PORT' curfew.mjs serve …
 */

import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { PerformanceObserver } from 'node:perf_hooks';

/** A pause for garbage: when it began, in ms since the epoch, and how long it took, in ms. */
export type Pause = { readonly at: number; readonly ms: number };

/** What it says of its process; times in ms since the epoch. */
export type Probed = {
  /** Since it was asked before. */
  readonly pauses: readonly Pause[];
  /** First request for a page of a list and for a watch, by path. */
  readonly lists: Readonly<Record<string, number>>;
  readonly watches: Readonly<Record<string, number>>;
  /** When the API server, or whatever was asked first, answered for the first time. */
  readonly firstAnswer: number | undefined;
  /** In bytes. */
  readonly heapUsed: number;
  readonly rss: number;
};

/** A page of reviews makes thousands; whoever does not ask loses the rest. */
const MOST_PAUSES = 500_000;

const port = Number(new URL(import.meta.url).searchParams.get('port'));
const toEpoch = (time: number) => performance.timeOrigin + time;
let pauses: Pause[] = [];
const lists: Record<string, number> = {};
const watches: Record<string, number> = {};
let firstAnswer: number | undefined;

new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) {
    if (pauses.length < MOST_PAUSES) pauses.push({ at: toEpoch(startTime), ms: duration });
  }
}).observe({ entryTypes: ['gc'] });

subscribe('http.client.request.start', (message) => {
  const { path } = (message as { readonly request: { readonly path: string } }).request;
  const { pathname, searchParams } = new URL(path, 'http://api');
  if (searchParams.has('watch')) watches[pathname] ??= toEpoch(performance.now());
  else if (searchParams.has('limit')) lists[pathname] ??= toEpoch(performance.now());
});
subscribe('http.client.response.finish', () => {
  firstAnswer ??= toEpoch(performance.now());
});

const server = createServer((request, response) => {
  if (request.url === '/collected') for (let count = 0; count < 3; count += 1) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const probed: Probed = { pauses, lists, watches, firstAnswer, heapUsed, rss };
  pauses = [];
  response.setHeader('connection', 'close').end(JSON.stringify(probed));
});
server.listen(port, '127.0.0.1').unref();
