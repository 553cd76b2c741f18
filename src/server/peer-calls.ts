/** Sends what replicas tell each other, over plain HTTP to the port of health and metrics: nothing of it is secret. */

import { Agent, request } from 'node:http';
import type { Replica } from '../kube/replica-index.ts';
import type { PeerMessage } from './peer-message.ts';
import { PEER_PATH } from './peer-message.ts';

/** To one replica at once; the others wait in this one. That port has room for a few callers. */
const MOST_CONNECTIONS = 2;

export type SendToPeer = (replica: Replica, message: PeerMessage, signal: AbortSignal) => Promise<void>;

/**
 * Each message has a connection of its own: one that was kept may have been closed by then, and there are few.
 *
 * @param port - on which all replicas listen
 */
export function createPeerCalls(port: number): SendToPeer {
  const agent = new Agent({ keepAlive: false, maxSockets: MOST_CONNECTIONS });
  return async ({ address }, message, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const body = JSON.stringify(message);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(
      { host: address, port, path: PEER_PATH, method: 'POST', agent, headers, signal },
      (response) => {
        response.resume();
        if (response.statusCode === 200) resolve();
        else reject(new Error(`it answered with status ${response.statusCode}`));
      },
    );
    call.on('error', reject);
    call.end(body);
    await promise;
  };
}
