import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/kube/clock.ts';

/** A clock that stands still until a test moves it. */
export type FakeClock = Clock & {
  /** Moves the clock and wakes who has slept long enough. */
  advance(ms: number): void;
  /** Sets the wall clock forward, or back; no time passes. */
  jump(ms: number): void;
  /** How many sleep now. */
  sleepers(): number;
  /** How many of them asked for so many milliseconds. */
  sleepsOf(ms: number): number;
};

export function createFakeClock(start: number = Date.UTC(2026, 10, 1)): FakeClock {
  let now = start;
  let ahead = 0;
  const sleepers = new Set<{ readonly ms: number; readonly until: number; readonly wake: () => void }>();
  return {
    now: () => now + ahead,
    monotonic: () => now,
    random: () => 0.5,
    sleepers: () => sleepers.size,
    sleepsOf: (ms) => [...sleepers].filter((sleeper) => sleeper.ms === ms).length,
    sleep: (ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (signal.aborted) return Promise.resolve();
      const sleeper = {
        ms,
        until: now + ms,
        wake: () => {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake);
      return promise;
    },
    jump: (ms) => {
      ahead += ms;
    },
    advance: (ms) => {
      now += ms;
      for (const sleeper of sleepers) if (sleeper.until <= now) sleeper.wake();
    },
  };
}

/**
 * Waits until `condition` holds: for what goes over a real socket, which takes as long as it takes. The bound only ends
 * a test that has failed.
 */
export async function eventually(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 5000; round += 1) {
    if (condition()) return;
    await delay(2);
  }
  throw new Error(`never became true: ${condition.toString()}`);
}
