/** A table of the report, as data that Node and the browser make the same rows of. */

import type { Markup } from './markup.ts';
import { cleanText, element } from './markup.ts';

export type Tone = 'bad' | 'warn' | 'good' | 'quiet';

export type Column = {
  readonly title: string;
  /** `main` takes the room that is left, and holds what a row opens to. */
  readonly form: 'text' | 'name' | 'number' | 'badge' | 'command' | 'main';
  /** The values can be chosen from a list. */
  readonly isFacet?: boolean;
};

/** What is shown; where that is no order, a number to sort by; of a badge its tone. */
export type Cell = string | number | readonly [text: string, order: number, tone?: Tone];

export type Detail = readonly [label: string, text: string, form: 'text' | 'command' | 'link'];

export type Row = { readonly cells: readonly Cell[]; readonly details: readonly Detail[] };

export type Table = {
  readonly id: string;
  readonly title: string;
  /** For the contents, where there is little room. */
  readonly short: string;
  /** What it holds and what it means, in a sentence or two. */
  readonly lead: string;
  /** For "12 of 5,000 findings": in the plural. */
  readonly noun: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Said instead of a table without rows. */
  readonly empty: string;
};

/** Rows on a page of a table. */
export const PAGE_ROWS = 50;

export function textOf(cell: Cell): string {
  if (typeof cell === 'object') return cell[0];
  return typeof cell === 'number' ? formatCount(cell) : cell;
}

/** `5,000`. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** The cell, bounded and without hidden characters: what is kept in the page is what can be shown. */
export function cleanRow({ cells, details }: Row): Row {
  return {
    cells: cells.map((cell) => {
      if (typeof cell === 'number') return cell;
      return typeof cell === 'string' ? cleanText(cell) : ([cleanText(cell[0]), ...cell.slice(1)] as unknown as Cell);
    }),
    details: details.map(([label, text, form]) => [label, cleanText(text), form]),
  };
}

/** Explicit roles: on a phone the cells are blocks, and browsers then forget that this is a table. */
export function createRow({ columns }: Pick<Table, 'columns'>, { cells, details }: Row): Markup {
  return element(
    'tr',
    { role: 'row' },
    ...columns.map((column, index) => createCell(column, cells[index] ?? '', details)),
  );
}

function createCell({ title, form }: Column, cell: Cell, details: readonly Detail[]): Markup {
  const text = textOf(cell);
  const attributes = { role: 'cell', class: `is-${form}`, 'data-label': title };
  switch (form) {
    case 'badge': {
      const tone = typeof cell === 'object' ? (cell[2] ?? 'quiet') : 'quiet';
      return element('td', attributes, element('span', { class: `badge ${tone}` }, text));
    }
    case 'main':
      return element('td', attributes, details.length === 0 ? bdi(text) : createDetails(text, details));
    case 'command':
      return element('td', attributes, createCommand(text));
    case 'number':
      return element('td', attributes, text);
    case 'text':
    case 'name':
      return element('td', attributes, bdi(text));
  }
}

/** The direction of a name must not turn what stands beside it. */
function bdi(text: string): Markup {
  return element('bdi', {}, text);
}

function createDetails(text: string, details: readonly Detail[]): Markup {
  const rows = details.flatMap(([label, value, form]) => [
    element('dt', {}, label),
    element('dd', {}, createDetail(value, form)),
  ]);
  return element('details', {}, element('summary', {}, bdi(text)), element('dl', {}, ...rows));
}

function createDetail(value: string, form: Detail[2]): Markup {
  switch (form) {
    case 'command':
      return createCommand(value);
    case 'link':
      return element('a', { href: value, rel: 'noreferrer' }, 'documentation');
    case 'text':
      return bdi(value);
  }
}

function createCommand(text: string): Markup {
  return element('code', { class: 'command' }, text);
}
