/** A connection is not used for ever: else a Service would leave each with the replica that it was given to. */

import { Agent, request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REVIEWS_A_CONNECTION } from '../../src/server/connections.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

let app: StartedApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(async () => {
  await app.stop();
});

type Seen = { readonly status: number; readonly localPort: number; readonly connection: string };

it('The last review of a connection is answered, and says that it is the last; the next one opens another', async () => {
  // As an API server with nothing else to do: one review after the other, over a connection that it keeps.
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: app.ca });
  const body = JSON.stringify(review('pods', ADMITTED_POD));
  const send = async (): Promise<Seen> => {
    const { promise, resolve, reject } = Promise.withResolvers<Seen>();
    const options = { agent, host: 'localhost', port: app.port, path: '/validate/pods', method: 'POST' };
    const sent = request({ ...options, headers: { 'content-type': 'application/json' } }, (answer) => {
      const localPort = answer.socket.localPort ?? 0;
      const { statusCode: status = 0, headers } = answer;
      answer.resume().on('end', () => resolve({ status, localPort, connection: headers.connection ?? '' }));
    });
    sent.on('error', reject);
    sent.end(body);
    return await promise;
  };
  const seen: Seen[] = [];
  for (let count = 0; count < 2 * REVIEWS_A_CONNECTION + 1; count += 1) seen.push(await send());
  agent.destroy();
  expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200]));
  expect([...Map.groupBy(seen, ({ localPort }) => localPort).values()].map((group) => group.length)).toEqual([
    REVIEWS_A_CONNECTION,
    REVIEWS_A_CONNECTION,
    1,
  ]);
  const announced = seen.flatMap(({ connection }, index) => (connection === 'close' ? [index + 1] : []));
  expect(announced).toEqual([REVIEWS_A_CONNECTION, 2 * REVIEWS_A_CONNECTION]);
});
