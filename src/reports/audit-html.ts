/**
 * `curfew audit` as one page that needs nothing else: no network, no file beside it. Pure: what it says is in the report.
 * The page's own script and style are made by `npm run generate` (docs/decisions/0030).
 */

import type { AuditView } from './audit-view.ts';
import { drawAccessGraph } from './html/access-graph.ts';
import { createCharts } from './html/charts.ts';
import type { Markup } from './html/markup.ts';
import { element, renderJson, renderMarkup } from './html/markup.ts';
import ASSETS from './html/page-assets.json' with { type: 'json' };
import { createScorecard, createTiles, describeLimits, describeVerdict, listUnseen } from './html/summary.ts';
import type { Table } from './html/table.ts';
import { cleanRow, formatCount } from './html/table.ts';
import { createEmptySection, createTableSection } from './html/table-section.ts';
import { listAccessTables } from './html/tables/access.ts';
import { createAccountsTable, createForeignTable, createPodSecurityTable } from './html/tables/accounts.ts';
import { createFindingsTable } from './html/tables/findings.ts';
import { createRestartsTable, createSecretsTable, createTokensTable } from './html/tables/tokens.ts';
import { HOME } from './rules.ts';

/** Nothing may be loaded, sent, framed or run but the two parts whose hashes are given (Content Security Policy Level 3). */
const POLICY = [
  "default-src 'none'",
  `script-src '${ASSETS.scriptHash}'`,
  `style-src '${ASSETS.styleHash}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const ICON: Markup = element(
  'svg',
  {
    viewBox: '0 0 24 24',
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 2,
    'stroke-linecap': 'round',
    'aria-hidden': 'true',
  },
  element('circle', { cx: 12, cy: 12, r: 9 }),
  element('path', { d: 'M12 7v5l3 2' }),
);

export function renderAuditHtml(report: AuditView): string {
  const tables = listTables(report).map((table) => ({ ...table, rows: table.rows.map(cleanRow) }));
  const title = `Curfew audit of ${report.cluster}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${renderMarkup(element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }))}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
${renderMarkup(element('title', {}, title))}
<style>${ASSETS.style}</style>
</head>
<body>
${createBody(report, tables).map(renderMarkup).join('\n')}
<script type="application/json" id="report-data">${renderJson({ tables })}</script>
<script>${ASSETS.script}</script>
</body>
</html>
`;
}

/** In the order of their danger; a part that the report does not hold has no table. */
function listTables(report: AuditView): readonly Table[] {
  const { tokens, restarts, accounts, podSecurity, foreign } = report;
  return [
    createFindingsTable(report),
    createSecretsTable(report),
    ...(tokens === undefined ? [] : [createTokensTable(tokens)]),
    ...(restarts === undefined ? [] : [createRestartsTable(report)]),
    ...listAccessTables(report),
    ...(accounts === undefined ? [] : [createAccountsTable(accounts)]),
    ...(podSecurity === undefined ? [] : [createPodSecurityTable(podSecurity)]),
    ...(foreign === undefined ? [] : [createForeignTable(foreign)]),
  ];
}

function createBody(report: AuditView, tables: readonly Table[]): readonly Markup[] {
  const { scorecard, access } = report;
  const graph = access === undefined ? undefined : drawAccessGraph(access);
  const full = tables.filter(({ rows }) => rows.length > 0);
  const empty = tables.filter(({ rows }) => rows.length === 0);
  return [
    element('a', { class: 'skip', href: '#main' }, 'Skip to the report'),
    createHeader(report),
    createContents(tables, scorecard !== undefined),
    element(
      'main',
      { id: 'main' },
      createSummary(report),
      ...(scorecard === undefined ? [] : [createScorecard(scorecard)]),
      ...full.map((table) =>
        table.id === 'paths' && graph !== undefined ? withGraph(table, graph) : createTableSection(table),
      ),
      ...(empty.length === 0 ? [] : [createEmptySection(empty)]),
    ),
    createFooter(report),
  ];
}

/** The picture stands between what the section says and its table. */
function withGraph(table: Table, graph: Markup): Markup {
  const section = createTableSection(table);
  if (typeof section === 'string') return section;
  const [heading = '', lead = '', ...rest] = section.children;
  return { ...section, children: [heading, lead, graph, ...rest] };
}

function createHeader(report: AuditView): Markup {
  const { cluster, takenAt, curfewVersion, kubernetesVersion, summary } = report;
  const fact = (name: string, value: string | undefined) =>
    value === undefined ? [] : [element('span', {}, `${name} `, element('b', {}, value))];
  return element(
    'header',
    {},
    element('div', { class: 'top' }, element('span', { class: 'product' }, ICON, 'Curfew audit')),
    element('h1', {}, describeVerdict(report)),
    element(
      'p',
      { class: 'facts' },
      ...fact('Cluster', cluster),
      ...fact('Kubernetes', kubernetesVersion),
      ...fact('Taken', takenAt?.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')),
      ...fact('Curfew', curfewVersion),
      ...fact('Looked at', `${formatCount(summary.judged)} objects`),
    ),
  );
}

function createContents(tables: readonly Table[], hasScorecard: boolean): Markup {
  const link = (id: string, text: string, count?: number) =>
    element(
      'li',
      {},
      element(
        'a',
        { href: `#${id}` },
        text,
        ...(count === undefined ? [] : [element('span', { class: 'count' }, formatCount(count))]),
      ),
    );
  return element(
    'nav',
    { 'aria-label': 'Contents' },
    element(
      'ul',
      {},
      link('summary', 'Summary'),
      ...(hasScorecard ? [link('scorecard', 'Scorecard')] : []),
      ...tables.flatMap(({ id, short, rows }) => (rows.length === 0 ? [] : [link(id, short, rows.length)])),
    ),
  );
}

function createSummary(report: AuditView): Markup {
  const unseen = listUnseen(report);
  const limits = describeLimits(report.limits);
  return element(
    'section',
    { id: 'summary', 'aria-label': 'Summary' },
    createTiles(report),
    ...(unseen.length === 0
      ? []
      : [
          element(
            'div',
            { class: 'panel unseen' },
            element('h2', {}, 'What could not be seen'),
            element('p', { class: 'lead' }, 'This report says nothing of it, good or bad.'),
            element('ul', {}, ...unseen.map((one) => element('li', {}, one))),
          ),
        ]),
    ...(limits === undefined ? [] : [element('p', { class: 'lead' }, limits)]),
    createCharts(report),
    element(
      'p',
      { class: 'lead unscripted-only' },
      'Without scripts this page shows the first rows of each table, and cannot search or sort them.',
    ),
  );
}

function createFooter({ takenAt }: AuditView): Markup {
  const when = takenAt === undefined ? '' : ` It shows the cluster as it was at ${takenAt}.`;
  return element(
    'footer',
    {},
    element(
      'p',
      {},
      `Written by curfew audit.${when} No token and no key of a Secret is in it; names of objects and of people are. `,
      element('a', { href: HOME, rel: 'noreferrer' }, 'What Curfew is'),
    ),
  );
}
