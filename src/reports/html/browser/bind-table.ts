/** Search, choice, order and pages of one table: at most one page of rows is in the document, however many there are. */

import type { Selection } from '../select-rows.ts';
import { selectRows, toHaystack } from '../select-rows.ts';
import type { Row, Table } from '../table.ts';
import { createRow, formatCount, PAGE_ROWS, textOf } from '../table.ts';
import { materialise } from './materialise.ts';

export type BoundTable = {
  readonly id: string;
  /** Shows the rows that have these texts in these columns, and no other choice. */
  choose(filters: Readonly<Record<string, string>>): void;
  /** The rows that are chosen, each opened: for paper. */
  showAll(): void;
  showPage(): void;
};

/** A browser lays out a thousand opened rows on paper in seconds, and many thousands in minutes. */
const MOST_PRINTED = 1_000;

/** Undefined if the table has no rows, and so no place in the document. */
export function bindTable(table: Table): BoundTable | undefined {
  const section = document.querySelector(`[data-table="${table.id}"]`);
  const body = section?.querySelector('tbody');
  if (!section || !body) return undefined;
  const search = section.querySelector('input');
  const facets = [...section.querySelectorAll('select')];
  const haystacks = new WeakMap<Row, string>();
  const haystackOf = (row: Row): string => {
    const known = haystacks.get(row) ?? toHaystack(row);
    haystacks.set(row, known);
    return known;
  };
  let sort: Selection['sort'];
  /** All of them, sorted once and not at each letter of a search. */
  let ordered: readonly Row[] = table.rows;
  let chosen: readonly Row[] = table.rows;
  let shown: ReadonlyMap<Row, Node> = new Map();
  let page = 0;
  let isOpen = false;

  const show = (rows: readonly Row[], isOpened: boolean): void => {
    // While somebody types, most of the rows stay.
    shown = new Map(rows.map((row) => [row, shown.get(row) ?? materialise(createRow(table, row))]));
    body.replaceChildren(...shown.values());
    for (const details of body.querySelectorAll('details')) details.open = isOpened;
  };
  const showPage = (): void => {
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE_ROWS));
    page = Math.min(Math.max(page, 0), pages - 1);
    show(chosen.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS), isOpen);
    describe(section, { table, chosen: chosen.length, page, pages });
  };
  const update = (): void => {
    const texts = facets.flatMap(({ value, dataset }) =>
      value === '' ? [] : [[Number(dataset['facet']), value] as const],
    );
    const wanted = { search: search?.value ?? '', facets: new Map(texts), sort: undefined };
    chosen = selectRows(ordered, wanted, haystackOf);
    page = 0;
    showPage();
  };

  for (const select of facets) fillFacet(select, table);
  section.addEventListener('input', update);
  addSortButtons(section, (column) => {
    // Of numbers the largest are looked for.
    const isFirst = table.columns[column]?.form === 'number';
    sort = { column, isDescending: sort?.column === column ? !sort.isDescending : isFirst };
    ordered = selectRows(table.rows, { search: '', facets: new Map(), sort }, haystackOf);
    update();
    return sort.isDescending ? 'descending' : 'ascending';
  });
  for (const button of section.querySelectorAll<HTMLElement>('[data-step]')) {
    button.addEventListener('click', () => {
      page += Number(button.dataset['step']);
      showPage();
      section.querySelector('.frame')?.scrollIntoView({ block: 'nearest' });
    });
  }
  const opener = section.querySelector<HTMLElement>('[data-open]');
  opener?.addEventListener('click', () => {
    isOpen = !isOpen;
    opener.setAttribute('aria-pressed', String(isOpen));
    for (const details of body.querySelectorAll('details')) details.open = isOpen;
  });
  showPage();
  return {
    id: table.id,
    choose(filters) {
      if (search !== null) search.value = '';
      for (const select of facets) select.value = filters[select.dataset['facet'] ?? ''] ?? '';
      update();
    },
    showAll() {
      show(chosen.slice(0, MOST_PRINTED), true);
      const cut = chosen.length > MOST_PRINTED;
      const note = section.querySelector('[data-cut]');
      note?.toggleAttribute('hidden', !cut);
      note?.replaceChildren(
        `The first ${formatCount(MOST_PRINTED)} of ${formatCount(chosen.length)} ${table.noun}; ${formatCount(chosen.length - MOST_PRINTED)} are left out. Search or choose before printing to print others.`,
      );
    },
    showPage,
  };
}

type Shown = { readonly table: Table; readonly chosen: number; readonly page: number; readonly pages: number };

function describe(section: Element, { table, chosen, page, pages }: Shown): void {
  const set = (selector: string, text: string): void => {
    const node = section.querySelector(selector);
    if (node !== null && node.textContent !== text) node.textContent = text;
  };
  const total = formatCount(table.rows.length);
  set(
    '[data-count]',
    chosen === table.rows.length ? `${total} ${table.noun}` : `${formatCount(chosen)} of ${total} ${table.noun}`,
  );
  set('[data-page]', `Page ${page + 1} of ${pages}`);
  section.querySelector('[data-nothing]')?.toggleAttribute('hidden', chosen > 0);
  section.querySelector('[data-pager]')?.toggleAttribute('hidden', pages === 1);
  for (const button of section.querySelectorAll<HTMLButtonElement>('[data-step]')) {
    button.disabled = button.dataset['step'] === '1' ? page + 1 >= pages : page === 0;
  }
}

const MOST_CHOICES = 1_000;

/** Each text of the column, with how many rows have it; the most frequent first. */
function fillFacet(select: HTMLSelectElement, { rows }: Table): void {
  const column = Number(select.dataset['facet']);
  const counts = new Map<string, number>();
  for (const { cells } of rows) {
    const text = textOf(cells[column] ?? '');
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const texts = [...counts].toSorted(([a, left], [b, right]) => right - left || (a < b ? -1 : 1));
  select.append(new Option('All', ''));
  for (const [text, count] of texts.slice(0, MOST_CHOICES)) {
    if (text !== '') select.append(new Option(`${text} (${formatCount(count)})`, text));
  }
}

/** What the browser reads aloud of a header says by which it is ordered, and how. */
function addSortButtons(section: Element, onSort: (column: number) => 'ascending' | 'descending'): void {
  const headers = [...section.querySelectorAll('th')];
  for (const [column, header] of headers.entries()) {
    const button = document.createElement('button');
    button.type = 'button';
    // On paper the words alone: Chromium repeats no header on the next page that has a button in it.
    const title = document.createElement('span');
    title.className = 'printed-only';
    title.textContent = header.textContent;
    button.append(...header.childNodes);
    header.append(button, title);
    button.addEventListener('click', () => {
      const order = onSort(column);
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', order);
    });
  }
}
