/**
 * Moments at a fixed rate. A timer of Node comes in whole milliseconds, so that requests would go in bunches; a thread that
 * waits can do so for parts of one.
 */

import { Worker } from 'node:worker_threads';

export type Pace = {
  readonly perSecond: number;
  /** How many moments there are in all. */
  readonly count: number;
};

/** Only one schedule at a time: the thread sleeps until its last moment has come. */
let thread: Worker | undefined;

/** Calls `onMoment` at each moment of the schedule, some 0.1 ms late, and returns at once. */
export function pace({ perSecond, count }: Pace, onMoment: () => void): void {
  thread ??= startThread();
  const current = thread;
  let left = count;
  current.on('message', function take() {
    left -= 1;
    if (left === 0) current.off('message', take);
    onMoment();
  });
  current.postMessage({ perSecond, count });
}

function startThread(): Worker {
  const started = new Worker(new URL('pacer-thread.ts', import.meta.url));
  // Nobody waits for it but for the answers to what it starts.
  started.unref();
  return started;
}
