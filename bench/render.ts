/** Tables for a terminal and for `docs/performance.md`. */

import type { Cell, Column, Machine, Ratio, Row, Run, Table, Unit } from './define-benchmark.ts';
import { isMissed } from './define-benchmark.ts';

/** Heading and rows of a table as text; the last column is the ratio with its target. */
function toLines(table: Table): readonly (readonly string[])[] {
  const heading = ['', ...table.columns.map(({ title }) => title), ...(table.ratio === undefined ? [] : [table.ratio])];
  return [heading, ...table.rows.map((row) => toLine(table, row))];
}

function toLine({ columns, ratio }: Table, row: Row): readonly string[] {
  const cells = columns.map((column, index) => formatCell(row.cells[index] ?? '', column));
  return [row.name, ...cells, ...(ratio === undefined ? [] : [formatRatio(row)])];
}

export function renderText(table: Table): string {
  const lines = toLines(table);
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [table.title, ...text].join('\n');
}

export function renderMarkdown(table: Table): string {
  const [heading = [], ...rows] = toLines(table);
  const toRow = (line: readonly string[]) => `| ${line.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = toRow(heading.map((_, index) => (index === 0 ? '---' : '---:')));
  return [`### ${table.title}`, '', table.about, '', toRow(heading), rule, ...rows.map(toRow)].join('\n');
}

/** The page that is made of the newest run. */
export function renderPage(run: Run): string {
  const sections = run.results.map(({ title, tables, failure }) =>
    [
      `## ${title}`,
      ...(failure === undefined ? [] : [`Not measured in this run: ${failure}`]),
      ...tables.map(renderMarkdown),
    ].join('\n\n'),
  );
  return `# Performance

Made by \`npm run generate\` from \`bench/results/newest.json\`, which \`npm run bench\` writes. Measured ${run.date} at commit
${run.commit} on ${formatMachine(run.machine)}.

Each number stands beside a baseline of the same run, with which it took turns round by round. A value with a range in brackets
is the median, and where the middle half of the rounds lies. Ratios say more than times: these hold for one machine. A
ratio with a cross missed its target. \`npm run bench -- --compare FILE\` measures again and fails where a rule has
become half as slow again, by its ratio.

${sections.join('\n\n')}
`;
}

export function formatMachine({ cpu, cores, memoryMiB, os, node, loadBefore }: Machine): string {
  return `${cores} cores of ${cpu}, ${(memoryMiB / 1024).toFixed(0)} GiB of memory, ${os}, Node.js ${node.slice(1)}; load average before the run ${loadBefore}`;
}

function formatRatio(row: Row): string {
  if (row.ratio === undefined) return '';
  const { value } = row.ratio;
  const target = formatTarget(row.ratio);
  return `${formatNumber(value)}${target}${isMissed(row) ? ' ✗' : ''}`;
}

function formatTarget({ least, most }: Ratio): string {
  if (least !== undefined) return ` (at least ${least})`;
  return most === undefined ? '' : ` (at most ${most})`;
}

function formatCell(cell: Cell, { unit }: Column): string {
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return `${formatNumber(cell)}${formatUnit(unit)}`;
  const { median, low, high } = cell;
  return `${formatNumber(median)}${formatUnit(unit)} (${formatNumber(low)}–${formatNumber(high)})`;
}

function formatUnit(unit: Unit | undefined): string {
  if (unit === undefined) return '';
  return unit === '/s' ? unit : ` ${unit}`;
}

/** Three digits that mean something. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(2);
}
