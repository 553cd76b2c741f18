/**
 * What the requests in flight hold together: a place each, and the bytes of their bodies. It is taken when a request's
 * head has arrived, since whoever reaches the port could otherwise fill the memory with bodies that never end, and given
 * back when the answer is there: until then a review is in memory, whether its client still waits or not.
 */

import { Fault } from '../errors.ts';

export type InFlight = {
  /**
   * Takes a place and `bytes` for a request, until it leaves.
   *
   * @throws Fault CURFEW_E_OVERLOADED if there is not as much left; nothing is taken then
   */
  enter(bytes: number, terms: Terms): Place;
  /** The body is there: from now on it gives way to nobody. */
  settle(place: Place): void;
  /**
   * Lets it hold `atMost` bytes in all, if that is more than it holds: parsed, a text may take more than its own
   * size. Where that would be much of all there is, it is counted and holds what it needs.
   *
   * @throws Fault CURFEW_E_OVERLOADED if there is not as much left; it goes on holding what it held then
   */
  grow(place: Place, atMost: number, count: () => number): void;
  /** Gives back what it took; nothing the second time, so that every end of a request may call it. */
  leave(place: Place): void;
};

/** What one request holds. */
export type Place = {
  bytes: number;
  readonly since: number;
  arriving: Pick<Terms, 'received' | 'giveWay'> | undefined;
  /** Where it stands among all; undefined once it has left. */
  index: number | undefined;
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

export function createInFlight({
  maxRequests,
  maxBytes,
  giveWayMs,
  bodyMs,
  monotonic,
  after,
}: InFlightLimits): InFlight {
  // Not a Map or a Set by which entries come and go: V8 links each table of one to the next, so that garbage which has grown old
  // keeps all requests since alive, until the old generation is collected for them.
  const places: (Place | undefined)[] = [];
  const free: number[] = [];
  let bytesHeld = 0;
  let isWatching = false;

  /** Why there is no room for one more; undefined if there is. */
  function findShortage(bytes: number, isFailOpen: boolean): string | undefined {
    const most = maxRequests();
    const taken = places.length - free.length;
    if (taken >= most) return `server.maxInFlight is ${most}`;
    if (bytesHeld + bytes > maxBytes) return `server.maxBodyBytesInFlight is ${maxBytes}`;
    const isReserved = taken >= most * SHARE_OF_FAIL_OPEN || bytesHeld > maxBytes * SHARE_OF_FAIL_OPEN;
    return isFailOpen && isReserved ? 'what is left is for entries that fail closed' : undefined;
  }

  /** The one that has been arriving for longest, if that is too long. */
  function findDawdler(): Place | undefined {
    const now = monotonic();
    let oldest: Place | undefined;
    for (const place of places) {
      if (place?.arriving === undefined || place.since + giveWayMs > now) continue;
      const { since, arriving } = place;
      const isLate = since + giveWayMs + arriving.received() / SLOWEST_PACE <= now;
      if (isLate && (oldest === undefined || since < oldest.since)) oldest = place;
    }
    return oldest;
  }

  function leave(place: Place): void {
    if (place.index === undefined) return;
    places[place.index] = undefined;
    free.push(place.index);
    place.index = undefined;
    bytesHeld -= place.bytes;
  }

  /** One timer for all bodies, since all have the same time: it is set anew for the oldest that is still arriving. */
  function watch(): void {
    isWatching = false;
    const now = monotonic();
    let least = Infinity;
    for (const place of places) {
      if (place?.arriving === undefined) continue;
      const left = place.since + bodyMs - now;
      if (left > 0) {
        least = Math.min(least, left);
        continue;
      }
      place.arriving.giveWay(bodyMs);
      leave(place);
    }
    if (least !== Infinity) watchIn(least);
  }

  function watchIn(ms: number): void {
    isWatching = true;
    after(ms, watch);
  }

  return {
    enter(bytes, { isFailOpen, received, giveWay }) {
      let shortage = findShortage(bytes, isFailOpen);
      while (shortage !== undefined) {
        const dawdler = findDawdler();
        if (dawdler === undefined) throw new Fault('CURFEW_E_OVERLOADED', shortage);
        dawdler.arriving?.giveWay(giveWayMs);
        leave(dawdler);
        shortage = findShortage(bytes, isFailOpen);
      }
      const index = free.pop() ?? places.length;
      const place: Place = { bytes, since: monotonic(), arriving: { received, giveWay }, index };
      places[index] = place;
      bytesHeld += bytes;
      if (!isWatching) watchIn(bodyMs);
      return place;
    },
    settle(place) {
      place.arriving = undefined;
    },
    grow(place, atMost, count) {
      // Whoever has left is not in anybody's way.
      if (place.index === undefined) return;
      const isPlenty = bytesHeld + atMost <= maxBytes * SHARE_UNCOUNTED;
      const bytes = isPlenty ? atMost : count();
      if (bytes <= place.bytes) return;
      const more = bytes - place.bytes;
      if (bytesHeld + more > maxBytes) {
        throw new Fault('CURFEW_E_OVERLOADED', `server.maxBodyBytesInFlight is ${maxBytes}`);
      }
      place.bytes = bytes;
      bytesHeld += more;
    },
    leave,
  };
}
