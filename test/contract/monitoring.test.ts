/** Alerts and dashboard of the chart ask for metrics and labels that Curfew, or the recorded API server, has. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics/metrics.ts';
import { asArray, asString, member } from '../../src/objects/json.ts';
import { listAlerts } from './alerts.ts';
import { readRecorded } from './recorded-series.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RUNBOOK = 'docs/runbook.md';
const DASHBOARD: unknown = JSON.parse(readFileSync(join(ROOT, 'charts/curfew/files/dashboard.json'), 'utf8'));

/** What a scrape adds, and a histogram. */
const OF_A_SCRAPE = ['le', 'instance', 'job'];

const alerts = listAlerts();
const panels = asArray(member(DASHBOARD, 'panels'));
const queries: readonly (readonly [string, string])[] = [
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap((panel) =>
    asArray(member(panel, 'targets')).map((target) => {
      return [textAt(panel, 'title'), textAt(target, 'expr')] as const;
    }),
  ),
];

describe.each(queries)('%s', (_title, query) => {
  it('asks for metrics that there are, by labels that they have', () => {
    const labels = listLabels();
    const names = [...query.matchAll(/(?<![a-z_])(curfew|apiserver|serviceaccount)_[a-z_]+/g)].map(([name]) => name);
    const isOfTheProcess = /(process|nodejs)_/.test(query);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !labels.has(name))).toEqual([]);
    const known = new Set([...OF_A_SCRAPE, ...names.flatMap((name) => [...(labels.get(name) ?? [])])]);
    const asked = [...query.matchAll(/(?:by|on) \(([a-z_, ]+)\)|[{,] ?([a-z_]+)[=!]/g)].flatMap(([, by, label]) =>
      (by ?? label ?? '').split(', '),
    );
    if (!isOfTheProcess) expect(asked.filter((label) => !known.has(label))).toEqual([]);
    expect(query.split('(').length).toBe(query.split(')').length);
  });
});

describe('The alerts', () => {
  it('say how bad it is, what happened, what to do, and where more of it is written', () => {
    for (const { alert, severity, annotations } of alerts) {
      expect(['info', 'warning', 'critical']).toContain(severity);
      for (const key of ['summary', 'description']) expect(annotations[key]).toMatch(/\.$/);
      expect(annotations['runbook_url']).toBe(`${RUNBOOK}#${alert.toLowerCase()}`);
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it.runIf(existsSync(join(ROOT, RUNBOOK)))('have each a heading of the runbook', () => {
    const text = readFileSync(join(ROOT, RUNBOOK), 'utf8');
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.replaceAll('`', '').trim());
    for (const { alert } of alerts) expect(headings).toContain(alert);
  });
});

describe('The dashboard', () => {
  it('has a unit, a description and queries with a legend for each panel, in rows that do not overlap', () => {
    const shown = panels.filter((panel) => member(panel, 'type') !== 'row');
    expect(shown.length).toBeGreaterThan(15);
    for (const panel of shown) {
      expect(textAt(panel, 'description')).toMatch(/\.$/);
      expect(asArray(member(panel, 'targets')).map((target) => textAt(target, 'legendFormat'))).not.toContain('');
    }
    const cells = panels.flatMap((panel) => listCells(member(panel, 'gridPos')));
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('shows every metric of ours', () => {
    const all = queries.map(([, query]) => query).join('\n');
    // Where the certificate is from, and whose webhooks are foreign, is told in the log and the guides; how often a file was
    // read says nothing by itself.
    const left = [
      'curfew_configuration_reloads_total',
      'curfew_certificate_source',
      'curfew_foreign_webhooks',
      'curfew_foreign_webhooks_known',
    ];
    const names = Object.values(METRICS).map(({ name }) => name);
    expect(names.filter((name) => !all.includes(name)).toSorted()).toEqual(left.toSorted());
  });
});

/** The labels of every metric: ours by the table, those of the API server as they were recorded. */
function listLabels(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, labels: readonly string[]) => {
    const known = found.get(name) ?? new Set();
    for (const label of labels) known.add(label);
    found.set(name, known);
  };
  for (const { name, type, labels } of Object.values(METRICS)) {
    const names = type === 'histogram' ? ['_bucket', '_count', '_sum'].map((end) => `${name}${end}`) : [name];
    for (const one of names) add(one, labels);
  }
  for (const { name, labels } of readRecorded()) {
    add(
      name,
      [...labels.matchAll(/([a-z_]+)="/g)].map(([, label = '']) => label),
    );
  }
  return found;
}

function listCells(box: unknown): readonly string[] {
  const read = (key: string) => Number(member(box, key));
  const [x, y, w, h] = [read('x'), read('y'), read('w'), read('h')];
  return Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`);
}

function textAt(value: unknown, key: string): string {
  return asString(member(value, key)) ?? '';
}
