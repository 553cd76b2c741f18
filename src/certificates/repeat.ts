/** A task that runs again and again until it is stopped: the tickers of this folder. */

import type { Clock } from '../kube/clock.ts';

export type Repeater = {
  start(): void;
  /** Ends the loop; resolves when a running task is done. */
  stop(): Promise<void>;
  /** Runs the task as soon as possible instead of at the next interval. */
  poke(): void;
};

export type RepeatOptions = {
  readonly clock: Clock;
  /** Between the end of one run and the next, in ms. */
  readonly intervalMs: number;
  /** Run at the start already, not only after the first interval. */
  readonly isImmediate?: boolean;
};

/** Repeats `task`, which must not reject. */
export function createRepeater(
  task: (signal: AbortSignal) => Promise<void>,
  { clock, intervalMs, isImmediate = false }: RepeatOptions,
): Repeater {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let nap = new AbortController();
  const loop = async () => {
    let isFirst = true;
    while (!stopping.signal.aborted) {
      if (!isFirst || !isImmediate) {
        await clock.sleep(intervalMs, nap.signal);
        if (stopping.signal.aborted) return;
      }
      isFirst = false;
      // A poke during the task must lead to another run: the new nap is made before.
      nap = new AbortController();
      await task(stopping.signal);
    }
  };
  return {
    start: () => {
      running = loop();
    },
    stop: async () => {
      stopping.abort(new Error('stopped'));
      nap.abort();
      await running;
    },
    poke: () => nap.abort(),
  };
}
