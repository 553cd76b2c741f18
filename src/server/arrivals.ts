/**
 * Since when a request may have been waiting. Node reads what has arrived in turns, and cannot say when it did: under load it
 * lies in the kernel while others are judged. What can be known is the turn before, in which it was not there yet.
 */

import type { AfterTurn } from './after-turn.ts';

export type Arrivals = {
  /** Something was read: called for each, as early as can be. Its number, by which `isAlone` knows it. */
  note(): number;
  /** The earliest moment at which what is read now can have arrived, in ms of the monotonic clock. */
  earliest(): number;
  /**
   * True where the event loop had rested before that was read, and nothing else was read since. Of several that come together
   * the first is read, and judged, before anybody can know of the others. The rest of a body may come in a turn of its own:
   * clients write 4 KiB at a time.
   */
  isAlone(number: number): boolean;
};

export type EventLoop = {
  readonly monotonic: () => number;
  /** For how long the event loop had nothing to do, in all, in ms. */
  readonly idle: () => number;
  /** Runs `task` once everything is read that had arrived. */
  readonly afterTurn: AfterTurn['run'];
};

/** An event loop that finds something at once has not waited as long, in ms, not even where others had its processor meanwhile. */
const IDLE_MS = 0.5;
/** So long it does wait where it finds nothing, in ms. Enough for `isAlone`, which promises nothing to anybody. */
const REST_MS = 0.05;

type Turn = { readonly start: number; readonly earliest: number };

/**
 * What else holds the event loop up (a list of the index that is read, garbage collection) is not seen; the time that is kept
 * back from the API server's timeout is for that too.
 */
export function createArrivals({ monotonic, idle, afterTurn }: EventLoop): Arrivals {
  let turn: Turn | undefined;
  let before: { readonly start: number; readonly idle: number } | undefined;
  let noted = 0;
  /** Number of what was read first in the last turn that came after a rest. */
  let firstAfterRest = 0;

  function open(): Turn {
    const now = monotonic();
    const rested = before === undefined ? Infinity : idle() - before.idle;
    if (rested > REST_MS) firstAfterRest = noted + 1;
    // After a long one nothing can have been left over from before.
    const opened = { start: now, earliest: rested > IDLE_MS ? now : (before?.start ?? now) };
    turn = opened;
    afterTurn(() => {
      before = { start: opened.start, idle: idle() };
      turn = undefined;
    });
    return opened;
  }

  return {
    note: () => {
      if (turn === undefined) open();
      noted += 1;
      return noted;
    },
    earliest: () => (turn ?? open()).earliest,
    isAlone: (number) => number === noted && number === firstAfterRest,
  };
}

/** Of this process. */
export function watchArrivals(monotonic: () => number, afterTurn: AfterTurn['run']): Arrivals {
  return createArrivals({ monotonic, idle: () => performance.nodeTiming.idleTime, afterTurn });
}
