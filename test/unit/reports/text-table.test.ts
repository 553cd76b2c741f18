import { describe, expect, it } from 'vitest';
import { formatRows } from '../../../src/reports/text-table.ts';

describe('Columns of text', () => {
  it('are as wide as their widest cell, and no line ends in blanks', () => {
    expect(
      formatRows([
        ['a', 'bb'],
        ['ccc', ''],
        ['d\n', 'e', 'more'],
      ]),
    ).toBe('  a    bb\n  ccc\n  d    e   more\n');
    expect(formatRows([])).toBe('');
  });

  it('may have as many lines as a large cluster has objects', () => {
    const rows = Array.from({ length: 200_000 }, (_, index) => [String(index), 'x']);
    const text = formatRows(rows);
    expect(text.startsWith('  0       x\n')).toBe(true);
    expect(text.endsWith('  199999  x\n')).toBe(true);
  });
});
