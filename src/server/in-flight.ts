/**
 * What the requests in flight hold together: a place each, and the bytes of their bodies. It is taken when a request's
 * head has arrived, since whoever reaches the port could otherwise fill the memory with bodies that never end, and given
 * back when the answer is there: until then a review is in memory, whether its client still waits or not.
 */

import { Fault } from '../errors.ts';

export type InFlight = {
  /**
   * Takes a place and `bytes` for `request`, until it leaves.
   *
   * @throws Fault CURFEW_E_OVERLOADED if there is not as much left; nothing is taken then
   */
  enter(request: object, bytes: number, terms: Terms): void;
  /** The body of `request` is there: from now on it gives way to nobody. */
  settle(request: object): void;
  /**
   * Lets `request` hold `atMost` bytes in all, if that is more than it holds: parsed, a text may take more than its own
   * size. Where that would be much of all there is, it is counted and holds what it needs.
   *
   * @throws Fault CURFEW_E_OVERLOADED if there is not as much left; it goes on holding what it held then
   */
  grow(request: object, atMost: number, count: () => number): void;
  /** Gives back what `request` took; nothing if it holds nothing, so that every end of a request may call it. */
  leave(request: object): void;
};

export type Terms = {
  /** The last quarter is for entries that fail closed: what is refused there stops somebody. */
  readonly isFailOpen: boolean;
  /** Bytes of its body that have come so far. */
  readonly received: () => number;
  /** Called when its body has been arriving for longer than it may, in ms: at all, or with another waiting for its place. */
  readonly giveWay: (ms: number) => void;
};

export type InFlightLimits = {
  /** Asked each time, since the configuration may change; the bytes are bounded as at the start. */
  readonly maxRequests: () => number;
  readonly maxBytes: number;
  /** After so many ms a body that arrives slowly gives way to others. */
  readonly giveWayMs: number;
  /** After so many ms a body that is not there gives way, whoever waits. */
  readonly bodyMs: number;
  /** In ms. */
  readonly monotonic: () => number;
  /** Runs `task` in about so many ms. */
  readonly after: (ms: number, task: () => void) => void;
};

const SHARE_OF_FAIL_OPEN = 0.75;
/** As long as no more than this is held, nobody counts: it takes longer than judging a pod that needs nothing. */
const SHARE_UNCOUNTED = 0.25;
/** What comes at this pace, in bytes in a ms, is given the time it takes: an API server is many times as fast. */
const SLOWEST_PACE = 1_024;

type Holding = { bytes: number; readonly since: number; arriving: Pick<Terms, 'received' | 'giveWay'> | undefined };

export function createInFlight({
  maxRequests,
  maxBytes,
  giveWayMs,
  bodyMs,
  monotonic,
  after,
}: InFlightLimits): InFlight {
  const held = new Map<object, Holding>();
  let bytesHeld = 0;
  let isWatching = false;

  /** Why there is no room for one more; undefined if there is. */
  function findShortage(bytes: number, isFailOpen: boolean): string | undefined {
    const most = maxRequests();
    if (held.size >= most) return `server.maxInFlight is ${most}`;
    if (bytesHeld + bytes > maxBytes) return `server.maxBodyBytesInFlight is ${maxBytes}`;
    const isReserved = held.size >= most * SHARE_OF_FAIL_OPEN || bytesHeld > maxBytes * SHARE_OF_FAIL_OPEN;
    return isFailOpen && isReserved ? 'what is left is for entries that fail closed' : undefined;
  }

  /** The oldest first: a Map keeps the order in which they entered. */
  function findDawdler(): readonly [object, Terms['giveWay']] | undefined {
    const now = monotonic();
    for (const [request, { since, arriving }] of held) {
      if (since + giveWayMs > now) return undefined;
      if (arriving === undefined) continue;
      if (since + giveWayMs + arriving.received() / SLOWEST_PACE <= now) return [request, arriving.giveWay];
    }
    return undefined;
  }

  function leave(request: object): void {
    bytesHeld -= held.get(request)?.bytes ?? 0;
    held.delete(request);
  }

  /** One timer for all bodies, since all have the same time: it is set anew for the oldest that is still arriving. */
  function watch(): void {
    isWatching = false;
    const now = monotonic();
    for (const [request, { since, arriving }] of held) {
      if (arriving === undefined) continue;
      const left = since + bodyMs - now;
      if (left > 0) return watchIn(left);
      arriving.giveWay(bodyMs);
      leave(request);
    }
  }

  function watchIn(ms: number): void {
    isWatching = true;
    after(ms, watch);
  }

  return {
    enter(request, bytes, { isFailOpen, received, giveWay }) {
      let shortage = findShortage(bytes, isFailOpen);
      while (shortage !== undefined) {
        const dawdler = findDawdler();
        if (dawdler === undefined) throw new Fault('CURFEW_E_OVERLOADED', shortage);
        const [other, giveWay] = dawdler;
        giveWay(giveWayMs);
        leave(other);
        shortage = findShortage(bytes, isFailOpen);
      }
      held.set(request, { bytes, since: monotonic(), arriving: { received, giveWay } });
      bytesHeld += bytes;
      if (!isWatching) watchIn(bodyMs);
    },
    settle(request) {
      const holding = held.get(request);
      if (holding !== undefined) holding.arriving = undefined;
    },
    grow(request, atMost, count) {
      const holding = held.get(request);
      // Whoever has left is not in anybody's way.
      if (holding === undefined) return;
      const isPlenty = bytesHeld + atMost <= maxBytes * SHARE_UNCOUNTED;
      const bytes = isPlenty ? atMost : count();
      if (bytes <= holding.bytes) return;
      const more = bytes - holding.bytes;
      if (bytesHeld + more > maxBytes) {
        throw new Fault('CURFEW_E_OVERLOADED', `server.maxBodyBytesInFlight is ${maxBytes}`);
      }
      holding.bytes = bytes;
      bytesHeld += more;
    },
    leave,
  };
}
