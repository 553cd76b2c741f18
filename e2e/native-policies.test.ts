import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CHECKS } from '../src/checks/registry.ts';
import { prepareExample } from '../src/engine/example-subject.ts';
import { asArray, asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { NO_TOKEN_LABEL, NO_TOKEN_VALUE } from '../src/objects/no-token-label.ts';
import { toNamespaceView } from '../src/objects/views.ts';
import { run } from '../test/unit/cli/run-command.ts';
import { type ApiClient, openApi, readAnswer } from './api-client.ts';
import { type ExampleCase, placeObject } from './example-case.ts';
import { configurationOf } from './example-configuration.ts';
import type { FirstCase } from './first-policies.ts';
import { readExample, SECRET_CASES, TOKEN_CASES, UPDATED_SECRET_CASES } from './first-policies.ts';
import { createExampleWorlds, type ExampleWorlds, placeSubject } from './native-examples.ts';
import {
  askEngine,
  createPolicies,
  formsOf,
  listTypeWarnings,
  type NativePolicies,
  pathOf,
  render,
  toConfiguration,
} from './native-policies.ts';
import { areSameRecords, readRecords } from './native-records.ts';
import { HAS_AUDIT_LOG, pod, startTestCluster, type TestCluster } from './test-cluster.ts';

const CASES: readonly ExampleCase[] = CHECKS.filter(({ id }) => formsOf(id).length > 0).flatMap((check) =>
  check.examples.map((example) => ({ check, example })),
);

/** Examples that run under the same configuration. */
const GROUPS = Map.groupBy(CASES, (one) => JSON.stringify(configurationOf(one)));

let cluster: TestCluster;
let api: ApiClient;
let policies: NativePolicies;
let worlds: ExampleWorlds;
/** By the id of the event in the audit log. */
const wantedRecords = new Map<string, { readonly title: string; readonly records: readonly string[] }>();

beforeAll(async () => {
  cluster = await startTestCluster();
  api = await openApi(cluster);
  policies = createPolicies(api);
  worlds = createExampleWorlds({ cluster, api });
});
afterAll(async () => {
  api?.close();
  await cluster?.controlPlane.stop();
});

describe.each([...GROUPS].map(([text, cases]) => ({ text, cases })))('Policies with $text', ({ text, cases }) => {
  const configuration = toConfiguration(JSON.parse(text) as JsonObject);
  // Most of the time goes into compiling policies, so only the largest group has them all.
  const isLargest = cases.length === Math.max(...[...GROUPS.values()].map(({ length }) => length));
  const checks = new Set(
    CHECKS.map(({ id }) => id).filter((id) => isLargest || cases.some(({ check }) => check.id === id)),
  );
  beforeAll(async () => await policies.apply(render(configuration).filter((object) => isOf(object, checks))));

  it('are of the right types', async () => {
    expect(await listTypeWarnings(api)).toEqual([]);
  });

  it.concurrent.each(cases.map((one) => ({ id: one.check.id, title: one.example.title, one })))(
    'say what the engine says: $id: $title',
    async ({ one: { check, example } }) => {
      const namespace = await worlds.makeNamespace(example);
      const { subject } = prepareExample(check, example);
      const { sent, stored } = await worlds.send(example, namespace.name);
      const placed = placeSubject(subject, namespace);
      const view = toNamespaceView(valueAt(namespace.object, []));
      const engine = askEngine(stored === undefined ? placed : { ...placed, oldObject: stored }, {
        configuration,
        checks,
        namespace: view === undefined ? { state: 'absent' } : { state: 'found', value: view },
      });
      expect({
        warnings: sent.told,
        isDenied: sent.status === 403,
        body: sent.status === 403 ? '' : sent.body,
      }).toEqual({
        warnings: engine.warnings,
        isDenied: engine.denials.length > 0,
        body: sent.status < 300 ? sent.body : '',
      });
      const title = `${check.id}: ${example.title}`;
      wantedRecords.set(sent.auditId ?? '', { title, records: engine.records.map(withDefaults) });
      // The API server shows one denial, and has filled in what a manifest leaves out.
      if (engine.denials.length > 0) expect(engine.denials.map(withDefaults)).toContain(withDefaults(sent.denial));
    },
  );
});

describe('The audit log', () => {
  it.runIf(HAS_AUDIT_LOG)('has of each example what the webhook writes', async () => {
    const events = await cluster.controlPlane.auditEvents();
    const written = new Map(events.map((event) => [asString(valueAt(event, ['auditID'])) ?? '', readRecords(event)]));
    const others = [...wantedRecords].flatMap(([id, { title, records }]) => {
      const found = written.get(id)?.map(withDefaults) ?? ['no event'];
      return areSameRecords(found, records) ? [] : [{ title, found, records }];
    });
    expect(others).toEqual([]);
    expect([...wantedRecords.values()].filter(({ records }) => records.length > 0).length).toBeGreaterThan(50);
  });
});

describe('No expression', () => {
  it('failed: a policy that fails open lets pass what it cannot judge, and says nothing', async () => {
    const metrics = (await api.get('/metrics')).body;
    const checks = metrics.match(/^apiserver_validating_admission_policy_check_total\{.*$/gm) ?? [];
    expect(checks.length).toBeGreaterThan(0);
    // A denial is an error of the type invalid too; allowed with one is what could not be judged.
    const isUnjudged = (line: string) => line.includes('action="allow"') && !line.includes('error_type="no_error"');
    expect(checks.filter(isUnjudged)).toEqual([]);
  });
});

describe('Policies as people write them first, beside those that do what was meant', () => {
  const namespace = 'written-first';
  const named = (name: string) => (object: JsonObject) => valueAt(object, ['metadata', 'name']) === name;
  const rendered = () => render(toConfiguration({})).filter(named('long-lived-token-secret.enforce.curfew.dev'));
  const naiveSecrets = (when: string) =>
    readExample('naive-no-long-lived-tokens').filter(named(`no-long-lived-tokens.naive-${when}`));

  beforeAll(async () => {
    await policies.apply([]);
    const labels = { 'curfew.dev/enforce': 'restricted' };
    await cluster.store({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount' };
    await cluster.store({ ...account, metadata: { name: 'web', namespace } });
    await cluster.store({ ...account, metadata: { name: 'quiet', namespace }, automountServiceAccountToken: false });
    const old = [...TOKEN_CASES, ...SECRET_CASES].filter(({ patch }) => patch !== undefined);
    for (const { object } of old) await cluster.store(placeObject(object, namespace));
  });

  const verdictOf = async ({ object, patch }: FirstCase) => {
    const folder = pathOf(object, namespace);
    const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
    const as = { username: 'jane', groups: ['system:masters'] };
    const { status, body } =
      patch === undefined
        ? await api.send(`${folder}?dryRun=All`, { method: 'POST', object: placeObject(object, namespace), as })
        : await api.send(`${folder}/${name}?dryRun=All`, {
            method: 'PATCH',
            object: patch,
            contentType: 'application/merge-patch+json',
            as,
          });
    // An object that the API server does not take at all would be a mistake of the test's.
    if (status > 299) expect(body).toContain('ValidatingAdmissionPolicy');
    return status < 300 ? 'allowed' : 'denied';
  };

  it.each([
    ['naive', 'require-token-disabled', TOKEN_CASES, () => readExample('naive-require-token-disabled')],
    ['right', 'require-token-disabled', TOKEN_CASES, () => readExample('require-token-disabled')],
    ['naive', 'no-long-lived-tokens, on what is made', SECRET_CASES, () => naiveSecrets('create')],
    ['naive', 'no-long-lived-tokens, on updates too', UPDATED_SECRET_CASES, () => naiveSecrets('update')],
    ['right', 'long-lived-token-secret', SECRET_CASES, rendered],
  ] as const)('%s: %s', async (which, _name, cases, listPolicies) => {
    await policies.apply(listPolicies());
    const verdicts: Record<string, string> = {};
    for (const one of cases) verdicts[one.title] = await verdictOf(one);
    expect(verdicts).toEqual(Object.fromEntries(cases.map((one) => [one.title, one[which]])));
  });
});

describe('Network policies of this cluster', () => {
  it('are such as the API server takes, leave out where it is, and select pods by the label', async () => {
    const namespace = 'kept-away';
    await cluster.store({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await cluster.store({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace } });
    const labels = { [NO_TOKEN_LABEL]: NO_TOKEN_VALUE };
    await cluster.store(placeObject({ ...pod('labelled'), metadata: { name: 'labelled', labels } }, namespace));
    await worlds.makePod('other', namespace);
    await tellAddress();

    const { code, out, error } = await run('render', 'network-policy', '--kubeconfig', cluster.kubeconfig);
    expect({ code, error }).toEqual({ code: 0, error: '' });
    const rendered = parseAllDocuments(out).map((document) => document.toJS() as JsonObject);
    const namespaces = rendered.map((object) => valueAt(object, ['metadata', 'namespace']));
    expect(namespaces).toContain(namespace);
    expect(namespaces).not.toContain('kube-system');
    for (const object of rendered) {
      const where = asString(valueAt(object, ['metadata', 'namespace'])) ?? '';
      const path = `/apis/networking.k8s.io/v1/namespaces/${where}/networkpolicies?dryRun=All`;
      const { status, warnings } = await api.send(path, { method: 'POST', object });
      expect({ where, status, warnings: warnings ?? [] }).toEqual({ where, status: 201, warnings: [] });
    }
    const service = JSON.parse((await api.get('/api/v1/namespaces/default/services/kubernetes')).body) as JsonObject;
    const except = valueAt(rendered[0], ['spec', 'egress', 0, 'to', 0, 'ipBlock', 'except']);
    expect(except).toContain(`${asString(valueAt(service, ['spec', 'clusterIP'])) ?? ''}/32`);
    expect(asArray(except).length).toBeGreaterThan(1);

    const [[key, value] = []] = Object.entries(valueAt(rendered[0], ['spec', 'podSelector', 'matchLabels']) ?? {});
    const selector = encodeURIComponent(`${key}=${String(value)}`);
    const pods = JSON.parse((await api.get(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`)).body) as {
      readonly items: readonly JsonObject[];
    };
    expect(pods.items.map((item) => valueAt(item, ['metadata', 'name']))).toEqual(['labelled']);
  });
});

/** An API server on a loopback address tells none, since no pod could use it. */
async function tellAddress(): Promise<void> {
  const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const labels = { 'kubernetes.io/service-name': 'kubernetes' };
  const { body } = await api.get(`${path}?labelSelector=kubernetes.io/service-name=kubernetes`);
  if (asArray(valueAt(JSON.parse(body), ['items'])).length > 0) return;
  const object = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', labels },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.10'] }],
  };
  readAnswer(await api.create(path, object), 201);
}

/** True for a policy of one of these checks, and its binding. */
function isOf(object: JsonObject, checks: ReadonlySet<string>): boolean {
  const [name = ''] = (asString(valueAt(object, ['metadata', 'name'])) ?? '').split('.');
  return [...checks].some((id) => name === id || name === `${id}-templates` || name === `${id}-bindings`);
}

function withDefaults(line: string): string {
  return line.replaceAll(/(\/serviceAccountToken|\/spec)\/expirationSeconds:/g, '$1:');
}
