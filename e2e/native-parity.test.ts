import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { resourceOf } from '../src/objects/manifest.ts';
import type { Subject } from '../src/objects/subject.ts';
import { toNamespaceView } from '../src/objects/views.ts';
import { IS_LONG } from '../test/long.ts';
import { fc } from '../test/properties.ts';
import { type ApiClient, type Caller, openApi } from './api-client.ts';
import { isClusterScoped } from './example-case.ts';
import { listFattest, listTooLong } from './native-fattest.ts';
import { type Generated, generated, listLargest } from './native-objects.ts';
import {
  askEngine,
  createPolicies,
  type NativePolicies,
  pathOf,
  render,
  sendNatively,
  toConfiguration,
} from './native-policies.ts';
import { areSameRecords, readRecords } from './native-records.ts';
import { HAS_AUDIT_LOG, startTestCluster, type TestCluster, UNSEEN } from './test-cluster.ts';

const RUNS = IS_LONG ? 3_000 : 150;

const DAY_MS = 86_400_000;
/** When the policies are rendered: some exemptions end between then and now. */
const RENDERED_AT = Date.now() - 10 * DAY_MS;
const dayIn = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const rule = (name: string, match: JsonObject, more: JsonObject) => ({
  ...{ name, match, reason: 'it is known', owner: 'team-build' },
  ...more,
});
const LIFETIMES = ['token-lifetime', 'year-long-token', 'token-request-lifetime'];
const CONTROLLER = 'system:serviceaccount:kube-system:deployment-controller';

/** Everything is on, and told by warnings, so that each object says all that there is to say of it. */
const CONFIGURATION = toConfiguration({
  dryRun: true,
  enforceTemplates: true,
  levels: { clusterScoped: { enforce: 'restricted', warn: 'baseline' } },
  checks: {
    'token-audience': { allowed: ['vault', 'istio-ca'] },
    'token-lifetime': { audiences: { reports: 900 } },
    'token-request-audience': { allowed: ['vault'] },
    'token-request-lifetime': { audiences: { reports: 900 } },
  },
  exemptions: {
    rules: [
      rule('of-secrets', { users: ['mary'], kinds: ['Secret', 'ServiceAccount'] }, { permanent: true, ticket: 'T-1' }),
      rule('of-roles', { users: ['mary'], names: ['g?nerat*'], kinds: ['Role', 'ClusterRole'] }, { expires: dayIn(3) }),
      rule('of-others', { users: ['m*'], names: ['others-*'] }, { permanent: true }),
      rule('of-accounts', { groups: ['builders'], serviceAccounts: ['*/web', 'shop/*'] }, { expires: dayIn(30) }),
      rule(
        'of-a-namespace',
        { groups: ['builders'], namespaces: ['parity-1'] },
        { checks: LIFETIMES, permanent: true },
      ),
      rule('ended-meanwhile', { users: ['tom'] }, { expires: dayIn(-2) }),
      rule('ended-before', { users: ['tim'] }, { expires: dayIn(-12) }),
    ],
  },
});
const CALLERS = [
  ...['jane', 'jane', 'mary', 'tom', 'tim', CONTROLLER].map((username) => ({ username, groups: [] })),
  { username: 'jim', groups: ['builders'] },
];

const LABELS = [
  { 'curfew.dev/enforce': 'baseline', 'curfew.dev/warn': 'restricted' },
  { 'curfew.dev/enforce': 'restricted', 'curfew.dev/warn': 'off' },
  { 'curfew.dev/warn': 'no-such-level' },
] as const;

let cluster: TestCluster;
let api: ApiClient;
let policies: NativePolicies;
const namespaces: JsonObject[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  api = await openApi(cluster);
  policies = createPolicies(api);
  for (const [index, labels] of LABELS.entries()) namespaces.push(await makeNamespace(`parity-${index}`, labels));
  namespaces.push(await makeNamespace('kube-system', {}));
  await policies.apply(render(CONFIGURATION, { now: RENDERED_AT }));
});
afterAll(async () => {
  api?.close();
  await cluster?.controlPlane.stop();
});

describe('Policies and engine', () => {
  it(`say the same of ${RUNS} generated objects`, { timeout: 3_600_000 }, async () => {
    const count = { judged: 0, found: 0, spared: 0 };
    const wantedRecords = new Map<string, { readonly subject: Subject; readonly records: readonly string[] }>();
    await fc.assert(
      fc.asyncProperty(generated, fc.nat(LABELS.length), fc.constantFrom(...CALLERS), async (one, index, caller) => {
        const namespace = namespaces[index] ?? {};
        const { subject, told, status, body, auditId = '' } = await sendGenerated(one, namespace, caller);
        // What the API server does not take at all is judged by nobody.
        fc.pre(status !== 422);
        expect({ status: status < 300, body: status < 300 ? '' : body }).toEqual({ status: true, body: '' });
        const { warnings, records } = askEngine(subject, engineOptions(namespace, subject));
        expect(told).toEqual(warnings);
        wantedRecords.set(auditId, { subject, records });
        count.judged += 1;
        if (records.length > 0) count.found += 1;
        if (records.some((record) => record.startsWith('exempt: '))) count.spared += 1;
      }),
      { numRuns: RUNS, maxSkipsPerRun: 100 },
    );
    console.log(
      `${count.judged} objects, of which ${count.found} had something wrong, and ${count.spared} were exempt`,
    );
    expect(count.found).toBeGreaterThan(count.judged / 4);
    expect(count.spared).toBeGreaterThan(count.judged / 20);

    if (!HAS_AUDIT_LOG) return;
    const events = await cluster.controlPlane.auditEvents();
    const written = new Map(events.map((event) => [asString(valueAt(event, ['auditID'])) ?? '', readRecords(event)]));
    const others = [...wantedRecords].flatMap(([id, { subject, records }]) => {
      const found = written.get(id) ?? ['no event'];
      return areSameRecords(found, records) ? [] : [{ subject, records, found }];
    });
    expect(others.length === 0 ? [] : [others.length, ...others.slice(0, 2)]).toEqual([]);
  });

  it('say the same of the largest objects that are judged, made and updated: none costs too much', async () => {
    for (const object of [...listLargest(0), ...listFattest()]) {
      const kind = asString(object['kind']) ?? '';
      // What was wrong before is not told again, so that an update is quiet, and dear: everything is compared.
      for (const old of kind === 'Pod' ? [undefined] : [undefined, object]) {
        const start = performance.now();
        const one = old === undefined ? { object } : { object, old };
        const { subject, told, status, body } = await sendGenerated(one, namespaces[0] ?? {}, JANE);
        const ms = Math.round(performance.now() - start);
        console.log(`${subject.operation} ${kind} of ${JSON.stringify(object).length} bytes: ${ms} ms`);
        expect({ kind, status: status < 300, body: status < 300 ? '' : body }).toEqual({
          kind,
          status: true,
          body: '',
        });
        expect(told).toEqual(askEngine(subject, engineOptions(namespaces[0] ?? {}, subject)).warnings);
        if (old === undefined) expect(told.length).toBeGreaterThan(0);
      }
    }
  });

  it('refuse what is larger or longer, and say why', async () => {
    for (const object of [...listLargest(1), ...listTooLong()]) {
      const { told } = await sendGenerated({ object }, namespaces[0] ?? {}, JANE);
      expect(told[0]).toContain('which a policy of the API server cannot judge');
    }
  });
});

const JANE: Caller = { username: 'jane' };

/** For updates and token requests the policies know no other time than that at which they were rendered. */
function engineOptions(namespace: JsonObject, { operation, kind }: Subject) {
  const now = operation === 'UPDATE' || kind === 'TokenRequest' ? RENDERED_AT : Date.now();
  return { configuration: CONFIGURATION, namespace: toLookup(namespace), now };
}

function toLookup(namespace: JsonObject) {
  const value = toNamespaceView(namespace);
  return value === undefined ? ({ state: 'absent' } as const) : ({ state: 'found', value } as const);
}

function nameOf(object: JsonObject): string {
  return asString(valueAt(object, ['metadata', 'name'])) ?? '';
}

async function makeNamespace(name: string, labels: JsonObject): Promise<JsonObject> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await cluster.store(object);
  // A token Secret of an account that is not there is deleted.
  for (const account of ['web', 'ci']) {
    const metadata = { name: account, namespace: name };
    await cluster.store({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } };
  await api.send(`/api/v1/namespaces/${name}/serviceaccounts`, { method: 'POST', object: account });
  const spec = { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/web:1' }] };
  for (const pod of ['runner', 'bound']) {
    await cluster.store({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, namespace: name }, spec });
  }
  return object;
}

/** As the controller of a Deployment writes a ReplicaSet. */
function withController(object: JsonObject): JsonObject {
  if (object['kind'] !== 'ReplicaSet') return object;
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u', controller: true }];
  return { ...object, metadata: { ...(object['metadata'] as JsonObject), ownerReferences } };
}

/** Sends it as a dry run; the subject is what the API server made of it. */
async function sendGenerated({ object: made, old }: Generated, namespace: JsonObject, as: Caller) {
  const object = as.username === CONTROLLER && old === undefined ? withController(made) : made;
  const name = nameOf(namespace);
  const path = pathOf(object, name);
  const isToken = object['kind'] === 'TokenRequest';
  const subject: Subject = {
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    resource: resourceOf(object),
    kind: asString(object['kind']) ?? '',
    namespace: isClusterScoped(object) ? '' : name,
    name: nameOf(object),
    object,
    caller: { username: as.username, groups: ['system:masters', ...(as.groups ?? [])] },
  };
  if (old === undefined) {
    const sent = await sendNatively(api, { method: 'POST', path: isToken ? path : `${path}?dryRun=All`, object, as });
    return { ...sent, subject: { ...subject, object: JSON.parse(sent.body) as JsonObject } };
  }
  const one = `${path}/${nameOf(object)}`;
  const stored = await api.send(path, { method: 'POST', object: old, as: UNSEEN });
  if (stored.status !== 201) return { ...stored, told: [], subject };
  try {
    for (;;) {
      const stored = JSON.parse((await api.get(one)).body) as JsonObject;
      const resourceVersion = valueAt(stored, ['metadata', 'resourceVersion']) ?? null;
      const changed = { ...object, metadata: { ...(object['metadata'] as JsonObject), resourceVersion } };
      const sent = await sendNatively(api, { method: 'PUT', path: `${one}?dryRun=All`, object: changed, as });
      if (sent.status === 409) continue;
      return { ...sent, subject: { ...subject, object: JSON.parse(sent.body) as JsonObject, oldObject: stored } };
    }
  } finally {
    await api.send(`${one}?propagationPolicy=Background`, { method: 'DELETE' });
  }
}
