/**
 * Lets one large review or a few small ones through, and then the event loop turn. What waits is read meanwhile, so it is known
 * since when it waits; new connections are accepted, of which libuv takes one a turn; and probes are answered. Whoever has
 * waited for too long is turned away, which costs next to nothing.
 */

import { Fault } from '../errors.ts';

export type Turnstile = {
  /**
   * Resolves when it is the turn of this review; undefined if that is now, which it is if nobody else's is.
   *
   * @throws Fault CURFEW_E_LATE once it has waited for too long, CURFEW_E_CLIENT_GONE if nobody waits for its answer
   */
  enter(waiting: Waiting): Promise<void> | undefined;
};

export type Waiting = {
  /** Those of entries that fail closed come first: what is refused there stops somebody. */
  readonly isFailOpen: boolean;
  /** The earliest moment at which it can have arrived, in ms of the monotonic clock. */
  readonly arrived: number;
  /** How long after that its turn must come, in ms. */
  readonly patienceMs: number;
  readonly isGone: () => boolean;
  /** Length of its body: what judging it costs grows with it. */
  readonly bytes: number;
};

export type TurnstileOptions = {
  readonly monotonic: () => number;
  /** Runs `task` in the next turn of the event loop. */
  readonly afterTurn: (task: () => void) => void;
};

type Queued = Waiting & { readonly admit: () => void; readonly refuse: (fault: Fault) => void };

/** In one turn: so much of small reviews takes one or two milliseconds to judge. */
const BYTES_A_TURN = 65_536;

export function createTurnstile({ monotonic, afterTurn }: TurnstileOptions): Turnstile {
  const closed = new Set<Queued>();
  const open = new Set<Queued>();
  let isTurning = false;
  /** Bytes that may still be let through in this turn. */
  let left = BYTES_A_TURN;

  function findRefusal({ arrived, patienceMs, isGone }: Waiting): Fault | undefined {
    if (isGone()) return new Fault('CURFEW_E_CLIENT_GONE');
    const waited = monotonic() - arrived;
    return waited >= patienceMs ? new Fault('CURFEW_E_LATE', String(Math.round(waited))) : undefined;
  }

  function turn(): void {
    for (const queue of [closed, open]) {
      for (const one of queue) {
        const refusal = findRefusal(one);
        if (refusal === undefined) continue;
        queue.delete(one);
        one.refuse(refusal);
      }
    }
    left = BYTES_A_TURN;
    isTurning = closed.size + open.size > 0;
    if (isTurning) afterTurn(turn);
    for (const queue of [closed, open]) {
      for (const one of queue) {
        if (!fits(one)) return;
        queue.delete(one);
        one.admit();
      }
    }
  }

  /** Takes its part of this turn; what is larger than a whole one has a turn of its own. */
  function fits({ bytes }: Waiting): boolean {
    if (bytes > left && left < BYTES_A_TURN) return false;
    left -= bytes;
    return true;
  }

  return {
    enter(waiting) {
      const isFirst = closed.size + open.size === 0;
      if (isFirst) {
        const refusal = findRefusal(waiting);
        if (refusal !== undefined) throw refusal;
      }
      if (isFirst && fits(waiting)) {
        if (!isTurning) afterTurn(turn);
        isTurning = true;
        return undefined;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      (waiting.isFailOpen ? open : closed).add({ ...waiting, admit: resolve, refuse: reject });
      return promise;
    },
  };
}
