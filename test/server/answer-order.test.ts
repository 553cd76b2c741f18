import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { openConnections, toRequest } from '../../bench/connection.ts';
import { createAfterTurn } from '../../src/server/after-turn.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp } from './start-app.ts';

let app: StartedApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

/** As a list that is read, or a large object that is judged. */
const BUSY_MS = 20;

/**
 * A server that has to look at a namespace for each review, which tells `onJudged` how many answers were sent before.
 * What is due last in the turn tells `onLine` the same, as a line of the log would be.
 */
async function start(
  isAlone: boolean | undefined,
  onJudged: (countSent: () => number) => void,
  onLine: (sent: number) => void = () => undefined,
): Promise<StartedApp> {
  const responses: ServerResponse[] = [];
  const countSent = (): number => responses.filter(({ headersSent }) => headersSent).length;
  const afterTurn = createAfterTurn();
  const reader: typeof PLAIN_READER = {
    ...PLAIN_READER,
    namespace: (...args) => {
      onJudged(countSent);
      afterTurn.runLast(() => onLine(countSent()));
      return PLAIN_READER.namespace(...args);
    },
  };
  const arrivals = { note: () => 1, earliest: () => performance.now(), isAlone: () => isAlone === true };
  app = await startApp({}, reader, isAlone === undefined ? { afterTurn } : { afterTurn, arrivals });
  app.server.on('request', (_request, response) => responses.push(response));
  return app;
}

describe('An answer', () => {
  it.each([
    ['at once where the request is alone', true, 1],
    ['after the turn where others may have come', false, 0],
  ])('goes %s, and before the line of the log that tells of it', async (_when, isAlone, inTurn) => {
    const seen: { readonly sent: number; readonly lines: number }[] = [];
    const last: number[] = [];
    // Once all is done that follows from the body, and before the turn ends.
    const look = (countSent: () => number) =>
      process.nextTick(() => seen.push({ sent: countSent(), lines: started.logLines.length }));
    const started = await start(isAlone, look, (count) => last.push(count));
    const { status } = await started.send('/validate/pods', review('pods', ADMITTED_POD));
    expect({ status, seen, last }).toEqual({ status: 200, seen: [{ sent: inTurn, lines: inTurn }], last: [1] });
    expect(started.logLines).toHaveLength(1);
  });

  it('is written before the next review is judged, of which one alone may take its time', async () => {
    const sent: number[] = [];
    const started = await start(undefined, (countSent) => {
      sent.push(countSent());
      const end = performance.now() + BUSY_MS;
      while (performance.now() < end);
    });
    // Each of them has a turn of its own.
    const metadata = { name: 'example', annotations: { note: 'x'.repeat(100_000) } };
    const large = toRequest('/validate/pods', JSON.stringify(review('pods', { ...ADMITTED_POD, metadata })));
    const connections = await openConnections({ port: started.port, tls: { ca: started.ca } }, 6);
    await Promise.all(connections.map(async (connection) => await connection.send(large)));
    for (const connection of connections) connection.close();
    expect(sent).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
