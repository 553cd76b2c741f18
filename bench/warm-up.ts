/** Reviews that a server answers before anything is measured. */

import { asString, valueAt } from '../src/objects/json.ts';
import { review } from '../test/server/start-app.ts';
import { openConnections, toRequest } from './connection.ts';
import { runLoad } from './load.ts';
import { ADMITTED, ADMITTED_PLAIN } from './pods.ts';

/**
 * So many. V8 compiles Curfew's rules anew until some 120,000 reviews, and holds them up for ms at a time meanwhile; what
 * fastify does is compiled after 30,000.
 */
export const WARM_UP_REVIEWS = 150_000;

const CALLERS = 8;

export type WarmUp = {
  /** Of the server, on 127.0.0.1. */
  readonly port: number;
  /** Where the pods of the reviews are; the patch is that of the first. */
  readonly namespaces: readonly [string, ...string[]];
};

/**
 * As a server that has been running for a while, and has seen pods with a token and without in namespaces at each of the
 * levels that are measured: through the API server alone that would take minutes. Throws as `sendWarmUp` does.
 *
 * @returns the patch that the server makes of the pod, in base64
 */
export async function warmUp({ port, namespaces }: WarmUp): Promise<string | undefined> {
  const bodies = namespaces.flatMap((namespace) =>
    [ADMITTED, ADMITTED_PLAIN].map((pod) => JSON.stringify(review('pods', pod, { namespace }))),
  );
  const [mutating = Buffer.alloc(0), ...others] = ['mutate', 'validate'].flatMap((path) =>
    bodies.map((body) => toRequest(`/${path}/pods?timeout=3s`, body)),
  );
  const answer = await sendWarmUp(port, [mutating, ...others]);
  return asString(valueAt(JSON.parse(String(answer)), ['response', 'patch']));
}

/**
 * Sends each of the requests in turn, until there are enough answers. Throws if one is not 200, or there are too few within
 * two minutes.
 *
 * @param port - on 127.0.0.1
 * @returns what the first request is answered then
 */
export async function sendWarmUp(port: number, requests: readonly Buffer[]): Promise<Buffer> {
  const connections = await openConnections({ port, tls: { rejectUnauthorized: false } }, CALLERS);
  const [connection] = connections;
  const [first] = requests;
  if (connection === undefined || first === undefined) throw new Error('there is nothing to send');
  const { errors, latencies } = await runLoad({ requests, connections, forMs: 120_000, most: WARM_UP_REVIEWS });
  const { body } = await connection.send(first);
  for (const one of connections) one.close();
  if (errors > 0) throw new Error(`${errors} answers were not 200`);
  if (latencies.length < WARM_UP_REVIEWS) throw new Error(`${latencies.length} answers within two minutes`);
  return body;
}
