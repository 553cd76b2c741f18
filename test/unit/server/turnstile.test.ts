import { describe, expect, it } from 'vitest';
import { createTurnstile } from '../../../src/server/turnstile.ts';

const PATIENCE_MS = 1_000;
/** Has a turn of its own. */
const LARGE = 100_000;

function create() {
  let now = 0;
  let next: (() => void)[] = [];
  const turnstile = createTurnstile({ monotonic: () => now, afterTurn: (task) => next.push(task) });
  const done: string[] = [];
  return {
    done,
    pass: (ms: number) => {
      now += ms;
    },
    enter: (
      name: string,
      { isFailOpen = false, isGone = (): boolean => false, patienceMs = PATIENCE_MS, bytes = LARGE } = {},
    ) => {
      const fail = (error: unknown) => done.push(`${name}: ${String(error).split(': ')[1]}`);
      try {
        const turn = turnstile.enter({ isFailOpen, arrived: now, patienceMs, isGone, bytes });
        if (turn === undefined) done.push(name);
        else void turn.then(() => done.push(name), fail);
      } catch (error) {
        fail(error);
      }
    },
    /** The next turn of the event loop; how many tasks it had. */
    turn: async () => {
      const tasks = next;
      next = [];
      for (const task of tasks) task();
      // For whoever was let through to say so.
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      return tasks.length;
    },
  };
}

describe('The turnstile', () => {
  it('lets one through at once, and one more in each turn, in their order', async () => {
    const { enter, turn, done } = create();
    for (const name of ['a', 'b', 'c']) enter(name);
    await Promise.resolve();
    expect(done).toEqual(['a']);
    await turn();
    expect(done).toEqual(['a', 'b']);
    enter('d');
    await turn();
    await turn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    // Then it stands still, and costs nothing.
    expect(await turn()).toBe(1);
    expect(await turn()).toBe(0);
    enter('e');
    await Promise.resolve();
    expect(done.at(-1)).toBe('e');
  });

  it('lets small ones through together, as many as are a turn’s work', async () => {
    const { enter, turn, done } = create();
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter(name, { bytes: 30_000 });
    await turn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    await turn();
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('lets nobody small pass a large one that was there before', async () => {
    const { enter, turn, done } = create();
    enter('a', { bytes: 1 });
    enter('large');
    enter('b', { bytes: 1 });
    await Promise.resolve();
    expect(done).toEqual(['a']);
    await turn();
    expect(done).toEqual(['a', 'large']);
    await turn();
    expect(done).toEqual(['a', 'large', 'b']);
  });

  it('lets those of entries that fail closed through first', async () => {
    const { enter, turn, done } = create();
    for (const name of ['a', 'open', 'other']) enter(name, { isFailOpen: name !== 'a' });
    enter('closed');
    for (let count = 0; count < 4; count += 1) await turn();
    expect(done).toEqual(['a', 'closed', 'open', 'other']);
  });

  it('turns away, before its turn, who has waited for too long, and nobody else', async () => {
    const { enter, turn, done, pass } = create();
    enter('a');
    enter('b');
    enter('hasty', { patienceMs: 10, isFailOpen: true });
    enter('c');
    pass(10);
    await turn();
    expect(done.toSorted()).toEqual(['a', 'b', 'hasty: CURFEW_E_LATE']);
    pass(PATIENCE_MS - 10);
    await turn();
    expect(done.at(-1)).toBe('c: CURFEW_E_LATE');
  });

  it('turns away at once who comes too late, and who is gone', async () => {
    const { enter, turn, done } = create();
    enter('late', { patienceMs: 0 });
    enter('a');
    enter('gone', { isGone: () => true });
    await turn();
    expect(done).toEqual(['late: CURFEW_E_LATE', 'a', 'gone: CURFEW_E_CLIENT_GONE']);
  });
});
