import { describe, expect, it } from 'vitest';
import type { Selection } from '../../../src/reports/html/select-rows.ts';
import { selectRows, toHaystack } from '../../../src/reports/html/select-rows.ts';
import type { Row } from '../../../src/reports/html/table.ts';
import { formatCount, textOf } from '../../../src/reports/html/table.ts';

const ROWS: readonly Row[] = [
  { cells: [['a year', 365], 'web-10', 3], details: [['Fix', 'Delete it', 'text']] },
  { cells: [['never', 999], 'web-9', 20], details: [] },
  { cells: [['an hour', 1], 'Api', 100], details: [] },
];
const ALL: Selection = { search: '', facets: new Map(), sort: undefined };

function select(selection: Partial<Selection>): readonly string[] {
  return selectRows(ROWS, { ...ALL, ...selection }, toHaystack).map(({ cells }) => textOf(cells[1] ?? ''));
}

describe('Rows', () => {
  it('are found by all words, in whatever case, in what they open to as well', () => {
    expect(select({ search: ' YEAR  delete ' })).toEqual(['web-10']);
    expect(select({ search: 'year hour' })).toEqual([]);
  });

  it('are chosen by the whole text of a column', () => {
    expect(select({ facets: new Map([[0, 'never']]) })).toEqual(['web-9']);
    expect(select({ facets: new Map([[0, 'year']]) })).toEqual([]);
  });

  it('are ordered by number where there is one, and else as people count', () => {
    expect(select({ sort: { column: 0, isDescending: true } })).toEqual(['web-9', 'web-10', 'Api']);
    expect(select({ sort: { column: 1, isDescending: false } })).toEqual(['Api', 'web-9', 'web-10']);
    expect(select({ sort: { column: 2, isDescending: true } })).toEqual(['Api', 'web-9', 'web-10']);
  });
});

it.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [1_234_567, '1,234,567'],
])('%i is told as %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});
