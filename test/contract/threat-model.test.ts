import { describe, expect, it } from 'vitest';
import { hasReason, listHeld, readRows } from './tables-of-tests.ts';

const ROWS = await readRows('docs/threat-model.md');

describe('The threat model', () => {
  it('has rows, each of four cells', () => {
    expect(ROWS.length).toBeGreaterThan(20);
    for (const { line } of ROWS) expect({ line, cells: line.split(' | ').length }).toEqual({ line, cells: 4 });
  });

  it.each(ROWS.map((row) => ({ ...row, could: row.line.split(' | ')[1] })))(
    'names a test, or a reason, for $first who could $could',
    async (row) => {
      const held = await listHeld(row);
      // One of the two: a reason beside a test would say that the test is not enough.
      expect(held.length > 0).toBe(!hasReason(row));
      for (const { file } of held) expect(file).toMatch(/^(test|e2e)\/.*\.test\.ts$/);
      expect(held.filter(({ isThere }) => !isThere)).toEqual([]);
    },
  );
});
