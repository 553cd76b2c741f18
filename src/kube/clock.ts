/**
 * Time, waiting and chance, as the long-running parts use them. Tests hand in a clock of their own, so that no test
 * waits for real minutes.
 */

export type Clock = {
  /** Wall clock, in ms since the epoch: for dates. It may jump. */
  now(): number;
  /** In ms with fractions, from any start: for durations. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to but not including 1, for jitter. */
  random(): number;
};

/** The machine's clock. */
export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    // Not that of node:timers/promises, which makes an error, and its stack, for each sleep that is ended early.
    sleep: (ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (signal.aborted) return Promise.resolve();
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal.addEventListener('abort', wake);
      return promise;
    },
    random: () => Math.random(),
  };
}

export type BackoffLimits = {
  /** Wait after the first failure, in ms. */
  readonly firstMs: number;
  /** No wait is longer, in ms. */
  readonly longestMs: number;
};

/** How long to wait after `failures` failures in a row, in ms: doubles, and a random half keeps replicas apart. */
export function computeBackoff(failures: number, limits: BackoffLimits, clock: Clock): number {
  const doubled = limits.firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(limits.longestMs, doubled) * (0.5 + clock.random() / 2);
}

export type Deadline = { readonly clock: Clock; readonly ms: number; readonly signal: AbortSignal };

/** Why a deadline is not waited for any more. Without a reason an error is made for each, and its stack. */
const IS_DONE = 'done';

/**
 * Runs `work` with a signal that aborts after `ms` milliseconds, or when `signal` does. Rejects at that moment even if
 * `work` does not heed its signal.
 */
export async function runWithDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { clock, ms, signal }: Deadline,
): Promise<T> {
  const finished = new AbortController();
  // One controller and listeners that are removed again, not AbortSignal.any: `signal` outlives thousands of these.
  const either = new AbortController();
  const aborted = Promise.withResolvers<never>();
  // Nobody listens to this promise once `work` has won the race.
  aborted.promise.catch(() => undefined);
  const abort = (reason: unknown) => {
    aborted.reject(reason);
    either.abort(reason);
  };
  const onAbort = () => abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  void clock.sleep(ms, finished.signal).then(() => {
    if (!finished.signal.aborted) abort(new Error(`no answer within ${ms} ms`));
  });
  try {
    return await Promise.race([work(either.signal), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    finished.abort(IS_DONE);
  }
}
