/**
 * What a connection may cost. An API server opens one when it needs it, sends at once, and keeps it for later; whoever
 * else reaches the port may hold connections open, or send a byte a minute.
 */

import type { Server } from 'node:http';
import type { ServerOptions as TlsOptions } from 'node:https';
import type { Socket } from 'node:net';

/** Longer than the 90 s for which the API server keeps an idle connection, or it would reuse a closed one (EOF). */
const KEEP_ALIVE_MS = 95_000;

/**
 * Longest time for a head, and for a whole request. Node starts both when the connection is made, not with the first
 * byte, so they must leave a connection alone that was never used: an API server in a hurry opens more than it needs,
 * and keeps the others for 90 s too. A head is at most 16 KiB; bodies have a shorter time of their own.
 */
const NEW_CONNECTION_MS = 95_000;

/** How often Node looks for what is too late; by default twice a minute. */
const CHECK_MS = 5_000;

/** An API server starts the handshake as soon as it is connected; Node's default is two minutes. */
const HANDSHAKE_MS = 10_000;

/**
 * Connections beside those whose requests are in flight. API servers keep 25 idle ones each (MaxIdleConnsPerHost of
 * k8s.io/client-go), so this is enough for ten.
 */
const IDLE_CONNECTIONS = 250;

/**
 * A connection has had its time once it has answered so many reviews and is so old, in ms. An API server keeps its connections,
 * and a Service gives each to one replica for as long as it lasts: a replica that has come because there was too much to do would
 * get next to nothing of it. By number, so that who asks once a minute keeps his; by age, since a handshake takes as long as a dozen
 * reviews, and a busy connection would make one each moment. (Kubernetes 1.37 chooses a replica for each call, but only where
 * API servers know the pods behind a Service, by `--enable-aggregator-routing`.)
 */
export const REVIEWS_A_CONNECTION = 200;
export const CONNECTION_AGE_MS = 10_000;

/** Options that Node reads when it makes the server. */
export const CONNECTION_OPTIONS: TlsOptions = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: NEW_CONNECTION_MS,
  requestTimeout: NEW_CONNECTION_MS,
  connectionsCheckingInterval: CHECK_MS,
  handshakeTimeout: HANDSHAKE_MS,
};

/**
 * Bounds the connections of `server`. An idle one costs 72 KiB, so some thousands of them would end the process, and
 * with it the requests of those who have a right to be served. At the bound new ones are closed at once: a stranger can
 * keep a new API server out, but not one that is connected, and a NetworkPolicy keeps the stranger out.
 *
 * @param maxInFlight - requests that may be in flight; HTTP/1.1 has one a connection
 * @param onDrop - called for each connection that is closed because there are too many
 */
export function limitConnections(server: Server, maxInFlight: number, onDrop: () => void): void {
  server.maxConnections = maxInFlight + IDLE_CONNECTIONS;
  server.on('drop', onDrop);
}

/**
 * Counts the answers of each connection: true for the one that is to be its last, and says so to the client, which could not have
 * sent the next one yet. Closing an idle one would race with it.
 */
export function createRetirement(monotonic: () => number): (socket: Socket) => boolean {
  const used = new WeakMap<Socket, { readonly since: number; answers: number }>();
  return (socket) => {
    const use = used.get(socket) ?? { since: monotonic(), answers: 0 };
    if (use.answers === 0) used.set(socket, use);
    use.answers += 1;
    return use.answers >= REVIEWS_A_CONNECTION && monotonic() - use.since >= CONNECTION_AGE_MS;
  };
}

/**
 * Lets a client that asks (`expect: 100-continue`) send its body when it is about to be read. Node would ask for the
 * body at once; but a request may still be refused for its path, its length or the load, and then nobody wants it.
 */
export function continueWhenRead(server: Server): void {
  server.on('checkContinue', (request, response) => {
    // Node also reads the rest of what was answered without being read, to get it out of the way.
    request.once('resume', () => {
      if (!response.headersSent) response.writeContinue();
    });
    server.emit('request', request, response);
  });
}

/**
 * Ends a connection whose client wants to speak something else on it (`upgrade: h2c`). Node would answer the request and
 * then read nothing more, so that the connection stays and is of use to nobody; API servers ask for no such thing.
 */
export function refuseUpgrades(server: Server): void {
  server.on('upgrade', (_request, socket) => void socket.destroy());
}
