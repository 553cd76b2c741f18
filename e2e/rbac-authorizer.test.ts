/**
 * What our matcher says of random roles, compared with the API server's own authorizer, which a SubjectAccessReview
 * asks. Curfew is not installed here.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import rbacImpersonate from '../src/checks/rbac-impersonate.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { collectGrants, listRights } from '../src/objects/rbac/grants.ts';
import type { Right } from '../src/objects/rbac/rules.ts';
import { allowsName, listGranted, prepareRights, readRules } from '../src/objects/rbac/rules.ts';
import { type Authorizer, inParallel, openAuthorizer, RBAC, type RoleKind } from './authorizer.ts';
import { EXTRA_QUESTIONS, judgeUpdate, ROLE_CHECKS, roleUpdate, toQuestion } from './role-updates.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const QUESTIONS = process.env['CURFEW_LONG'] === '1' ? 20_000 : 2_000;
const QUESTIONS_PER_ROLE = 20;
const UPDATES = process.env['CURFEW_LONG'] === '1' ? 2_000 : 150;
const SEED = Number(process.env['CURFEW_SEED'] ?? Date.now() % 2 ** 31);
/** No rule names it. */
const OTHER_NAME = 'named-nowhere';

const RIGHTS: readonly Right[] = [
  ...['get', 'list', 'watch', 'create', 'patch'].flatMap((verb) =>
    ['secrets', 'pods', 'pods/exec', 'pods/ephemeralcontainers', 'serviceaccounts/token'].map((resource) => ({
      verb,
      group: '',
      resource,
    })),
  ),
  ...['create', 'patch'].map((verb) => ({ verb, group: 'apps', resource: 'deployments' })),
  ...['get', 'create'].map((verb) => ({ verb, group: '', resource: 'nodes/proxy', isClusterScoped: true })),
  ...['bind', 'escalate'].map((verb) => ({ verb, group: RBAC, resource: 'roles' })),
  { verb: 'bind', group: RBAC, resource: 'clusterroles' },
  { verb: 'escalate', group: RBAC, resource: 'clusterroles', isClusterScoped: true },
  { verb: 'impersonate', group: '', resource: 'users', isClusterScoped: true },
  { verb: 'impersonate', group: '', resource: 'serviceaccounts' },
  { verb: 'impersonate', group: 'authentication.k8s.io', resource: 'userextras/scopes', isClusterScoped: true },
  { verb: 'impersonate:serviceaccount', group: 'authentication.k8s.io', resource: 'serviceaccounts' },
];
const TABLES = {
  ClusterRole: prepareRights(RIGHTS),
  Role: prepareRights(RIGHTS.filter(({ isClusterScoped }) => isClusterScoped !== true)),
};

const some = (...texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 6 });

const resourceRule = fc.record({
  verbs: some('get', 'list', 'create', 'patch', 'bind', 'escalate', 'impersonate', 'impersonate:serviceaccount', '*'),
  apiGroups: some('', '', 'apps', RBAC, 'authentication.k8s.io', 'Apps', '*'),
  resources: some(
    ...['secrets', 'pods', 'deployments', 'roles', 'clusterroles', 'users', 'serviceaccounts', '*'],
    ...[
      'pods/exec',
      'pods/*',
      '*/*',
      '*/exec',
      '*/token',
      '*/proxy',
      '*/scopes',
      'exec',
      'token',
      '*/ephemeralcontainers',
    ],
    ...['serviceaccounts/token', 'nodes/proxy', 'userextras/scopes', 'userextras', 'nodes', 'PODS', ''],
  ),
  resourceNames: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    fc.uniqueArray(fc.constantFrom('', 'a', 'b', '*', 'ab'), { maxLength: 3 }),
  ),
});
const urlRule = fc.record({ verbs: some('get', 'create', '*'), nonResourceURLs: some('*', '/api', '/metrics/*') });

type RandomRole = { readonly kind: RoleKind; readonly rules: readonly JsonObject[]; readonly asked: readonly Asked[] };
type Asked = { readonly right: Right; readonly name: string };

const asked: fc.Arbitrary<Asked> = fc.record({
  right: fc.constantFrom(...RIGHTS),
  name: fc.constantFrom('', 'a', 'b', '*', OTHER_NAME),
});
const role: fc.Arbitrary<RandomRole> = fc.constantFrom<RoleKind>('ClusterRole', 'Role').chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    // A Role may not have the second kind of rule.
    rules: fc.array<JsonObject>(
      kind === 'Role' ? resourceRule : fc.oneof({ weight: 5, arbitrary: resourceRule }, urlRule),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    asked: fc.array(asked, { minLength: QUESTIONS_PER_ROLE, maxLength: QUESTIONS_PER_ROLE }),
  }),
);

let cluster: TestCluster;
let authorizer: Authorizer;
beforeAll(async () => {
  cluster = await startTestCluster();
  authorizer = await openAuthorizer(cluster);
});
afterAll(async () => {
  authorizer.close();
  await cluster.controlPlane.stop();
});

describe('Our reading of RBAC rules', () => {
  it(`is that of the API server's authorizer in ${QUESTIONS} random questions`, async () => {
    const roles = fc.sample(role, { numRuns: QUESTIONS / QUESTIONS_PER_ROLE, seed: SEED });
    await inParallel(roles, async ({ kind, rules }, index) => {
      await authorizer.grant({ kind, rules, user: `user-${index}` });
    });
    await authorizer.untilKnown();

    const differences: unknown[] = [];
    let allowed = 0;
    await inParallel(roles, async ({ kind, rules, asked }, index) => {
      const ask = async (right: Right, name: string) => {
        const isClusterScoped = right.isClusterScoped === true;
        return await authorizer.isAllowed({ user: `user-${index}`, right, name, isClusterScoped });
      };
      const read = readRules({ rules });
      const all = new Set(
        collectGrants({ rules }, undefined, { list: listRights(TABLES[kind], () => false) }).map(({ key }) => key),
      );
      for (const { right, name } of asked) {
        const ours = read.some((rule) => listGranted(rule, TABLES[kind]).includes(right) && allowsName(rule, name));
        const theirs = await ask(right, name);
        allowed += theirs ? 1 : 0;
        if (ours !== theirs) differences.push({ kind, rules, right, name, ours, theirs });

        // What is reported without a name must be allowed whatever the name is, and nothing else.
        const isNameless =
          ['create', 'list', 'watch', 'escalate'].includes(right.verb) && !right.resource.includes('/');
        const oursForAll = all.has(keyOf(right));
        const theirsForAll = await ask(right, isNameless ? '' : OTHER_NAME);
        if (oursForAll !== theirsForAll) differences.push({ kind, rules, right, oursForAll, theirsForAll });
      }
    });
    console.log(`${QUESTIONS} questions, ${allowed} of them allowed, seed ${SEED}`);
    expect({ seed: SEED, differences }).toEqual({ seed: SEED, differences: [] });
    // A generator that never hits would prove nothing.
    expect(allowed).toBeGreaterThan(QUESTIONS / 10);
  }, 600_000);
});

describe('Impersonation of extra fields', () => {
  it('is found wherever the authorizer allows it', async () => {
    const roles = fc
      .sample(roleUpdate, { numRuns: UPDATES, seed: SEED })
      .map((update) => ({ ...update, kind: 'ClusterRole' as const }));
    await inParallel(roles, async ({ kind, rules }, index) => {
      await authorizer.grant({ kind, rules, user: `extra-${index}` });
    });
    await authorizer.untilKnown();

    const differences: unknown[] = [];
    let allowed = 0;
    await inParallel(roles, async (role, index) => {
      const found = new Set(judgeUpdate(rbacImpersonate, role).found);
      for (const { right, name, told } of EXTRA_QUESTIONS) {
        const isFound = told.some((key) => found.has(key));
        const isAllowed = await authorizer.isAllowed({ user: `extra-${index}`, right, name, isClusterScoped: true });
        allowed += isAllowed ? 1 : 0;
        if (isFound !== isAllowed) differences.push({ rules: role.rules, right, name, isFound, isAllowed });
      }
    });
    expect({ seed: SEED, differences }).toEqual({ seed: SEED, differences: [] });
    expect(allowed).toBeGreaterThan(UPDATES / 5);
  }, 600_000);
});

describe('What the checks call new in an update', () => {
  it(`is what the API server's authorizer did not allow before, in ${UPDATES} random updates of roles`, async () => {
    const updates = fc.sample(roleUpdate, { numRuns: UPDATES, seed: SEED });
    await inParallel(updates, async ({ kind, oldRules, rules }, index) => {
      await authorizer.grant({ kind, rules: oldRules, user: `before-${index}` });
      await authorizer.grant({ kind, rules, user: `after-${index}` });
    });
    await authorizer.untilKnown();

    const differences: unknown[] = [];
    const counts = new Map(ROLE_CHECKS.map(({ id }) => [id, { old: 0, new: 0 }]));
    await inParallel(updates, async (update, index) => {
      for (const check of ROLE_CHECKS) {
        const { found, added } = judgeUpdate(check, update);
        for (const key of found) {
          const question = { ...toQuestion(key), isClusterScoped: update.kind === 'ClusterRole' };
          const isAllowed = await authorizer.isAllowed({ user: `after-${index}`, ...question });
          const wasAllowed = await authorizer.isAllowed({ user: `before-${index}`, ...question });
          const isNew = added.includes(key);
          const count = counts.get(check.id);
          if (count !== undefined) count[isNew ? 'new' : 'old'] += 1;
          if (!isAllowed || wasAllowed === isNew)
            differences.push({ check: check.id, update, key, isNew, isAllowed, wasAllowed });
        }
        const unfounded = added.filter((key) => !found.includes(key));
        if (unfounded.length > 0) differences.push({ check: check.id, update, unfounded });
      }
    });
    console.log(`${UPDATES} updates, seed ${SEED}:`, Object.fromEntries(counts));
    expect({ seed: SEED, differences }).toEqual({ seed: SEED, differences: [] });
    // Of every check there are some of both.
    for (const count of counts.values()) expect(Math.min(count.old, count.new)).toBeGreaterThan(UPDATES / 50);
  }, 600_000);
});

function keyOf({ verb, group, resource }: Right): string {
  const [name = '', subresource] = resource.split('/');
  return `${verb} ${name}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
}
