import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import { resourceOf } from '../src/objects/manifest.ts';
import type { Subject } from '../src/objects/subject.ts';
import { toNamespaceView } from '../src/objects/views.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { isClusterScoped } from './example-case.ts';
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
import { startTestCluster, type TestCluster, UNSEEN } from './test-cluster.ts';

const RUNS = process.env['CURFEW_LONG'] === '1' ? 3_000 : 150;
/** The long run looks where nobody has looked; the short one is the same each time, so that a commit is judged by what it changes. */
const SEED = process.env['CURFEW_LONG'] === undefined ? { seed: 20_261_126 } : {};

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
});

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
  await policies.apply(render(CONFIGURATION));
});
afterAll(async () => {
  api?.close();
  await cluster?.controlPlane.stop();
});

describe('Policies and engine', () => {
  it(`say the same of ${RUNS} generated objects`, { timeout: 3_600_000 }, async () => {
    let judged = 0;
    let found = 0;
    await fc.assert(
      fc.asyncProperty(generated, fc.nat(LABELS.length - 1), async (one, index) => {
        const { subject, told, status, body } = await sendGenerated(one, namespaces[index] ?? {});
        // What the API server does not take at all is judged by nobody.
        fc.pre(status !== 422);
        expect({ status: status < 300, body: status < 300 ? '' : body }).toEqual({ status: true, body: '' });
        const wanted = askEngine(subject, engineOptions(namespaces[index] ?? {})).warnings;
        expect(told).toEqual(wanted);
        judged += 1;
        if (wanted.length > 0) found += 1;
      }),
      { numRuns: RUNS, maxSkipsPerRun: 100, ...SEED },
    );
    console.log(`${judged} objects, of which ${found} had something wrong`);
    expect(found).toBeGreaterThan(judged / 4);
  });

  it('say the same of the largest objects that are judged: none costs too much', async () => {
    for (const object of listLargest(0)) {
      const start = performance.now();
      const { subject, told, status, body } = await sendGenerated({ object }, namespaces[0] ?? {});
      const kind = asString(object['kind']) ?? '';
      console.log(`${kind} of ${JSON.stringify(object).length} bytes: ${Math.round(performance.now() - start)} ms`);
      expect({ kind, status: status < 300, body: status < 300 ? '' : body }).toEqual({ kind, status: true, body: '' });
      expect(told).toEqual(askEngine(subject, engineOptions(namespaces[0] ?? {})).warnings);
      expect(told.length).toBeGreaterThan(0);
    }
  });

  it('refuse what is larger, and say why', async () => {
    for (const object of listLargest(1)) {
      const { told } = await sendGenerated({ object }, namespaces[0] ?? {});
      expect(told[0]).toContain('which a policy of the API server cannot judge');
    }
  });
});

function engineOptions(namespace: JsonObject) {
  return { configuration: CONFIGURATION, namespace: toLookup(namespace) };
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

/** Sends it as a dry run; the subject is what the API server made of it. */
async function sendGenerated({ object, old }: Generated, namespace: JsonObject) {
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
    caller: { username: 'jane', groups: ['system:masters'] },
  };
  const as = { username: 'jane' };
  if (old === undefined) {
    const sent = await sendNatively(api, { method: 'POST', path: isToken ? path : `${path}?dryRun=All`, object, as });
    return { ...sent, subject: { ...subject, object: JSON.parse(sent.body) as JsonObject } };
  }
  const one = `${path}/${nameOf(object)}`;
  const made = await api.send(path, { method: 'POST', object: old, as: UNSEEN });
  if (made.status !== 201) return { ...made, told: [], subject };
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
