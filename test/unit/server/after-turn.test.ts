import { expect, it } from 'vitest';
import { createAfterTurn } from '../../../src/server/after-turn.ts';

it('All that is asked for in a turn runs after it, in order, by one call; what these ask for, after the next', () => {
  const scheduled: (() => void)[] = [];
  const said: string[] = [];
  const { run: afterTurn } = createAfterTurn((run) => scheduled.push(run));
  afterTurn(() => {
    said.push('first');
    afterTurn(() => said.push('of the first'));
  });
  afterTurn(() => said.push('second'));
  expect(said).toEqual([]);
  expect(scheduled).toHaveLength(1);
  scheduled[0]?.();
  expect(said).toEqual(['first', 'second']);
  expect(scheduled).toHaveLength(2);
  scheduled[1]?.();
  expect(said).toEqual(['first', 'second', 'of the first']);
  expect(scheduled).toHaveLength(2);
});

it('What is due may be run at once, in order; what is asked for after that runs after the turn, by the call that was there', () => {
  const scheduled: (() => void)[] = [];
  const said: string[] = [];
  const { run, runNow } = createAfterTurn((task) => scheduled.push(task));
  run(() => {
    said.push('first');
    run(() => said.push('of the first'));
  });
  run(() => said.push('second'));
  runNow();
  expect(said).toEqual(['first', 'second']);
  expect(scheduled).toHaveLength(1);
  scheduled[0]?.();
  expect(said).toEqual(['first', 'second', 'of the first']);
  runNow();
  expect(said).toHaveLength(3);
  // The call is made anew for the next turn.
  run(() => said.push('third'));
  expect(scheduled).toHaveLength(2);
});

it('What is to be last runs after all else of its turn, with what it asks for itself to be last, and needs no other for it', () => {
  const scheduled: (() => void)[] = [];
  const said: string[] = [];
  const { run, runLast, runNow } = createAfterTurn((task) => scheduled.push(task));
  runLast(() => {
    said.push('last');
    runLast(() => said.push('of the last'));
    run(() => said.push('first of the next turn'));
  });
  runLast(() => said.push('second of the last'));
  run(() => said.push('first'));
  expect(scheduled).toHaveLength(1);
  scheduled[0]?.();
  expect(said).toEqual(['first', 'last', 'second of the last', 'of the last']);
  expect(scheduled).toHaveLength(2);
  scheduled[1]?.();
  expect(said.slice(4)).toEqual(['first of the next turn']);
  runLast(() => said.push('alone'));
  runNow();
  expect(said.at(-1)).toBe('alone');
});
