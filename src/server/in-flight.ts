/**
 * What the requests in flight hold together: a place each, and the bytes of their bodies. It is taken when a request's
 * head has arrived, since whoever reaches the port could otherwise fill the memory with bodies that never end, and given
 * back when the answer is handed over: until then a review is in memory, whether its client still waits or not.
 */

import { Fault } from '../errors.ts';

export type InFlight = {
  /**
   * Takes a place and `bytes` for `request`, until it leaves.
   *
   * @throws Fault CURFEW_E_OVERLOADED if there is not as much left; nothing is taken then
   */
  enter(request: object, bytes: number): void;
  /**
   * Lets `request` hold `bytes` in all, if that is more than it holds: parsed, a text may take more than its own size.
   *
   * @throws Fault CURFEW_E_OVERLOADED if there is not as much left; it goes on holding what it held then
   */
  grow(request: object, bytes: number): void;
  /** Gives back what `request` took; nothing if it holds nothing, so that every end of a request may call it. */
  leave(request: object): void;
};

/** `maxRequests` is asked each time, since the configuration may change; the bytes are bounded as at the start. */
export function createInFlight(limits: { readonly maxRequests: () => number; readonly maxBytes: number }): InFlight {
  const held = new Map<object, number>();
  let bytesHeld = 0;

  function hold(request: object, more: number): void {
    if (bytesHeld + more > limits.maxBytes) {
      throw new Fault('CURFEW_E_OVERLOADED', `server.maxBodyBytesInFlight is ${limits.maxBytes}`);
    }
    held.set(request, (held.get(request) ?? 0) + more);
    bytesHeld += more;
  }

  return {
    enter(request, bytes) {
      const maxRequests = limits.maxRequests();
      if (held.size >= maxRequests) throw new Fault('CURFEW_E_OVERLOADED', `server.maxInFlight is ${maxRequests}`);
      hold(request, bytes);
    },
    grow(request, bytes) {
      const holds = held.get(request);
      // Whoever has left is not in anybody's way.
      if (holds !== undefined && bytes > holds) hold(request, bytes - holds);
    },
    leave(request) {
      bytesHeld -= held.get(request) ?? 0;
      held.delete(request);
    },
  };
}
