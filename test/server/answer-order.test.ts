import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createAfterTurn } from '../../src/server/after-turn.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

let app: StartedApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

/** Turns end when the test says so; something is due after the first, as a line of the log is. */
async function start(isAlone: boolean) {
  const ends: (() => void)[] = [];
  const done: string[] = [];
  const afterTurn = createAfterTurn((run) => ends.push(run));
  const arrivals = { note: () => 1, earliest: () => performance.now(), isAlone: () => isAlone };
  app = await startApp({}, undefined, { afterTurn, arrivals });
  afterTurn.run(() => done.push('a line'));
  const sent = app.send('/validate/pods', review('pods', ADMITTED_POD)).then(({ status }) => done.push(String(status)));
  return { ends, done, sent, held: () => app?.metric('curfew_review_duration_seconds_count') };
}

describe('An answer', () => {
  it('goes at once where the request is alone, after what is due before it', async () => {
    const { ends, done, sent } = await start(true);
    await sent;
    expect(done).toEqual(['a line', '200']);
    // What was scheduled for the line finds nothing to do.
    for (const end of ends) end();
    expect(done).toEqual(['a line', '200']);
  });

  it('waits for the end of the turn where others may have come, and goes with theirs', async () => {
    const { ends, done, sent, held } = await start(false);
    await expect.poll(held).toBe(1);
    // It is judged, and would be here by now.
    await sleep(50);
    expect(done).toEqual([]);
    for (const end of ends) end();
    await sent;
    expect(done).toEqual(['a line', '200']);
  });
});
