import { describe, expect, it } from 'vitest';
import { countValues } from '../../../src/review/count-values.ts';
import { fc } from '../../properties.ts';
import { hostileValue, numRuns } from '../arbitraries.ts';

/** Every value of a parsed text, iteratively. */
function countParsed(root: unknown): number {
  let count = 0;
  const left = [root];
  while (left.length > 0) {
    const value = left.pop();
    count += 1;
    if (typeof value === 'object' && value !== null) left.push(...Object.values(value));
  }
  return count;
}

describe('The number of values in a text', () => {
  it.each([
    ['null', 1],
    ['"a,[{b"', 1],
    ['"\\\\",1', 2],
    ['"\\",["', 1],
    ['"\\\\\\",["', 1],
    ['[1,2,3]', 4],
    ['[ ]', 1],
    ['[[\n],{ }, 1]', 4],
    ['{"a":{},"b":[]}', 3],
    ['"no end', 1],
    ['', 1],
  ])('%s is %d', (text, count) => {
    expect(countValues(text)).toBe(count);
  });

  it('is that of what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(hostileValue, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        expect(countValues(text)).toBe(countParsed(JSON.parse(text)));
      }),
      { numRuns: numRuns() },
    );
  });

  it('takes no more than one pass over a text of quotes and backslashes', () => {
    expect(countValues(`"${'\\'.repeat(4_000_000)}`)).toBe(1);
    expect(countValues(`"${'\\"'.repeat(2_000_000)}`)).toBe(1);
  });
});
