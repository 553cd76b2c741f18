/** A connection is not used for ever: else a Service would leave each with the replica that it was given to. */

import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONNECTION_AGE_MS, REVIEWS_A_CONNECTION } from '../../src/server/connections.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

let app: StartedApp;
/** How far the server's clock is ahead, in ms. */
let ahead = 0;
beforeAll(async () => {
  const clock = { now: Date.now, monotonic: () => performance.now() + ahead };
  app = await startApp({}, undefined, { clock });
});
afterAll(async () => {
  await app.stop();
});

type Seen = { readonly status: number; readonly localPort: number; readonly connection: string };

it('A connection that was used enough and is old enough is told so by an answer, and the next review opens another', async () => {
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
  const sendMany = async (count: number): Promise<readonly Seen[]> => {
    const seen: Seen[] = [];
    while (seen.length < count) seen.push(await send());
    return seen;
  };
  const pass = async (ms: number): Promise<void> => {
    ahead += ms;
    // The server must not take what passed for time that a review has waited.
    await sleep(20);
  };
  // Used enough, and not old enough.
  const young = await sendMany(REVIEWS_A_CONNECTION + 5);
  await pass(CONNECTION_AGE_MS);
  const last = await send();
  // Old enough, and not used enough.
  const first = await send();
  await pass(10 * CONNECTION_AGE_MS);
  const seldom = await sendMany(REVIEWS_A_CONNECTION - 2);
  const lastOfSecond = await send();
  const next = await send();
  agent.destroy();

  const seen = [...young, last, first, ...seldom, lastOfSecond, next];
  expect(seen.map(({ status }) => status)).toEqual(seen.map(() => 200));
  expect(seen.flatMap(({ connection }, index) => (connection === 'close' ? [index] : []))).toEqual([
    seen.indexOf(last),
    seen.indexOf(lastOfSecond),
  ]);
  expect([...Map.groupBy(seen, ({ localPort }) => localPort).values()].map((group) => group.length)).toEqual([
    REVIEWS_A_CONNECTION + 6,
    REVIEWS_A_CONNECTION,
    1,
  ]);
});
