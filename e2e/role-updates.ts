/** Random updates of roles, what the checks find in them, and the question that shows whether it is new. */

import type { Check } from '../src/checks/define-check.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { prepareExample } from '../src/engine/example-subject.ts';
import type { JsonObject } from '../src/objects/json.ts';
import type { Right } from '../src/objects/rbac/rules.ts';
import { isNameless } from '../src/objects/rbac/rules.ts';
import { fc } from '../test/properties.ts';
import { RBAC, type RoleKind } from './authorizer.ts';

export type RoleUpdate = {
  readonly kind: RoleKind;
  readonly oldRules: readonly JsonObject[];
  readonly rules: readonly JsonObject[];
};

const some = (...texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 4 });

const names = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  fc.uniqueArray(fc.constantFrom('', 'a', 'b', '*', 'cluster-admin'), { maxLength: 3 }),
);
const rule: fc.Arbitrary<JsonObject> = fc.record({
  verbs: some(
    ...['get', 'list', 'create', 'patch', 'bind', 'escalate', 'impersonate', 'impersonate:user-info', '*', '*'],
    'impersonate-on:serviceaccount:get',
  ),
  apiGroups: some('', '', 'apps', RBAC, 'authentication.k8s.io', '*'),
  resources: some(
    ...['secrets', 'pods', 'deployments', 'roles', 'clusterroles', 'users', 'uids', 'serviceaccounts', '*', '*'],
    ...['pods/exec', '*/*', '*/exec', '*/token', '*/proxy', '*/scopes', 'serviceaccounts/token', 'nodes/proxy'],
    ...['userextras/scopes', 'userextras/*', 'userextras'],
  ),
  resourceNames: names,
});

/** Rules made from others: some left out, some limited to other names, some for everything, some new ones. */
function changed(oldRules: readonly JsonObject[]): fc.Arbitrary<readonly JsonObject[]> {
  const edited = oldRules.map((old) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([old]) },
      fc.constant([]),
      names.map((resourceNames) => [{ ...old, resourceNames }]),
      fc.constantFrom('verbs', 'apiGroups', 'resources').map((part) => [{ ...old, [part]: ['*'] }]),
      rule.map(({ resources = [] }) => [{ ...old, resources }]),
      rule.map(({ verbs = [] }) => [{ ...old, verbs }]),
    ),
  );
  return fc
    .tuple(fc.tuple(...edited), fc.array(rule, { maxLength: 1 }))
    .map(([kept, more]) => [...kept.flat(), ...more]);
}

export const roleUpdate: fc.Arbitrary<RoleUpdate> = fc
  .tuple(fc.constantFrom<RoleKind>('ClusterRole', 'Role'), fc.array(rule, { minLength: 1, maxLength: 4 }))
  .chain(([kind, oldRules]) => changed(oldRules).map((rules) => ({ kind, oldRules, rules })));

/** The checks that judge what a role allows. */
export const ROLE_CHECKS: readonly Check[] = CHECKS.filter(({ reads }) =>
  reads.some(({ group, resource }) => group === RBAC && resource === 'clusterroles'),
);

export type Judged = {
  /** What `check` finds in the updated role, whatever was stored. */
  readonly found: readonly string[];
  /** What it refuses of that, because the stored role did not have it. */
  readonly added: readonly string[];
};

/** The keys of what `check` says at restricted. */
export function judgeUpdate(check: Check, { kind, oldRules, rules }: RoleUpdate): Judged {
  const toObject = (given: readonly JsonObject[]): JsonObject => ({
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name: 'web', ...(kind === 'Role' ? { namespace: 'shop' } : {}) },
    rules: given,
  });
  const keysOf = (subject: { readonly object: JsonObject; readonly oldObject?: JsonObject }) => {
    const example = { title: '', level: 'restricted', subject, expect: 'allowed' } as const;
    const prepared = prepareExample(check, example);
    const outcomes = check.evaluate(prepared.subject, prepared.settings, { ...prepared.context, level: 'restricted' });
    return outcomes.flatMap((outcome) => ('key' in outcome ? [outcome.key] : []));
  };
  const [object, oldObject] = [toObject(rules), toObject(oldRules)];
  // As the engine does it: what the stored object had is known by its key.
  const known = new Set(keysOf({ object: oldObject }));
  return { found: keysOf({ object }), added: keysOf({ object, oldObject }).filter((key) => !known.has(key)) };
}

/** No rule says any of these, so only a `*` grants it. */
const UNHEARD = { verb: 'unheard', group: 'unheard.example', resource: 'unheards', name: 'named-nowhere' };

const KEY =
  /^(?<verb>\S+) (?<resource>[^./\s]+)(?:\.(?<group>[^/\s]+))?(?:\/(?<subresource>\S+))?(?: named (?<name>.*))?$/;

/** A request that is allowed exactly where all of what `key` says is allowed: for a `*` what no rule can name. */
export function toQuestion(key: string): {
  readonly right: Right;
  readonly name: string;
  /** Asked for without a name, it grants as much as with any. */
  readonly isNameless: boolean;
} {
  const parts = KEY.exec(key)?.groups;
  if (parts === undefined) throw new Error(`"${key}" is not the key of a grant`);
  const { verb = '', resource = '', group = '', subresource, name } = parts;
  const base = resource === '*' ? UNHEARD.resource : resource;
  const right = {
    verb: verb === '*' ? UNHEARD.verb : verb,
    group: group === '*' ? UNHEARD.group : group,
    resource: subresource === undefined ? base : `${base}/${subresource}`,
  };
  // Of `*` subresources are part, and they are asked for with a name.
  const isAskedWithoutName = resource !== '*' && isNameless(right);
  return { right, name: name ?? (isAskedWithoutName ? '' : UNHEARD.name), isNameless: isAskedWithoutName };
}

/** Questions of impersonation whose resources have names that nobody can list beforehand, and how they may be told. */
export const EXTRA_QUESTIONS = ['impersonate', 'impersonate:user-info'].flatMap((verb) =>
  ['scopes', 'unheard'].flatMap((extra) =>
    ['a', UNHEARD.name].map((name) => {
      const group = 'authentication.k8s.io';
      const told = [`${verb} userextras.${group}/${extra}`, `${verb} *.${group}`];
      return {
        right: { verb, group, resource: `userextras/${extra}` },
        name,
        told: [...told, ...told.map((key) => `${key} named ${name}`)],
      };
    }),
  ),
);
