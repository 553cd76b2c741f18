/** Bars, drawn as inline SVG between real text: they grow with the page, and lead to the rows that they count. */

import type { AuditView } from '../audit-view.ts';
import { countLifetimes } from './lifetimes.ts';
import type { Markup } from './markup.ts';
import { element } from './markup.ts';
import type { Tone } from './table.ts';
import { formatCount } from './table.ts';
import type { Verdict } from './tables/findings.ts';
import { FINDING_COLUMNS, NO_NAMESPACE, verdictOf } from './tables/findings.ts';

type Part = { readonly name: string; readonly count: number; readonly tone: Tone };

type Bar = {
  readonly label: string;
  readonly parts: readonly Part[];
  /** The column and the text of the rows it counts; undefined of what is no single text. */
  readonly filter?: readonly [column: number, text: string];
};

type Chart = {
  readonly title: string;
  readonly lead?: string;
  /** Id of the table that the bars lead to. */
  readonly table?: string;
  readonly bars: readonly Bar[];
};

const MOST_BARS = 12;

const PARTS: readonly (readonly [name: string, verdicts: readonly Verdict[], tone: Tone])[] = [
  ['refused', ['refused', 'held back'], 'bad'],
  ['warned about', ['warned about'], 'warn'],
  ['audited', ['audited'], 'quiet'],
];

/** Nothing of what the report does not hold. */
export function createCharts(report: AuditView): Markup {
  const findings = [
    toFindingsChart(report, {
      title: 'Findings by check',
      column: FINDING_COLUMNS.check,
      noun: 'checks',
      textOf: ({ check }) => check,
    }),
    toFindingsChart(report, {
      title: 'Findings by namespace',
      column: FINDING_COLUMNS.namespace,
      noun: 'namespaces',
      textOf: ({ object }) => (object.namespace === '' ? NO_NAMESPACE : object.namespace),
    }),
  ];
  const charts = [toLifetimeChart(report), ...findings].filter(({ bars }) => bars.length > 0);
  return element('div', { class: 'charts' }, ...charts.map(drawChart));
}

function toLifetimeChart(report: AuditView): Chart {
  const { tokens } = report;
  const counts = [...countLifetimes(report)].filter(([{ name }, count]) => count > 0 || name !== 'not known');
  const seen = tokens === undefined ? counts.filter(([{ name }]) => name === 'never expires') : counts;
  return {
    title: 'Tokens by true lifetime',
    lead:
      tokens === undefined
        ? 'Those in Secrets alone: this report does not say which tokens pods hold.'
        : 'One for each pod that holds it, and one for each Secret that never ends.',
    table: tokens === undefined || tokens.length === 0 ? 'secrets' : 'tokens',
    bars: seen.map(([{ name, tone }, count]) => ({ label: name, parts: [{ name: 'tokens', count, tone }] })),
  };
}

type Grouping = {
  readonly title: string;
  readonly column: number;
  readonly noun: string;
  readonly textOf: (finding: AuditView['findings'][number]) => string;
};

function toFindingsChart({ findings }: AuditView, { title, column, noun, textOf }: Grouping): Chart {
  const groups = [...Map.groupBy(findings, textOf)].toSorted(
    ([a, left], [b, right]) => weigh(right) - weigh(left) || right.length - left.length || (a < b ? -1 : 1),
  );
  const shown = groups.length > MOST_BARS + 1 ? groups.slice(0, MOST_BARS) : groups;
  const rest = groups.slice(shown.length);
  const bars = shown.map(([text, group]): Bar => ({ label: text, parts: toParts(group), filter: [column, text] }));
  const others: Bar = {
    label: `${formatCount(rest.length)} more ${noun}`,
    parts: toParts(rest.flatMap(([, group]) => group)),
  };
  return { title, table: 'findings', bars: rest.length === 0 ? bars : [...bars, others] };
}

function weigh(group: AuditView['findings']): number {
  return group.filter(({ mode }) => mode === 'enforce').length;
}

function toParts(group: AuditView['findings']): readonly Part[] {
  return PARTS.map(([name, verdicts, tone]) => ({
    name,
    tone,
    count: group.filter((finding) => verdicts.includes(verdictOf(finding))).length,
  }));
}

function drawChart({ title, lead, table, bars }: Chart): Markup {
  const most = Math.max(1, ...bars.map(({ parts }) => sumOf(parts)));
  const names = bars[0]?.parts.length === 1 ? [] : (bars[0]?.parts ?? []);
  const legend = names.map(({ name, tone }) => element('li', {}, drawKey(tone), name));
  return element(
    'div',
    { class: 'panel chart' },
    element('h3', {}, title),
    ...(lead === undefined ? [] : [element('p', { class: 'lead' }, lead)]),
    ...(legend.length === 0 ? [] : [element('ul', { class: 'legend' }, ...legend)]),
    element('div', { class: 'bars' }, ...bars.map((bar) => drawBar(bar, { most, table }))),
  );
}

function drawKey(tone: Tone): Markup {
  const rect = element('rect', { width: 10, height: 10, rx: 2, class: `fill-${tone}` });
  return element('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' }, rect);
}

/** Widths are in percent of the longest bar. */
function drawBar(
  { label, parts, filter }: Bar,
  { most, table }: { readonly most: number; readonly table: string | undefined },
): Markup {
  const total = sumOf(parts);
  let x = 0;
  const rects = parts.flatMap(({ count, tone }) => {
    if (count === 0) return [];
    const width = (100 * count) / most;
    const rect = element('rect', { x: x.toFixed(2), y: 0, width: width.toFixed(2), height: 10, class: `fill-${tone}` });
    x += width;
    return [rect];
  });
  const children = [
    element('span', { class: 'label', title: label }, element('bdi', {}, label)),
    element(
      'svg',
      { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      element('rect', { x: 0, y: 0, width: 100, height: 10, class: 'track' }),
      ...rects,
    ),
    element('span', { class: 'value' }, formatCount(total)),
  ];
  if (table === undefined || total === 0) return element('div', {}, ...children);
  const said = parts.filter(({ count }) => count > 0).map(({ name, count }) => `${formatCount(count)} ${name}`);
  return element(
    'a',
    {
      href: `#${table}`,
      title: said.join(', '),
      'data-filter': filter === undefined ? undefined : JSON.stringify({ [filter[0]]: filter[1] }),
    },
    ...children,
  );
}

function sumOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { count }) => sum + count, 0);
}
