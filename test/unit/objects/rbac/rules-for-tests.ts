/** Rules for tests of what they grant: written in a line, or at random. */

import type { JsonObject } from '../../../../src/objects/json.ts';
import { collectGrants, type ListGrants, listProduct, listRights } from '../../../../src/objects/rbac/grants.ts';
import { prepareRights } from '../../../../src/objects/rbac/rules.ts';
import { fc } from '../../../properties.ts';

export type Rule = {
  readonly verbs: string[];
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly resourceNames?: string[];
};

/** Words for each list; `-` stands for the empty text, such as the core API group. */
export function rule(verbs: string, apiGroups: string, resources: string, names?: string): Rule {
  const split = (text: string) => text.split(' ').map((word) => (word === '-' ? '' : word));
  return {
    verbs: split(verbs),
    apiGroups: split(apiGroups),
    resources: split(resources),
    ...(names === undefined ? {} : { resourceNames: split(names) }),
  };
}

/** A part of what random rules grant, so that some of them matter. */
const TABLE = prepareRights(
  ['get', 'list', 'create'].flatMap((verb) =>
    ['secrets', 'pods', 'pods/exec'].map((resource) => ({ verb, group: '', resource })),
  ),
);
export const RIGHTS: ListGrants = listRights(TABLE, () => true);
export const WILDCARDS: ListGrants = (read) =>
  [read.verbs, read.groups, read.resources].some((list) => list.includes('*')) ? listProduct(read, read) : [];

export const keysOf = (list: ListGrants, rules: readonly JsonObject[], old?: readonly JsonObject[]) =>
  collectGrants({ rules }, old === undefined ? undefined : { rules: old }, { list });
export const added = (list: ListGrants, rules: readonly JsonObject[], old: readonly JsonObject[]) =>
  keysOf(list, rules, old)
    .filter(({ isNew }) => isNew)
    .map(({ key }) => key);

const some = (...texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 });
const randomRule: fc.Arbitrary<Rule> = fc.record(
  {
    verbs: some('get', 'list', 'create', 'patch', '*'),
    apiGroups: some('', 'apps', '*'),
    resources: some('secrets', 'pods', 'pods/exec', '*/exec', 'deployments', 'a.b', '*'),
    resourceNames: fc.uniqueArray(fc.constantFrom('', 'a', 'b', 'c d'), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
);
export const randomRules = fc.array(randomRule, { minLength: 1, maxLength: 5 });
