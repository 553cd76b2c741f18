/** Places for requests in flight, and a queue before them: a burst waits for a moment instead of going without an answer. */

export type Gate = {
  /**
   * Resolves as soon as there is a place, in the order of the calls. Rejects if `signal` aborts before, or at once if too
   * many wait already.
   */
  enter(signal: AbortSignal): Promise<void>;
  /** Gives a place back. */
  leave(): void;
};

export type GateLimits = {
  /** Requests in flight. */
  readonly places: number;
  /** Requests that wait for a place. */
  readonly waiting: number;
};

export function createGate({ places, waiting }: GateLimits): Gate {
  let taken = 0;
  /** A Set keeps the order, and lets whoever gives up leave from the middle. */
  const queue = new Set<() => void>();
  return {
    enter: (signal) => {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken < places) {
        taken += 1;
        return Promise.resolve();
      }
      if (queue.size >= waiting) {
        return Promise.reject(new Error(`too many live reads (${places} in flight, ${waiting} waiting)`));
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = () => {
        queue.delete(admit);
        reject(signal.reason);
      };
      const admit = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      queue.add(admit);
      signal.addEventListener('abort', giveUp, { once: true });
      return promise;
    },
    leave: () => {
      const [next] = queue;
      if (next === undefined) {
        taken -= 1;
        return;
      }
      // The place passes from hand to hand.
      queue.delete(next);
      next();
    },
  };
}
