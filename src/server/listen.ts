/** Listening, swapping the certificate of a listening server, and stopping without losing a request. */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { toTlsOptions } from './callers.ts';

export type ListenAddress = { readonly host: string; readonly port: number };

/**
 * Parses `HOST:PORT`; an IPv6 host stands in brackets, port 0 takes a free one.
 *
 * @throws Error with a sentence that says what was seen and what is expected
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) {
    throw new Error(`${JSON.stringify(text)} is not HOST:PORT, such as 0.0.0.0:10250 or [::]:10250`);
  }
  return { host, port };
}

/**
 * Listens and returns the URL in use, with the port that was free if 0 was asked for.
 *
 * @throws Error of Node if the address cannot be had
 */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<string> {
  server.listen({ host, port });
  await once(server, 'listening');
  const address = server.address();
  const inUse = typeof address === 'object' && address !== null ? address.port : port;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${inUse}`;
}

/** New connections get this certificate, and are judged by this CA of callers; open ones keep theirs. */
export function swapCertificate(
  server: Server,
  certificate: { readonly cert: string; readonly key: string },
  callers: string | undefined,
): void {
  // What is left out here is not kept, but goes.
  if (server instanceof TlsServer) server.setSecureContext(toTlsOptions(certificate, callers));
}

/** How often to look whether anybody waits for an answer, in ms. */
const IDLE_CHECK_MS = 250;

/**
 * Ends listening and idle connections at once, waits for the requests in flight, and for no client longer than `ms`.
 * To Node a connection is idle only once it was used, and API servers open more than they use (and keep them for 90 s):
 * as soon as nobody waits for an answer those are closed too.
 *
 * @param countRequests - what {@link watchRequests} returned
 */
export async function closeServer(
  server: Server,
  { ms, countRequests }: { readonly ms: number; readonly countRequests: () => number },
): Promise<void> {
  const end = performance.now() + ms;
  let wasQuiet = false;
  const timer = setInterval(() => {
    const isQuiet = countRequests() === 0;
    // Twice, since a request may have been on its way at the first look.
    if ((isQuiet && wasQuiet) || performance.now() >= end) server.closeAllConnections();
    wasQuiet = isQuiet;
  }, IDLE_CHECK_MS);
  try {
    await endListening(server);
  } finally {
    clearInterval(timer);
  }
}

/** Ends listening, and resolves once the last connection is closed; an idle one is closed at once. */
export async function endListening(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

/** Begins to count the requests whose answers are not out yet. */
export function watchRequests(server: Server): () => number {
  let count = 0;
  server.on('request', (_request, response) => {
    count += 1;
    response.once('close', () => {
      count -= 1;
    });
  });
  return () => count;
}
