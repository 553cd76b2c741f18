/**
 * Alerts and dashboard before a real Prometheus that scraped a real Curfew and a real API server while they worked: the
 * dashboard's queries have results, and a run of an ordinary day raises no alert but those that it is about.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPrometheus } from '../scripts/prometheus.ts';
import { asArray, asString, member } from '../src/objects/json.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { callAmiss, monitoredConfig, playOutage, playRound, useLegacyToken } from './monitored-traffic.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { recordScrapes } from './record-scrapes.ts';
import { setUpSuite } from './suite.ts';
import { OWNS_CONTROL_PLANE, tokenSecret } from './test-cluster.ts';

const ROOT = join(import.meta.dirname, '..');

const programs = await findPrometheus();
/** Whoever scrapes an existing cluster has a Prometheus there. */
const isRun = programs !== undefined && OWNS_CONTROL_PLANE;

/** Queries that this run has nothing for: nobody is asked for a certificate, and no Event is written. */
const OF_FEATURES_THAT_ARE_OFF = new Set(['{{reason}} {{decision}}', 'Events {{outcome}}']);
/** Queries whose truth on a good day is 0, or nothing. */
const MAY_BE_ZERO = new Set([
  'stale',
  'legacy, made by Kubernetes',
  'error: {{resource}}',
  'read: {{outcome}}',
  '{{resource}}',
  'lines lost',
]);

let namespace = '';
const suite = setUpSuite(monitoredConfig(false), async (cluster) => {
  namespace = await cluster.createNamespace();
  await cluster.must(['create', '-n', namespace, '-f', '-'], tokenSecret('old', 'web'));
});

type Asked = { readonly title: string; readonly legend: string; readonly expr: string };

const queries: readonly Asked[] = asArray(
  member(JSON.parse(readFileSync(join(ROOT, 'charts/curfew/files/dashboard.json'), 'utf8')), 'panels'),
).flatMap((panel) =>
  asArray(member(panel, 'targets')).map((target) => ({
    title: asString(member(panel, 'title')) ?? '',
    legend: asString(member(target, 'legendFormat')) ?? '',
    expr: asString(member(target, 'expr')) ?? '',
  })),
);

describe.runIf(isRun)('Before a real Prometheus', () => {
  let prometheus: Prometheus;
  let api: ApiClient;

  beforeAll(async () => {
    const { cluster, curfew } = suite;
    api = await openApi(cluster);
    const scene = { api, namespace };
    prometheus = await startPrometheus(programs?.prometheus ?? '', { cluster, operationsUrl: curfew.operationsUrl });
    await prometheus.untilScraped(1);
    await useLegacyToken(cluster, namespace);
    await callAmiss(curfew);
    await playRound(scene);
    await prometheus.untilScraped(2);
    const record = await recordScrapes(cluster, curfew);
    await callAmiss(curfew);
    await playRound(scene);
    await prometheus.untilScraped(2);
    await record.again();
    await curfew.stopProcess();
    await playOutage(scene);
    await record.finish();
    await curfew.upgrade(monitoredConfig(true));
    await playRound(scene);
    await prometheus.untilScraped(2);
    await playRound(scene);
    await prometheus.untilScraped(2);
  });
  afterAll(async () => {
    api.close();
    await prometheus.stop();
  });

  it.each(queries)('the query of "$title", $legend, has a result', async ({ expr, legend }) => {
    const samples = await prometheus.query(expr.replaceAll('$__rate_interval', '2m'));
    if (!OF_FEATURES_THAT_ARE_OFF.has(legend)) expect(samples.length).toBeGreaterThan(0);
    for (const { value } of samples) expect(value).not.toBeNaN();
    if (!MAY_BE_ZERO.has(legend) && samples.length > 0)
      expect(Math.max(...samples.map(({ value }) => value))).toBeGreaterThan(0);
    // A legend of labels that the query does not keep is empty.
    const [first] = samples;
    for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
      if (first !== undefined) expect(first.labels[label]).toBeTruthy();
    }
  });

  it('the queries tell denials from would-denials, and the outage from faults', async () => {
    const find = async (title: string) => {
      const { expr = '' } = queries.find((query) => query.title === title) ?? {};
      return await prometheus.query(expr.replaceAll('$__rate_interval', '2m'));
    };
    const checks = (samples: Awaited<ReturnType<typeof find>>) => samples.map(({ labels }) => labels['check']);
    expect(checks(await find('Denials by check'))).toContain('long-lived-token-secret');
    expect(checks(await find('Would-decisions by check'))).toContain('long-lived-token-secret');
    const faults = await find('Requests that could not be judged');
    expect(faults.map(({ labels }) => labels)).toEqual([{ entry: '/validate/pods', code: 'CURFEW_E_NOT_A_REVIEW' }]);
    const passed = await find('The API server without a verdict');
    expect(passed.map(({ labels }) => labels['name'])).toContain('review.curfew.dev');
  });

  it('every rule is loaded and can be evaluated, and those of the scenes fire', async () => {
    const rules = await prometheus.listRules();
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(([, health]) => health !== 'ok')).toEqual([]);
    const pending = await prometheus.query('ALERTS');
    const names = new Set(pending.map(({ labels }) => labels['alertname']));
    // One replica is scraped, one exemption ends in three days, faults and legacy uses were made.
    for (const name of ['CurfewReplicaMissing', 'CurfewExemptionEnds', 'CurfewLegacyTokens', 'CurfewFaults'])
      expect(names).toContain(name);
    for (const name of ['CurfewDown', 'CurfewNotReady', 'CurfewCertificateEnds', 'CurfewConfigurationRefused'])
      expect(names).not.toContain(name);
  });
});
