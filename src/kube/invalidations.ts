/**
 * Keys of which what is held may be old by now: a change of them was let in, and the watch may not have told of it yet. The API
 * server does not say when a watch has caught up, and a change that was let in may never come, so a key counts for a fixed time.
 */

import type { Clock } from './clock.ts';

/**
 * In ms. The API server stores what was let in within half a minute (its own bound for a request, 34 s), as a rule within milliseconds;
 * and a watch that is silent for three minutes is given up (`list-watch.ts`), from when on all is read live.
 */
const INVALID_MS = 4 * 60_000;
/** Beyond it all keys count: who changes more of them in that time makes lookups slow, never wrong. */
const MAX_KEYS = 10_000;

export type Invalidations = {
  add(key: string): void;
  has(key: string): boolean;
};

export function createInvalidations(clock: Pick<Clock, 'monotonic'>): Invalidations {
  /** When each ends to count; a Map keeps the order in which keys were set, so the first ends first. */
  const ends = new Map<string, number>();
  let allUntil = Number.NEGATIVE_INFINITY;
  return {
    add: (key) => {
      const now = clock.monotonic();
      ends.delete(key);
      for (const [oldest, end] of ends) {
        if (end > now) break;
        ends.delete(oldest);
      }
      if (ends.size >= MAX_KEYS) {
        allUntil = now + INVALID_MS;
        ends.clear();
      }
      ends.set(key, now + INVALID_MS);
    },
    has: (key) => {
      const end = ends.get(key);
      if (end === undefined && allUntil === Number.NEGATIVE_INFINITY) return false;
      const now = clock.monotonic();
      return allUntil > now || (end !== undefined && end > now);
    },
  };
}
