/**
 * What our checks say of random roles, compared with the API server's own authorizer, which a SubjectAccessReview asks.
 * Curfew is not installed here.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import rbacImpersonate from '../src/checks/rbac-impersonate.ts';
import { asArray } from '../src/objects/json.ts';
import { IS_LONG } from '../test/long.ts';
import { fc, SEED } from '../test/properties.ts';
import { type Authorizer, inParallel, openAuthorizer } from './authorizer.ts';
import { findKeys, isTold, JUDGED_RIGHTS, NAMES, randomRole } from './random-roles.ts';
import { EXTRA_QUESTIONS, judgeUpdate, ROLE_CHECKS, roleUpdate, toQuestion } from './role-updates.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const ROLES = IS_LONG ? 1_000 : 80;
const UPDATES = IS_LONG ? 2_000 : 150;

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

describe('What the checks find in a role', () => {
  it(`is what the API server's authorizer allows: each of ${JUDGED_RIGHTS.length} rights, in ${ROLES} random roles`, async () => {
    const roles = fc.sample(randomRole, { numRuns: ROLES, seed: SEED });
    await inParallel(roles, async ({ kind, rules }, index) => {
      await authorizer.grant({ kind, rules, user: `user-${index}` });
    });
    await authorizer.untilKnown();

    const differences: unknown[] = [];
    const hits = new Map(JUDGED_RIGHTS.map(({ check, key }) => [`${check.id}: ${key}`, { allowed: 0, named: 0 }]));
    let questions = 0;
    await inParallel(roles, async ({ kind, rules }, index) => {
      const found = new Map(ROLE_CHECKS.map((check) => [check, new Set(findKeys(check, kind, rules))]));
      const names = [...rules.flatMap(({ resourceNames }) => stringsOf(resourceNames)), ...NAMES];
      const name = names[index % names.length] ?? '';
      for (const judged of JUDGED_RIGHTS) {
        const { check, key, right, anyName, isClusterScoped } = judged;
        const keys = found.get(check) ?? new Set();
        const ask = async (asked: string) => {
          questions += 1;
          return await authorizer.isAllowed({ user: `user-${index}`, right, name: asked, isClusterScoped });
        };
        const hit = hits.get(`${check.id}: ${key}`) ?? { allowed: 0, named: 0 };

        // Whatever the name is.
        const isAllowed = await ask(anyName);
        hit.allowed += isAllowed ? 1 : 0;
        if (isAllowed !== keys.has(key)) differences.push({ check: check.id, kind, rules, key, isAllowed });

        // For this name; some checks want rights to be limited to names, and say nothing of those.
        const isNamedAllowed = await ask(name);
        const isNamedFound = keys.has(`${key} named ${name}`);
        hit.named += isNamedFound ? 1 : 0;
        // Told without a name, it is allowed for each, unless a request for it carries none.
        const isFoundForIt = isNamedFound || (keys.has(key) && anyName !== '');
        const isMissed = isNamedAllowed && !isNamedFound && !keys.has(key) && isTold(judged, name);
        if (isMissed || (isFoundForIt && !isNamedAllowed))
          differences.push({ check: check.id, kind, rules, key, name, isNamedAllowed, isNamedFound });
      }
    });
    const allowed = [...hits.values()].reduce((sum, hit) => sum + hit.allowed, 0);
    console.log(`${questions} questions, ${allowed} of them allowed whatever the name, seed ${SEED}`);
    expect({ seed: SEED, differences }).toEqual({ seed: SEED, differences: [] });
    // A generator that never hits would prove nothing.
    expect(questions).toBeGreaterThan(2_000);
    expect([...hits].flatMap(([right, hit]) => (hit.allowed === 0 ? right : []))).toEqual([]);
    expect([...hits.values()].filter((hit) => hit.named > 0)).not.toEqual([]);
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
          const { isNameless, ...asked } = toQuestion(key);
          const question = { ...asked, isClusterScoped: update.kind === 'ClusterRole' };
          const isAllowed = await authorizer.isAllowed({ user: `after-${index}`, ...question });
          const before = { ...question, user: `before-${index}` };
          // Who may escalate in creating a role, a request without a name, gains nothing by a role that is named.
          const wasAllowed =
            (await authorizer.isAllowed(before)) ||
            (isNameless && (await authorizer.isAllowed({ ...before, name: '' })));
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

function stringsOf(value: unknown): readonly string[] {
  return asArray(value).filter((entry) => typeof entry === 'string');
}
