import { describe, expect, it } from 'vitest';
import { hasReason, listHeld, readRows } from './tables-of-tests.ts';

const ROWS = await readRows('docs/guides/interoperability.md');

describe('The page of interoperability', () => {
  it('has the rules 1 to 36, each once', () => {
    const numbers = ROWS.map(({ first }) => Number(first)).filter((number) => !Number.isNaN(number));
    expect(numbers).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
  });

  it.each(ROWS)('names a test, or a reason, for $first', async (row) => {
    const held = await listHeld(row);
    expect(held.length > 0 || hasReason(row)).toBe(true);
    for (const { file } of held) expect(file).toMatch(/^(test|e2e)\//);
    expect(held.filter(({ isThere }) => !isThere)).toEqual([]);
  });
});
