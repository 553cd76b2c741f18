/**
 * Alerts and dashboard before a real Prometheus that scraped a real Curfew and a real API server while they worked: the
 * dashboard's queries have results, and a run of an ordinary day raises no alert but those that it is about.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPrometheus } from '../scripts/prometheus.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { describeEvent, hasBody, type Played, playAuditScenes } from './audit-scenes.ts';
import { readFalcoRules } from './falco.ts';
import { callAmiss, monitoredConfig, playOutage, playRound, useLegacyToken } from './monitored-traffic.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { recordScrapes } from './record-scrapes.ts';
import { setUpSuite } from './suite.ts';
import { OWNS_CONTROL_PLANE, tokenSecret } from './test-cluster.ts';
import { applyUsage, readUsage } from './usage-of-log.ts';

const ROOT = join(import.meta.dirname, '..');

const programs = await findPrometheus();
/** Whoever scrapes an existing cluster has a Prometheus there. */
const isRun = programs !== undefined && OWNS_CONTROL_PLANE;

/** Queries that this run has nothing for: nobody is asked for a certificate, and no Event is written. */
const OF_FEATURES_THAT_ARE_OFF = new Set(['{{reason}} {{decision}}', 'Events {{outcome}}']);
/** Queries whose truth on a good day is 0, or nothing. */
const MAY_BE_ZERO = new Set([
  'change: {{outcome}}',
  'replicas apart',
  'stale',
  'legacy, made by Kubernetes',
  'error: {{resource}}',
  'read: {{outcome}}',
  '{{resource}}',
  'lines lost',
]);

let namespace = '';
const suite = setUpSuite(
  monitoredConfig(false),
  async (cluster) => {
    namespace = await cluster.createNamespace();
    await cluster.must(['create', '-n', namespace, '-f', '-'], tokenSecret('old', 'web'));
  },
  { apiServerArgs: [`--audit-policy-file=${join(ROOT, 'deploy/audit-policy.yaml')}`] },
);

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

describe.runIf(OWNS_CONTROL_PLANE)('In the audit log', () => {
  const ADMIN = 'curfew-test-admin';
  const NODE = 'system:node:worker-1';
  const MANAGER = 'system:kube-controller-manager';
  const rules = readFalcoRules(readFileSync(join(ROOT, 'deploy/falco-rules.yaml'), 'utf8'));
  let events: readonly unknown[] = [];
  let played: Played;
  /** Of this name in the namespace of the scenes, in the one without enforcement, or of the cluster. */
  const of = (what: string) => what.replaceAll('NS/', `${namespace}/`).replaceAll('FREE/', `${played.free}/`);

  beforeAll(async () => {
    const before = (await suite.cluster.controlPlane.auditEvents()).length;
    played = await playAuditScenes(suite.cluster, namespace);
    events = (await suite.cluster.controlPlane.auditEvents()).slice(before);
  });

  it('is no token, in no form', () => {
    const text = JSON.stringify(events);
    for (const token of played.tokens) {
      expect(token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
      for (const form of [token, Buffer.from(token).toString('base64'), token.split('.')[2] ?? token])
        expect(text.includes(form)).toBe(false);
    }
    // Of whomever: a JWT, and a JWT in base64.
    expect(text).not.toMatch(/eyJ[\w-]{10,}|ZXlK[\w+/-]{10,}/);
  });

  it('is who asked for a token, for which account and with what answer, and no body of it', () => {
    const asked = events.filter((event) => valueAt(event, ['objectRef', 'subresource']) === 'token');
    const answers = asked.map(
      (event) => `${describeEvent(event)}: ${Number(valueAt(event, ['responseStatus', 'code']))}`,
    );
    expect(answers).toContain(of(`${ADMIN} create serviceaccounts/token NS/web: 201`));
    expect(answers).toContain(of(`${ADMIN} create serviceaccounts/token NS/web: 403`));
    expect(answers).toContain(of(`${NODE} create serviceaccounts/token NS/web: 201`));
    const secret = new Set(['secrets', 'tokenreviews']);
    const withTokens = events.filter(
      (event) => asked.includes(event) || secret.has(asString(valueAt(event, ['objectRef', 'resource'])) ?? ''),
    );
    expect(withTokens.map(describeEvent)).toContain(of(`${ADMIN} create secrets FREE/made`));
    expect(withTokens.map(describeEvent)).toContain(`${ADMIN} create tokenreviews`);
    expect(new Set(withTokens.map((event) => member(event, 'level')))).toEqual(new Set(['Metadata']));
    expect(withTokens.filter(hasBody)).toEqual([]);
    const issued = asked.find((event) => valueAt(event, ['responseStatus', 'code']) === 201);
    expect(JSON.stringify(member(issued, 'annotations'))).toContain(
      'authentication.kubernetes.io/issued-credential-id',
    );
  });

  it('is what a role allows and whom a binding binds, with its body', () => {
    const written = (resource: string) =>
      events.filter(
        (event) => valueAt(event, ['objectRef', 'resource']) === resource && member(event, 'verb') === 'create',
      );
    for (const resource of ['roles', 'rolebindings', 'clusterrolebindings']) {
      expect(written(resource).length).toBeGreaterThan(0);
      for (const event of written(resource)) {
        expect(member(event, 'level')).toBe('Request');
        expect(member(event, 'requestObject')).toBeDefined();
        expect(member(event, 'responseObject')).toBeUndefined();
      }
    }
  });

  it('is all that `curfew usage` takes to say who used which token, and to write RBAC that the API server takes', async () => {
    const { kinds, asked, silent } = await readUsage(suite.cluster, events);
    expect(kinds.get(`${namespace}/web`)).toContain('stale');
    expect(kinds.get(`${played.free}/web`)).toContain('legacy');
    expect(asked).toEqual(expect.arrayContaining([of(`${ADMIN} for NS/web`), of(`${NODE} for NS/web`)]));
    // The pod on the node holds a token, and its account has called.
    expect(silent).not.toContain(`${namespace}/web`);
    expect(await applyUsage(suite.cluster, events)).toEqual({ code: 0, stderr: '' });
  });

  it('is a token that was made invalid only as a request of nobody: no annotation names its Secret', () => {
    const refused = events.filter((event) => valueAt(event, ['responseStatus', 'code']) === 401);
    expect(refused.length).toBeGreaterThan(0);
    for (const event of refused) {
      expect([member(event, 'stage'), member(event, 'user'), member(event, 'annotations')]).toEqual([
        'ResponseStarted',
        {},
        undefined,
      ]);
    }
  });

  it('is nothing of what nodes and controllers read all the time', () => {
    const noise = events.filter((event) => {
      const [user, verb] = [asString(valueAt(event, ['user', 'username'])) ?? '', member(event, 'verb')];
      return (user === NODE || user === MANAGER) && (verb === 'watch' || verb === 'list');
    });
    expect(noise.map(describeEvent)).toEqual([]);
    expect(new Set(events.map((event) => member(event, 'stage')))).not.toContain('RequestReceived');
  });

  const FIRED: Readonly<Record<string, readonly string[]>> = {
    'Service account token issued': [`${ADMIN} create serviceaccounts/token NS/web`],
    'Service account token refused': [
      // By Curfew, and by RBAC.
      `${ADMIN} create serviceaccounts/token NS/web`,
      'bob create serviceaccounts/token NS/web',
    ],
    'Token that never expires made': [`${MANAGER} update secrets FREE/made`, `${MANAGER} update secrets FREE/unused`],
    'Token Secret refused': [`${ADMIN} create secrets NS/refused`],
    'Legacy token used': ['system:serviceaccount:FREE:web create selfsubjectreviews'],
    'Stale token used': ['system:serviceaccount:NS:web create selfsubjectreviews'],
    Impersonation: [
      // How a test makes an account that Curfew does not look at.
      `${ADMIN} create serviceaccounts FREE/web as system:apiserver`,
      `${ADMIN} list pods NS as jane`,
    ],
    'Right to tokens or to be others granted': [`${ADMIN} create roles FREE/token-maker`],
    'Bound to cluster-admin': [`${ADMIN} create clusterrolebindings jane-is-admin`],
    "Curfew's webhooks changed": [`${ADMIN} patch validatingwebhookconfigurations curfew`],
  };

  it('each Falco rule has its event', () => {
    expect(Object.keys(FIRED).toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
  });

  it.each(rules)('the Falco rule "$name" fires on its event and on no other', ({ name, matches }) => {
    // Some are tried again until a cache knows.
    const fired = [...new Set(events.filter(matches).map(describeEvent))];
    const wanted = (FIRED[name] ?? []).map((what) =>
      of(what).replaceAll('NS', namespace).replaceAll('FREE', played.free),
    );
    expect(fired).toEqual(wanted);
  });

  it('the API server counts what the alerts on the use of tokens ask about', async () => {
    const text = await suite.cluster.must(['get', '--raw', '/metrics']);
    const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    expect(read('serviceaccount_stale_tokens_total')).toBeGreaterThan(0);
    expect(read('serviceaccount_legacy_manual_token_uses_total')).toBeGreaterThan(0);
    expect(read('serviceaccount_legacy_auto_token_uses_total')).toBe(0);
    expect(read('serviceaccount_invalid_legacy_auto_token_uses_total')).toBeGreaterThan(0);
    for (const code of ['201', '403'])
      expect(text).toMatch(
        new RegExp(
          `^apiserver_request_total\\{code="${code}",.*resource="serviceaccounts",.*subresource="token",`,
          'm',
        ),
      );
  });
});

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
