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
  const ranks = rankCells(chosen.map(({ cells }) => cells[column] ?? ''));
  const order = chosen.map((row, index) => ({ row, rank: sign * (ranks[index] ?? 0) }));
  return order.toSorted((a, b) => a.rank - b.rank).map(({ row }) => row);
}

/** Every text of a row, in lower case. */
export function toHaystack({ cells, details }: Row): string {
  return [...cells.map(textOf), ...details.map(([, text]) => text)].join('\n').toLowerCase();
}

/** Of each cell a number to sort by. Texts are compared once each, however many rows have them. */
function rankCells(cells: readonly Cell[]): readonly number[] {
  const orders = cells.map(orderOf);
  const numbers = orders.filter((order) => typeof order === 'number');
  if (numbers.length === orders.length) return numbers;
  const texts = [...new Set(cells.map(textOf))].toSorted(compare);
  let rank = 0;
  const ranks = new Map(
    texts.map((text, index) => {
      // Two that compare as alike stay in the order in which they came.
      if (index > 0 && compare(texts[index - 1] ?? '', text) !== 0) rank += 1;
      return [text, rank] as const;
    }),
  );
  return cells.map((cell) => ranks.get(textOf(cell)) ?? 0);
}

function orderOf(cell: Cell): string | number {
  return typeof cell === 'object' ? cell[1] : cell;
}
