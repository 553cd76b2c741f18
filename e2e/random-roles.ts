/** Every right that some check looks for, and random roles that grant some of them. */

import type { Check } from '../src/checks/define-check.ts';
import type { JsonObject } from '../src/objects/json.ts';
import type { Right } from '../src/objects/rbac/rules.ts';
import { everyParent } from '../src/objects/rbac/rules.ts';
import { fc } from '../test/properties.ts';
import type { RoleKind } from './authorizer.ts';
import { judgeUpdate, ROLE_CHECKS, toQuestion } from './role-updates.ts';

const EVERYTHING: JsonObject = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };

/** What `check` finds in a role of these rules. */
export function findKeys(check: Check, kind: RoleKind, rules: readonly JsonObject[]): readonly string[] {
  return judgeUpdate(check, { kind, oldRules: [], rules }).found;
}

export type JudgedRight = {
  readonly check: Check;
  /** As the check calls it where no name limits it. */
  readonly key: string;
  readonly right: Right;
  /** What a request for it says, if it need not say a name: nothing, or a name that no rule has. */
  readonly anyName: string;
  /** True if a Role that lists it grants nothing. */
  readonly isClusterScoped: boolean;
};

/**
 * Every right of the tables of all checks, as the checks themselves name them in a role that allows everything. Keys with a
 * `*` stand for what no table can list: `rbac-wildcard`, extra fields.
 */
export const JUDGED_RIGHTS: readonly JudgedRight[] = ROLE_CHECKS.flatMap((check) => {
  const inNamespace = new Set(findKeys(check, 'Role', [EVERYTHING]));
  return findKeys(check, 'ClusterRole', [EVERYTHING])
    .filter((key) => !key.includes('*'))
    .map((key) => {
      const { right, name } = toQuestion(key);
      return { check, key, right, anyName: name, isClusterScoped: !inNamespace.has(key) };
    });
});

/** Names of roles, signers and of nothing in particular. */
export const NAMES = ['a', 'b', '', '*', 'cluster-admin', 'kubernetes.io/kube-apiserver-client'] as const;

const toldNames = new Map<string, boolean>();

/** True if the check speaks of this right where it is limited to this very name: some ask for just that. */
export function isTold({ check, right, key }: JudgedRight, name: string): boolean {
  const question = `${check.id} ${key} ${name}`;
  const known = toldNames.get(question);
  if (known !== undefined) return known;
  const { verb, group, resource } = right;
  const rule = { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name] };
  const isFound = findKeys(check, 'ClusterRole', [rule]).length > 0;
  toldNames.set(question, isFound);
  return isFound;
}

const resourcesOf = (right: Right) => [right.resource, everyParent(right.resource) ?? right.resource];
const VERBS = [...new Set(JUDGED_RIGHTS.map(({ right }) => right.verb)), '*', 'delete'];
const GROUPS = [...new Set(JUDGED_RIGHTS.map(({ right }) => right.group)), '*', 'Apps'];
const RESOURCES = [
  ...new Set(JUDGED_RIGHTS.flatMap(({ right }) => resourcesOf(right))),
  ...['*', '*/*', 'pods/*', 'exec', 'token', 'nodes', 'userextras', 'PODS', ''],
];

const some = (texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { maxLength: 3 });
const join = (first: string, more: readonly string[]) => [...new Set([first, ...more])];

/** A rule for one right at least, but where one of its lists is another's. */
const resourceRule: fc.Arbitrary<JsonObject> = fc
  .record({
    right: fc.constantFrom(...JUDGED_RIGHTS.map(({ right }) => right)),
    isEveryParent: fc.boolean(),
    verbs: some(VERBS),
    groups: some(GROUPS),
    resources: some(RESOURCES),
    resourceNames: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      fc.uniqueArray(fc.constantFrom(...NAMES, 'ab'), { maxLength: 3 }),
    ),
  })
  .map(({ right, isEveryParent, verbs, groups, resources, resourceNames }) => ({
    verbs: join(right.verb, verbs),
    apiGroups: join(right.group, groups),
    resources: join(resourcesOf(right)[isEveryParent ? 1 : 0] ?? '', resources),
    resourceNames,
  }));
const urlRule = fc.record({
  verbs: some(VERBS).map((verbs) => join('get', verbs)),
  nonResourceURLs: fc.constant(['*']),
});

/** A Role may not have the second kind of rule. */
export const randomRole: fc.Arbitrary<{ readonly kind: RoleKind; readonly rules: readonly JsonObject[] }> = fc
  .constantFrom<RoleKind>('ClusterRole', 'ClusterRole', 'Role')
  .chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      rules: fc.array<JsonObject>(
        fc.oneof(
          { weight: 20, arbitrary: resourceRule },
          { weight: 2, arbitrary: fc.constant(EVERYTHING) },
          ...(kind === 'Role' ? [] : [{ weight: 2, arbitrary: urlRule }]),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  );
