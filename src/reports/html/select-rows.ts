/** Which rows of a table are shown, and in which order. */

import type { Cell, Row } from './table.ts';
import { textOf } from './table.ts';

export type Selection = {
  /** Words that a row must all have, somewhere. */
  readonly search: string;
  /** The text that a column must have, by its index. */
  readonly facets: ReadonlyMap<number, string>;
  readonly sort: { readonly column: number; readonly isDescending: boolean } | undefined;
};

const compare = new Intl.Collator('en', { numeric: true }).compare;

/** @param haystackOf - the text of a row in lower case */
export function selectRows(
  rows: readonly Row[],
  { search, facets, sort }: Selection,
  haystackOf: (row: Row) => string,
): readonly Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = rows.filter(
    (row) =>
      [...facets].every(([column, text]) => textOf(row.cells[column] ?? '') === text) &&
      words.every((word) => haystackOf(row).includes(word)),
  );
  if (sort === undefined) return chosen;
  const { column, isDescending } = sort;
  const sign = isDescending ? -1 : 1;
  return chosen.toSorted((a, b) => sign * compareCells(a.cells[column] ?? '', b.cells[column] ?? ''));
}

/** Every text of a row, in lower case. */
export function toHaystack({ cells, details }: Row): string {
  return [...cells.map(textOf), ...details.map(([, text]) => text)].join('\n').toLowerCase();
}

function compareCells(a: Cell, b: Cell): number {
  const [first, second] = [orderOf(a), orderOf(b)];
  if (typeof first === 'number' && typeof second === 'number') return first - second;
  return compare(textOf(a), textOf(b));
}

function orderOf(cell: Cell): string | number {
  return typeof cell === 'object' ? cell[1] : cell;
}
