import { expect, it } from 'vitest';
import { createInvalidations } from '../../src/kube/invalidations.ts';
import { createFakeClock } from './fake-clock.ts';

it('counts for four minutes, and anew where it is said anew', () => {
  const clock = createFakeClock();
  const invalid = createInvalidations(clock);
  invalid.add('a');
  expect([invalid.has('a'), invalid.has('b')]).toEqual([true, false]);
  clock.advance(239_999);
  expect(invalid.has('a')).toBe(true);
  invalid.add('a');
  clock.advance(239_999);
  expect(invalid.has('a')).toBe(true);
  clock.advance(1);
  expect(invalid.has('a')).toBe(false);
});

it('counts for all while there are more than it can hold, and holds no more than these', () => {
  const clock = createFakeClock();
  const invalid = createInvalidations(clock);
  for (let count = 0; count < 10_000; count += 1) invalid.add(`n${count}`);
  expect(invalid.has('other')).toBe(false);
  clock.advance(1_000);
  invalid.add('one more');
  expect(invalid.has('other')).toBe(true);
  clock.advance(239_999);
  expect(invalid.has('n0')).toBe(true);
  clock.advance(1);
  expect([invalid.has('n0'), invalid.has('one more'), invalid.has('other')]).toEqual([false, false, false]);
});

it('has room again for what comes after those that have ended', () => {
  const clock = createFakeClock();
  const invalid = createInvalidations(clock);
  for (let count = 0; count < 10_000; count += 1) invalid.add(`n${count}`);
  clock.advance(240_000);
  invalid.add('later');
  expect([invalid.has('later'), invalid.has('other')]).toEqual([true, false]);
});
