/** Alerts and dashboard of the chart ask for metrics and labels that Curfew has. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import { asArray, asString, member, valueAt } from '../../src/objects/json.ts';

const FILES = join(import.meta.dirname, '..', '..', 'charts', 'curfew', 'files');
const ALERTS: unknown = parse(readFileSync(join(FILES, 'alerts.yaml'), 'utf8'));
const DASHBOARD: unknown = JSON.parse(readFileSync(join(FILES, 'dashboard.json'), 'utf8'));

/** What Prometheus and the API server add. */
const OF_OTHERS = new Set(['le', 'name']);

const rules = asArray(valueAt(ALERTS, ['groups', 0, 'rules']));
const queries: readonly (readonly [string, string])[] = [
  ...rules.map((rule) => [textAt(rule, ['alert']), textAt(rule, ['expr'])] as const),
  ...asArray(member(DASHBOARD, 'panels')).map((panel) => {
    return [textAt(panel, ['title']), textAt(panel, ['targets', 0, 'expr'])] as const;
  }),
];

describe.each(queries)('%s', (_title, query) => {
  it('asks for metrics that there are, by labels that they have', async () => {
    const exposed = await exposition();
    const names = [...query.matchAll(/curfew_[a-z_]+/g)].map(([name]) => name);
    if (!query.includes('apiserver_')) expect(names.length).toBeGreaterThan(0);
    const labels = names.flatMap((name) => [...(exposed.get(name) ?? ['no such metric: ', name])]);
    const asked = [...query.matchAll(/by \(([a-z_, ]+)\)|\{([a-z_]+)=/g)].flatMap(([, by, label]) =>
      (by ?? label ?? '').split(', '),
    );
    expect(labels).not.toContain('no such metric: ');
    expect(asked.filter((label) => !labels.includes(label) && !OF_OTHERS.has(label))).toEqual([]);
    expect(query.split('(').length).toBe(query.split(')').length);
  });
});

describe('The alerts', () => {
  it('say how bad it is, what happened and what it means', () => {
    for (const rule of rules) {
      expect(['warning', 'critical']).toContain(valueAt(rule, ['labels', 'severity']));
      for (const key of ['summary', 'description']) expect(valueAt(rule, ['annotations', key])).toMatch(/\.$/);
    }
    expect(new Set(rules.map((rule) => member(rule, 'alert'))).size).toBe(rules.length);
  });
});

/** Every series that Curfew exposes once something of each kind has happened: its labels by its name. */
async function exposition(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const recorder = createPrometheusRecorder('0.0.0', () => 0);
  const where = { operation: 'CREATE', resource: 'pods' };
  recorder.review({ entry: '/validate/pods', outcome: 'allowed', seconds: 1 });
  recorder.evaluation({ check: 'a', mode: 'enforce', decision: 'deny', ...where });
  recorder.mutation({ mutation: 'a', decision: 'mutate', ...where });
  recorder.exemption({ exemption: 'a', check: 'b' });
  recorder.exemptionEnds([{ name: 'a', end: 1 }]);
  recorder.fault({ entry: '/validate/pods', code: 'CURFEW_E_INTERNAL' });
  recorder.configurationReload('refused');
  recorder.indexContact('namespaces', 0);
  recorder.liveRead('found');
  recorder.ownerEvent('failed');
  recorder.certificateLife({ notBefore: 1, notAfter: 2 });
  recorder.authorityLife({ notBefore: 1, notAfter: 2 });
  recorder.webhooksPublished(true);
  const series = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of (await recorder.render()).matchAll(/^([a-z_]+)(?:\{(.*)\})? /gm)) {
    const known = series.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/([a-z_]+)="/g)) known.add(label);
    series.set(name, known);
  }
  return series;
}

function textAt(value: unknown, path: readonly (string | number)[]): string {
  return asString(valueAt(value, path)) ?? '';
}
