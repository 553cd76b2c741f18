/** A token bucket: some at once, and then so many in a time. */

import type { Clock } from './clock.ts';

export type TokenBucket = {
  /** Takes one, if there is one. */
  take(): boolean;
  /** Puts one back that was taken for nothing. */
  putBack(): void;
};

export type BucketLimits = {
  /** At once. */
  readonly burst: number;
  /** Time in which one comes back, in ms. */
  readonly everyMs: number;
};

export function createTokenBucket({ burst, everyMs }: BucketLimits, clock: Pick<Clock, 'monotonic'>): TokenBucket {
  let left = burst;
  let at = clock.monotonic();
  return {
    take: () => {
      const now = clock.monotonic();
      left = Math.min(burst, left + (now - at) / everyMs);
      at = now;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
    putBack: () => {
      left = Math.min(burst, left + 1);
    },
  };
}
