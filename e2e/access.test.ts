/**
 * The access graph before a real API server: each kind of step is walked with the rights of its person alone, what is close to
 * it is not; and single steps of random roles are those that the authorizer allows. Curfew is not installed here.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPathsFrom } from '../src/access/ask.ts';
import { formatGoal } from '../src/access/describe-path.ts';
import type { Graph } from '../src/access/graph.ts';
import { readAccess } from '../src/audit/read-access.ts';
import { connect } from '../src/kube/client.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { IS_LONG } from '../test/long.ts';
import { fc, SEED } from '../test/properties.ts';
import { runWith } from '../test/unit/cli/run-command.ts';
import { compareSteps } from './access-parity.ts';
import { ACCESS_SCENES, type AccessScene, ROLLOUTS_KIND } from './access-scenes.ts';
import { WALKS } from './access-walks.ts';
import { type Authorizer, inParallel, openAuthorizer, RBAC } from './authorizer.ts';
import { openPerson, type Person } from './people-client.ts';
import { randomRole } from './random-roles.ts';
import {
  deployment,
  OWNS_CONTROL_PLANE,
  pod,
  startTestCluster,
  type TestCluster,
  tokenSecret,
} from './test-cluster.ts';
import { whoIs } from './walking.ts';

const ROLES = IS_LONG ? 600 : 40;

let cluster: TestCluster;
let admin: Person;
let graph: Graph;
let authorizer: Authorizer;
const people: Person[] = [];

const namespaceOf = (scene: AccessScene) => `scene-${ACCESS_SCENES.indexOf(scene)}`;
const roleOf = (scene: AccessScene, who: string) =>
  scene.scope === 'namespace' ? who : `${namespaceOf(scene)}-${who}`;
const userOf = (scene: AccessScene, who: string) => `${namespaceOf(scene)}-${who}`;

beforeAll(async () => {
  cluster = await startTestCluster();
  admin = await openPerson(cluster.kubeconfig);
  await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', ROLLOUTS_KIND);
  await inParallel(ACCESS_SCENES, setUp);
  await setUpChain();
  const client = await connect({ kubeconfig: cluster.kubeconfig });
  const read = await readAccess({ client, signal: new AbortController().signal }, []);
  if (!read.isComplete) throw new Error('the administrator may not read everything');
  graph = read.graph;
  authorizer = await openAuthorizer(cluster);
});
afterAll(async () => {
  authorizer.close();
  for (const person of [admin, ...people]) person.close();
  await cluster.controlPlane.stop();
});

async function create(path: string, body: JsonObject): Promise<unknown> {
  return await admin.send(path, { method: 'POST', body });
}

async function grant(
  namespace: string | undefined,
  name: string,
  { user, rules }: { user: JsonObject; rules: readonly JsonObject[] },
) {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const base = `/apis/${RBAC}/v1/${namespace === undefined ? '' : `namespaces/${namespace}/`}`;
  await create(`${base}${kind.toLowerCase()}s`, { apiVersion: `${RBAC}/v1`, kind, metadata: { name }, rules });
  await create(`${base}${kind.toLowerCase()}bindings`, {
    apiVersion: `${RBAC}/v1`,
    kind: `${kind}Binding`,
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind, name },
    subjects: [user],
  });
}

/** Accounts `web` and `db`, a pod of each, with a token and without, a token Secret, a Deployment. */
async function setUpNamespace(namespace: string): Promise<void> {
  const core = `/api/v1/namespaces/${namespace}`;
  await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  for (const name of ['web', 'db'])
    await create(`${core}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  await create(`${core}/pods`, pod('app'));
  await create(`${core}/pods`, pod('bare', { serviceAccountName: 'db', automountServiceAccountToken: false }));
  await create(`${core}/secrets`, tokenSecret('old', 'web'));
  await create(`/apis/apps/v1/namespaces/${namespace}/deployments`, deployment('web', {}));
}

async function setUp(scene: AccessScene): Promise<void> {
  const namespace = namespaceOf(scene);
  await setUpNamespace(namespace);
  const where = scene.scope === 'namespace' ? namespace : undefined;
  for (const [who, rules] of [['walker', scene.rules] as const, ['near', scene.near] as const]) {
    const user = { apiGroup: RBAC, kind: 'User', name: userOf(scene, who) };
    await grant(where, roleOf(scene, who), { user, rules });
  }
  // What is done as an account within limits, the account itself may do.
  const web = { kind: 'ServiceAccount', name: 'web', namespace };
  await grant(namespace, 'web', {
    user: web,
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }],
  });
}

/** From a person to the account of one namespace, and from there to a Secret in the next. */
async function setUpChain(): Promise<void> {
  await setUpNamespace('chain-a');
  await setUpNamespace('chain-b');
  const jane = { apiGroup: RBAC, kind: 'User', name: 'jane' };
  const rules = [{ apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'], resourceNames: ['web'] }];
  await grant('chain-a', 'first', { user: jane, rules });
  const web = { kind: 'ServiceAccount', name: 'web', namespace: 'chain-a' };
  await grant('chain-b', 'second', {
    user: web,
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['old'] }],
  });
}

async function walk(scene: AccessScene, who: 'walker' | 'near'): Promise<string | undefined> {
  const user = userOf(scene, who);
  const person = await openPerson(await cluster.controlPlane.createUser(user));
  people.push(person);
  const way = WALKS[scene.title];
  if (way === undefined) throw new Error(`nobody walks ${scene.title}`);
  return await way({
    send: person.send,
    admin: admin.send,
    namespace: namespaceOf(scene),
    user,
    role: roleOf(scene, who),
  });
}

const goalsOf = (name: string) => findPathsFrom(graph, { kind: 'User', name }, 100)?.paths ?? [];
/** Of many accounts that are reached alike, one is told. */
const textOf = (scene: AccessScene): unknown =>
  ({
    web: scene.scope === 'cluster' ? expect.stringMatching(/\/web$/) : `${namespaceOf(scene)}/web`,
    'every account of the namespace': `every account in ${namespaceOf(scene)}`,
    'every account': 'every account',
    'cluster-admin': 'cluster-admin',
  })[scene.goal];

describe.runIf(OWNS_CONTROL_PLANE).each(ACCESS_SCENES)('$title', (scene) => {
  it('is a path, and is walked', async () => {
    const told = goalsOf(userOf(scene, 'walker')).map(({ to, steps }) => [formatGoal(to), steps[0]?.how]);
    expect(told).toContainEqual([textOf(scene), scene.how]);
    const is = await walk(scene, 'walker');
    const account = scene.goal === 'web' ? 'web' : 'db';
    if (is !== undefined) expect(is).toBe(`system:serviceaccount:${namespaceOf(scene)}:${account}`);
  });

  it('what is close to it is none, and is refused', async () => {
    expect(goalsOf(userOf(scene, 'near')).map(({ to }) => formatGoal(to))).not.toContainEqual(textOf(scene));
    await expect(walk(scene, 'near')).rejects.toThrow(/: 40[34] /);
  });
});

describe.runIf(OWNS_CONTROL_PLANE)('A path of two steps', () => {
  it('is told by curfew who-can, and is walked', async () => {
    const ask = async (...args: readonly string[]) =>
      await runWith({}, 'who-can', '--kubeconfig', cluster.kubeconfig, '--output', 'json', ...args);
    const { code, out, error } = await ask('--from', 'jane');
    expect({ code, error }).toEqual({ code: 1, error: '' });
    const paths = asArray(member(JSON.parse(out), 'paths'));
    expect(paths.map((path) => asArray(member(path, 'steps')).map((step) => member(step, 'how')))).toEqual([
      ['token-request'],
      ['token-request', 'secret-read'],
    ]);
    const { out: who } = await ask('chain-b/web');
    const froms = asArray(member(JSON.parse(who), 'paths')).map((path) => valueAt(path, ['from', 'name']));
    expect(froms).toEqual(expect.arrayContaining(['jane', 'web']));

    const jane = await openPerson(await cluster.controlPlane.createUser('jane'));
    people.push(jane);
    const made = await jane.send('/api/v1/namespaces/chain-a/serviceaccounts/web/token', {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    const token = asString(valueAt(made, ['status', 'token'])) ?? '';
    const secret = await jane.send('/api/v1/namespaces/chain-b/secrets/old', { token });
    const read = Buffer.from(asString(valueAt(secret, ['data', 'token'])) ?? '', 'base64').toString('utf8');
    expect(await whoIs(admin.send, read)).toBe('system:serviceaccount:chain-b:web');
  });
});

describe('Single steps', () => {
  it(`lead where the authorizer lets them, in ${ROLES} random roles`, async () => {
    const roles = fc.sample(randomRole, { numRuns: ROLES, seed: SEED });
    await inParallel(roles, async ({ kind, rules }, index) => {
      await authorizer.grant({ kind, rules, user: `random-${index}` });
    });
    await authorizer.untilKnown();
    const differences: unknown[] = [];
    const counts = { compared: 0, reached: 0, questions: 0 };
    await inParallel(roles, async ({ kind, rules }, index) => {
      const found = await compareSteps({ kind, rules }, async (question) => {
        counts.questions += 1;
        return await authorizer.isAllowed({ ...question, user: `random-${index}` });
      });
      if (found === undefined) return;
      counts.compared += 1;
      counts.reached += found.graph.length;
      if (found.graph.join() !== found.authorizer.join()) differences.push({ kind, rules, ...found });
    });
    console.log(counts, `seed ${SEED}`);
    expect({ seed: SEED, differences }).toEqual({ seed: SEED, differences: [] });
    expect(Math.min(counts.compared, counts.reached)).toBeGreaterThan(ROLES / 5);
  }, 600_000);
});
