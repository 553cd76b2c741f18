import { expect, it } from 'vitest';
import { createAfterTurn } from '../../../src/server/after-turn.ts';

it('All that is asked for in a turn runs after it, in order, by one call; what these ask for, after the next', () => {
  const scheduled: (() => void)[] = [];
  const said: string[] = [];
  const afterTurn = createAfterTurn((run) => scheduled.push(run));
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
