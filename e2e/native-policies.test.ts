import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Example } from '../src/checks/define-check.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { prepareExample } from '../src/engine/example-subject.ts';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import type { Subject } from '../src/objects/subject.ts';
import { toNamespaceView } from '../src/objects/views.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { type ExampleCase, placeObject } from './example-case.ts';
import { configurationOf } from './example-configuration.ts';
import {
  askEngine,
  createPolicies,
  formsOf,
  listTypeWarnings,
  type NativePolicies,
  pathOf,
  render,
  type Sent,
  sendNatively,
  toConfiguration,
} from './native-policies.ts';
import { pod, startTestCluster, type TestCluster, UNSEEN } from './test-cluster.ts';

const CASES: readonly ExampleCase[] = CHECKS.filter(({ id }) => formsOf(id).length > 0).flatMap((check) =>
  check.examples.map((example) => ({ check, example })),
);

/** Examples that run under the same configuration. */
const GROUPS = Map.groupBy(CASES, (one) => JSON.stringify(configurationOf(one)));

let cluster: TestCluster;
let api: ApiClient;
let policies: NativePolicies;
let made = 0;

beforeAll(async () => {
  cluster = await startTestCluster();
  api = await openApi(cluster);
  policies = createPolicies(api);
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
      const namespace = await makeNamespace(example);
      const { subject } = prepareExample(check, example);
      const { sent, stored } = await send(example, namespace.name);
      const placed = place(subject, namespace);
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
      // The API server shows one denial, and has filled in what a manifest leaves out.
      if (engine.denials.length > 0) expect(engine.denials.map(withDefaults)).toContain(withDefaults(sent.denial));
    },
  );
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

/** True for a policy of one of these checks, and its binding. */
function isOf(object: JsonObject, checks: ReadonlySet<string>): boolean {
  const [name = ''] = (asString(valueAt(object, ['metadata', 'name'])) ?? '').split('.');
  return [...checks].some((id) => name === id || name === `${id}-templates` || name === `${id}-bindings`);
}

type Made = { readonly name: string; readonly object: JsonObject };

/** A namespace at the example's level, with the accounts that its objects name. */
async function makeNamespace({ level, context, subject }: Example): Promise<Made> {
  made += 1;
  const name = `native-${made}`;
  const annotations = (valueAt(context?.namespace, ['metadata', 'annotations']) ?? {}) as JsonObject;
  const labels = { 'curfew.dev/enforce': level, 'curfew.dev/warn': level };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } };
  await cluster.store(object);
  for (const account of ['web', 'ci', 'default']) {
    if (subject.object['kind'] === 'ServiceAccount') continue;
    await cluster.store({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: name } });
  }
  return { name, object };
}

function place(subject: Subject, { name }: Made): Subject {
  const isElsewhere = subject.namespace === '' || subject.namespace === 'kube-system';
  return { ...subject, namespace: isElsewhere ? subject.namespace : name };
}

type Answered = {
  readonly sent: Sent;
  /** What was changed: controllers may have filled something in. */
  readonly stored?: JsonObject;
};

async function send({ subject }: Example, namespace: string): Promise<Answered> {
  const { object, oldObject, subresource, caller } = subject;
  const as = caller ?? { username: 'jane' };
  const placed = placeObject(object, namespace);
  const where = asString(valueAt(placed, ['metadata', 'namespace'])) ?? namespace;
  const path = pathOf(placed, where);
  if (object['kind'] === 'TokenRequest') {
    const bound = asString(valueAt(object, ['spec', 'boundObjectRef', 'name']));
    if (bound !== undefined) await makePod(bound, where);
    return { sent: await sendNatively(api, { method: 'POST', path, object: placed, as }) };
  }
  if (oldObject === undefined) {
    return { sent: await sendNatively(api, { method: 'POST', path: `${path}?dryRun=All`, object: placed, as }) };
  }
  const old = placeObject(oldObject, namespace);
  const one = `${path}/${asString(valueAt(placed, ['metadata', 'name'])) ?? ''}`;
  // A pod is never made with debug containers, and the API server fills in much of it.
  const { ephemeralContainers, ...spec } = (old['spec'] ?? {}) as JsonObject;
  await cluster.store(old['spec'] === undefined ? old : { ...old, spec });
  if (subresource !== 'ephemeralcontainers') {
    return await change(one, (stored) => ({ ...placed, metadata: versioned(placed, stored) }), as);
  }
  const withDebug = (containers: unknown) => (stored: JsonObject) =>
    ({ ...stored, spec: { ...(stored['spec'] as JsonObject), ephemeralContainers: containers } }) as JsonObject;
  const debug = `${one}/ephemeralcontainers`;
  if (ephemeralContainers !== undefined) {
    const stored = JSON.parse((await api.get(one)).body) as JsonObject;
    await api.send(debug, { method: 'PUT', object: withDebug(ephemeralContainers)(stored), as: UNSEEN });
  }
  const { sent } = await change(debug, withDebug(valueAt(object, ['spec', 'ephemeralContainers'])), as);
  return { sent };
}

/** Again, where a controller was faster. */
async function change(path: string, edit: (stored: JsonObject) => JsonObject, as: Caller): Promise<Answered> {
  for (;;) {
    const stored = JSON.parse((await api.get(path.replace('/ephemeralcontainers', ''))).body) as JsonObject;
    const sent = await sendNatively(api, { method: 'PUT', path: `${path}?dryRun=All`, object: edit(stored), as });
    if (sent.status !== 409) return { sent, stored };
  }
}

type Caller = { readonly username: string; readonly groups?: readonly string[] };

function versioned(object: JsonObject, stored: JsonObject): JsonObject {
  const resourceVersion = valueAt(stored, ['metadata', 'resourceVersion']) ?? null;
  return { ...(object['metadata'] as JsonObject), resourceVersion };
}

async function makePod(name: string, namespace: string): Promise<void> {
  await cluster.store(placeObject(pod(name), namespace));
}

function withDefaults(line: string): string {
  return line.replace(/(\/serviceAccountToken|\/spec)\/expirationSeconds:/, '$1:');
}
