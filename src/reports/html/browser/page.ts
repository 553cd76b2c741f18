/** The script of the report. It asks nobody for anything: what it shows lies in the page. */

import type { Table } from '../table.ts';
import { bindTable } from './bind-table.ts';
import { addThemeButton } from './theme.ts';

const root = document.documentElement;
root.classList.add('scripted');
addThemeButton();

const { tables }: { readonly tables: readonly Table[] } = JSON.parse(
  document.getElementById('report-data')?.textContent ?? '{"tables":[]}',
);
const bound = tables.flatMap((table) => bindTable(table) ?? []);

/** A bar of a chart leads to the rows that it counts. */
document.addEventListener('click', ({ target }) => {
  const link = target instanceof Element ? target.closest('[data-filter]') : null;
  if (link === null) return;
  const filters: Readonly<Record<string, string>> = JSON.parse(link.getAttribute('data-filter') ?? '{}');
  const id = link.getAttribute('href')?.slice(1);
  bound.find((one) => one.id === id)?.choose(filters);
});

addEventListener('beforeprint', () => bound.forEach(({ showAll }) => showAll()));
addEventListener('afterprint', () => bound.forEach(({ showPage }) => showPage()));
