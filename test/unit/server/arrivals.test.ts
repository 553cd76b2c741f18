import { describe, expect, it } from 'vitest';
import { createArrivals } from '../../../src/server/arrivals.ts';

/** An event loop that does what the test says. */
function createLoop() {
  let now = 1_000;
  let idle = 0;
  let ends: (() => void)[] = [];
  const arrivals = createArrivals({
    monotonic: () => now,
    idle: () => idle,
    afterTurn: (task) => ends.push(task),
  });
  return {
    arrivals,
    work: (ms: number) => {
      now += ms;
    },
    rest: (ms: number) => {
      now += ms;
      idle += ms;
    },
    endTurn: () => {
      for (const end of ends) end();
      ends = [];
    },
    openTurns: () => ends.length,
  };
}

describe('Since when a request may have waited', () => {
  it('is now where the event loop had nothing to do before', () => {
    const { arrivals, work, rest, endTurn } = createLoop();
    expect(arrivals.earliest()).toBe(1_000);
    work(500);
    endTurn();
    rest(10);
    expect(arrivals.earliest()).toBe(1_510);
  });

  it('is the beginning of the turn, for all that are read in it, however late their turn comes', () => {
    const { arrivals, work } = createLoop();
    arrivals.note();
    work(700);
    expect(arrivals.earliest()).toBe(1_000);
  });

  it('is the beginning of the turn before, where one came upon the other', () => {
    const { arrivals, work, endTurn, openTurns } = createLoop();
    arrivals.note();
    work(700);
    endTurn();
    work(1);
    arrivals.note();
    work(300);
    arrivals.note();
    expect(arrivals.earliest()).toBe(1_000);
    // One task a turn, however many requests.
    expect(openTurns()).toBe(1);
    endTurn();
    // And not longer ago than that: it would have been read.
    expect(arrivals.earliest()).toBe(1_701);
  });
});

describe('A request is alone', () => {
  it('where the event loop had nothing to do before, until something else is read', () => {
    const { arrivals, work, rest, endTurn } = createLoop();
    const first = arrivals.note();
    expect(arrivals.isAlone(first)).toBe(true);
    work(1);
    endTurn();
    rest(10);
    const second = arrivals.note();
    expect([first, second].map(arrivals.isAlone)).toEqual([false, true]);
    const third = arrivals.note();
    expect([first, second, third].map(arrivals.isAlone)).toEqual([false, false, false]);
  });

  it('also where the rest of its body comes in a turn of its own, or its answer much later', () => {
    const { arrivals, work, rest, endTurn } = createLoop();
    const number = arrivals.note();
    work(1);
    endTurn();
    rest(0.1);
    expect(arrivals.isAlone(number)).toBe(true);
    rest(1_000);
    expect(arrivals.isAlone(number)).toBe(true);
  });

  it.each([
    ['after a short rest too', 0.06, true],
    ['and is not where it was found at once: more may have come with it', 0.04, false],
  ])('%s', (_when, restMs, isAlone) => {
    const { arrivals, work, rest, endTurn } = createLoop();
    arrivals.note();
    work(1);
    endTurn();
    rest(restMs);
    const number = arrivals.note();
    expect(arrivals.isAlone(number)).toBe(isAlone);
    // After neither of them is it certain that it was not there in the turn before.
    expect(arrivals.earliest()).toBe(1_000);
  });
});
