/** A table with its heading and controls. Without a script its first page is there, and a sentence says where the rest is. */

import type { Markup } from './markup.ts';
import { element } from './markup.ts';
import type { Column, Table } from './table.ts';
import { createRow, formatCount, PAGE_ROWS } from './table.ts';

export function createTableSection(table: Table): Markup {
  const { id, title, lead } = table;
  return element(
    'section',
    { id, 'aria-labelledby': `${id}-title`, 'data-table': id },
    element('h2', { id: `${id}-title` }, title),
    element('p', { class: 'lead' }, lead),
    ...createTable(table),
  );
}

/** The tables without a row, together: that there is nothing is a result too. */
export function createEmptySection(tables: readonly Table[]): Markup {
  const lines = tables.map(({ title, empty }) => element('li', {}, element('b', {}, title), ' ', empty));
  return element(
    'section',
    { id: 'clear', 'aria-labelledby': 'clear-title' },
    element('h2', { id: 'clear-title' }, 'Nothing to report'),
    element('ul', { class: 'panel calm' }, ...lines),
  );
}

function createTable(table: Table): readonly Markup[] {
  const { id, columns, rows, noun } = table;
  const head = element('tr', { role: 'row' }, ...columns.map(createHeader));
  const shown = rows.slice(0, PAGE_ROWS).map((row) => createRow(table, row));
  const left = rows.length - shown.length;
  return [
    createControls(table),
    element('p', { class: 'count-line scripted-only', role: 'status', 'data-count': true }, ''),
    element(
      'div',
      { class: 'frame' },
      element(
        'table',
        { role: 'table', 'aria-labelledby': `${id}-title` },
        element('thead', { role: 'rowgroup' }, head),
        element('tbody', { role: 'rowgroup' }, ...shown),
      ),
      element(
        'p',
        { class: 'nothing', hidden: true, 'data-nothing': true },
        `No ${noun} match. Clear the search or choose more.`,
      ),
    ),
    element('p', { class: 'lead printed-only', hidden: true, 'data-cut': true }, ''),
    createPager(table),
    ...(left === 0
      ? []
      : [
          element(
            'p',
            { class: 'lead unscripted-only' },
            `${formatCount(left)} more ${noun} are shown where scripts may run; curfew audit --output json writes all of them.`,
          ),
        ]),
  ];
}

function createHeader({ title, form }: Column): Markup {
  const attributes = { role: 'columnheader', scope: 'col', class: form === 'number' ? 'is-number' : undefined };
  return element('th', attributes, title);
}

function createControls({ id, title, columns, rows }: Table): Markup {
  const facets = columns.flatMap(({ title: name, isFacet }, index) =>
    isFacet === true
      ? [element('label', {}, name, element('select', { id: `${id}-facet-${index}`, 'data-facet': index }))]
      : [],
  );
  const search = element(
    'label',
    { class: 'search' },
    'Search',
    element('input', {
      type: 'search',
      id: `${id}-search`,
      autocomplete: 'off',
      spellcheck: 'false',
      'data-search': true,
      'aria-label': `Search in ${title}`,
    }),
  );
  const open = rows.some(({ details }) => details.length > 0)
    ? [element('button', { type: 'button', 'data-open': true, 'aria-pressed': 'false' }, 'Open all on this page')]
    : [];
  return element('div', { class: 'controls scripted-only' }, search, ...facets, ...open);
}

function createPager({ title, rows }: Table): Markup {
  if (rows.length <= PAGE_ROWS) return '';
  const button = (step: number, text: string) => element('button', { type: 'button', 'data-step': step }, text);
  return element(
    'nav',
    { class: 'pager scripted-only', 'aria-label': `Pages of ${title}`, 'data-pager': true },
    element('span', { class: 'count-line', 'data-page': true }, ''),
    element('div', {}, button(-1, 'Previous'), button(1, 'Next')),
  );
}
