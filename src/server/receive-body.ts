/** Takes the bytes of a body from the connection, no more of them than it may have. */

import type { IncomingMessage } from 'node:http';
import { Fault } from '../errors.ts';

export type Arriving = {
  /** Rejects with a fault: CURFEW_E_BODY_TOO_LARGE, CURFEW_E_CLIENT_GONE, or the one of `giveUp`. */
  readonly body: Promise<Buffer>;
  /** Waits no longer; what still comes is dropped. Means nothing once the body is there. */
  giveUp(fault: Fault): void;
};

/** @param maxBytes - more than these are refused as soon as they have come, whatever length was announced */
export function receiveBody(request: IncomingMessage, maxBytes: number): Arriving {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let chunks: Buffer[] | undefined = [];
  let bytes = 0;
  const giveUp = (fault: Fault): void => {
    chunks = undefined;
    reject(fault);
  };
  request.on('data', (chunk: Buffer) => {
    if (chunks === undefined) return;
    bytes += chunk.length;
    if (bytes > maxBytes) giveUp(new Fault('CURFEW_E_BODY_TOO_LARGE', String(maxBytes)));
    else chunks.push(chunk);
  });
  request.on('end', () => {
    const [first = Buffer.alloc(0), ...more] = chunks ?? [];
    resolve(more.length === 0 ? first : Buffer.concat([first, ...more]));
  });
  request.on('error', () => giveUp(new Fault('CURFEW_E_CLIENT_GONE')));
  return { body: promise, giveUp };
}
