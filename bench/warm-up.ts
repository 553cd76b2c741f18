/** Reviews that a server answers before anything is measured. */

import { asString, valueAt } from '../src/objects/json.ts';
import { review } from '../test/server/start-app.ts';
import { openConnections, runLoad, toRequest } from './connection.ts';
import { ADMITTED } from './pods.ts';

/**
 * So many. V8 compiles Curfew's rules anew until some 120,000 reviews, and holds them up for ms at a time meanwhile; what
 * fastify does is compiled after 30,000.
 */
export const WARM_UP_REVIEWS = 150_000;

const CALLERS = 8;

export type WarmUp = {
  /** Of the server, on 127.0.0.1. */
  readonly port: number;
  /** Where the pods of the reviews are. */
  readonly namespace: string;
};

/**
 * As a server that has been running for a while: through the API server alone that would take minutes. Throws if an answer
 * is not 200.
 *
 * @returns the patch that the server makes of the pod, in base64
 */
export async function warmUp({ port, namespace }: WarmUp): Promise<string | undefined> {
  const body = JSON.stringify(review('pods', ADMITTED, { namespace }));
  const mutating = toRequest('/mutate/pods?timeout=3s', body);
  const requests = [mutating, toRequest('/validate/pods?timeout=3s', body)];
  const target = { port, tls: { rejectUnauthorized: false } };
  const connections = await openConnections(target, CALLERS);
  const { errors } = await runLoad({ requests, connections, forMs: 60_000, most: WARM_UP_REVIEWS });
  const answer = await connections[0]?.send(mutating);
  for (const connection of connections) connection.close();
  if (errors > 0) throw new Error(`${errors} answers were not 200`);
  return asString(valueAt(JSON.parse(String(answer?.body)), ['response', 'patch']));
}
