/**
 * How many names that do not exist may be looked up in a namespace. Names that exist are finite, and soon in the index;
 * of others anybody who may write a template there can think of as many as he likes, and each would cost the API server a
 * request in Curfew's name.
 */

import type { Clock } from './clock.ts';

/** Answers `absent` at once, and a second from then on. A person who applies a chart before its accounts needs a few. */
const BURST = 100;
const PER_SECOND = 10;
const MAX_NAMESPACES = 1024;

export type AbsenceBudget = {
  /** True while nothing more is to be asked that may not exist. */
  isSpent(namespace: string): boolean;
  /** A name did not exist. */
  spend(namespace: string): void;
};

type Account = { readonly left: number; readonly at: number };

export function createAbsenceBudget(clock: Pick<Clock, 'monotonic'>): AbsenceBudget {
  const accounts = new Map<string, Account>();
  const leftOf = (namespace: string, now: number): number => {
    const account = accounts.get(namespace);
    if (account === undefined) return BURST;
    return Math.min(BURST, account.left + ((now - account.at) / 1000) * PER_SECOND);
  };
  return {
    isSpent: (namespace) => leftOf(namespace, clock.monotonic()) < 1,
    spend: (namespace) => {
      const now = clock.monotonic();
      // A debt: reads that were in flight when the last was spent are paid for later, or each refill would let as many out.
      const left = Math.max(-BURST, leftOf(namespace, now) - 1);
      // Set anew, so that the namespace in which nothing happened for longest is the first to be forgotten.
      accounts.delete(namespace);
      accounts.set(namespace, { left, at: now });
      const [oldest] = accounts.keys();
      if (accounts.size > MAX_NAMESPACES && oldest !== undefined) accounts.delete(oldest);
    },
  };
}
