/** What the checks on Roles and ClusterRoles share: what they read, and the words for what a rule grants. */

import { listAggregations } from '../objects/rbac/aggregation.ts';
import type { KeyedGrant, ListGrants } from '../objects/rbac/grants.ts';
import { collectGrants, formatGranted } from '../objects/rbac/grants.ts';
import type { Grant } from '../objects/rbac/products.ts';
import type { PolicyRule, Right, RightTable } from '../objects/rbac/rules.ts';
import { ALL, prepareRights } from '../objects/rbac/rules.ts';
import type { Reads } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { joinSome, quote, toOneLine } from '../objects/text.ts';
import type { Finding } from './define-check.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

export const READS_ROLES: readonly Reads[] = ['roles', 'clusterroles'].map((resource) => ({
  group: RBAC_GROUP,
  resource,
  operations: ['CREATE', 'UPDATE'],
}));

/** The words about one kind of grant; grants of a rule that share them are told in one sentence. */
export type GrantWords = {
  readonly reason: string;
  /** What that means, and what is wanted: the end of the sentence, with what parts it from its beginning. */
  readonly because: string;
  readonly fix?: string;
  readonly shortFix?: string;
};

export type JudgeGrants = {
  readonly list: ListGrants;
  /** What else an old rule may grant of the same, by a `*` that nobody is told of: see `collectGrants`. */
  readonly untold?: ListGrants;
  /** The same object for the same words. */
  readonly wordsOf: (grant: Grant) => GrantWords;
  /** Checks that tell of a rule for all resources instead of this one, where they speak too. */
  readonly toldBy: readonly string[];
  /** The beginning of the sentence; by default what the rule allows. */
  readonly describe?: (rule: PolicyRule, grants: readonly Grant[]) => string;
};

/** What to do about a rule with `*` in its resources, whichever check tells of it. */
export const LIST_RESOURCES =
  'list what is needed in place of "*", for example {apiGroups: [""], resources: ["configmaps"], verbs: ["get"]}';

export const LIST_SHORTLY = 'list what is needed in place of "*"';

/**
 * The checks that speak for all others about a rule with `*` in its resources. Its author had none of the resources in
 * mind, and eight problems that all end in "replace the *" help nobody. But each check goes on finding it: where
 * `rbac-wildcard` is off or only warns, at baseline for example, another one must deny, and the key of every single
 * right must be there for an update that puts a named right in the place of `*`. `rbac-token-request` is the one at
 * baseline that every such rule for the core group meets.
 */
export const TOLD_BY_WILDCARD: readonly string[] = ['rbac-wildcard'];
export const TOLD_BY_OTHERS: readonly string[] = [...TOLD_BY_WILDCARD, 'rbac-token-request'];

/** The tables of rights for both kinds: a Role grants nothing outside its namespace. */
export type RoleTables = { readonly role: RightTable; readonly clusterRole: RightTable };

export function prepareRoleTables(rights: readonly Right[]): RoleTables {
  return {
    role: prepareRights(rights.filter(({ isClusterScoped }) => isClusterScoped !== true)),
    clusterRole: prepareRights(rights),
  };
}

export function tableFor(subject: Subject, tables: RoleTables): RightTable {
  return isRole(subject) ? tables.role : tables.clusterRole;
}

/** True for a Role, whose rights end at its namespace. */
export function isRole({ resource }: Subject): boolean {
  return resource.name === 'roles';
}

type Group = { readonly rule: PolicyRule; readonly words: GrantWords; readonly keyed: KeyedGrant[] };

/** One finding for each thing granted, those of a rule with the same words share a sentence; and who else is given it. */
export function judgeGrants(subject: Subject, settings: JudgeGrants): readonly Finding[] {
  const { list, untold, wordsOf, toldBy, describe } = settings;
  const grants = collectGrants(subject.object, subject.oldObject, untold === undefined ? { list } : { list, untold });
  const told = grants.filter(({ isUntold = false }) => !isUntold);
  return [
    ...judgeRules(groupGrants(told, wordsOf), { toldBy, describe }),
    ...judgeAggregation(subject, grants, toldBy),
  ];
}

function judgeRules(
  groups: readonly Group[],
  {
    toldBy,
    describe = describeGrants,
  }: Pick<JudgeGrants, 'toldBy'> & { readonly describe: JudgeGrants['describe'] | undefined },
): readonly Finding[] {
  let detail = '';
  return groups.flatMap(({ words, rule, keyed }, index) => {
    // Of thousands of rules nobody reads more: the rest is told as the last one was.
    if (index < MOST_SENTENCES) {
      const grants = keyed.map(({ grant }) => grant);
      detail = `${describe(rule, grants)}${words.because}.`;
    }
    const { reason, fix, shortFix } = words;
    const told = {
      path: `/rules/${rule.index}`,
      reason,
      detail,
      ...(fix === undefined ? {} : { fix }),
      ...(shortFix === undefined ? {} : { shortFix }),
      ...(rule.isForAllResources ? { fix: LIST_RESOURCES, shortFix: LIST_SHORTLY, toldBy } : {}),
    };
    return keyed.map(({ key }) => ({ ...told, key }));
  });
}

const MOST_SENTENCES = 100;

/**
 * One finding for each label that gives what was found to the holders of another role: an old role that gets such a
 * label grants nothing new itself, and yet others are given all of it.
 */
function judgeAggregation(
  subject: Subject,
  grants: readonly KeyedGrant[],
  toldBy: readonly string[],
): readonly Finding[] {
  if (grants.length === 0 || isRole(subject)) return [];
  const aggregations = listAggregations(subject.object);
  if (aggregations.length === 0) return [];
  const rules = [...new Set(grants.map(({ rule }) => `rules[${rule.index}]`))];
  const isAnyNew = grants.some(({ isNew }) => isNew);
  const isAllForAllResources = grants.every(({ rule }) => rule.isForAllResources);
  return aggregations.map(({ label, key, path, role }) => ({
    path,
    key,
    reason: 'added to another role',
    detail: `Label ${quote(label)} is "true" and gives what ${joinSome(rules)} allows to everyone bound to ClusterRole ${quote(role)} too; a role without this label is wanted for it.`,
    fix: `remove the label, or move ${joinSome(rules)} to a ClusterRole without it`,
    // One line has room for one advice: for a role that grants it newly that is the check's.
    ...(isAnyNew ? {} : { shortFix: 'remove the label' }),
    ...(isAllForAllResources ? { toldBy } : {}),
  }));
}

/** What an update adds is told apart from what was there: only that is refused. */
function groupGrants(all: readonly KeyedGrant[], wordsOf: JudgeGrants['wordsOf']): readonly Group[] {
  const groupsOf = new Map<GrantWords, Map<number, Group>>();
  for (const keyed of all) {
    const { rule, grant, isNew } = keyed;
    const words = wordsOf(grant);
    const groups = groupsOf.get(words) ?? new Map<number, Group>();
    groupsOf.set(words, groups);
    const id = 2 * rule.index + Number(isNew);
    const group = groups.get(id) ?? { rule, words, keyed: [] };
    groups.set(id, group);
    group.keyed.push(keyed);
  }
  return [...groupsOf.values()].flatMap((groups) => [...groups.values()]);
}

/** `rules[0] allows get, list, watch on secrets`; with the `*` that does it, and the names it is limited to. */
function describeGrants(rule: PolicyRule, grants: readonly Grant[]): string {
  const verbsOf = new Map<string, Set<string>>();
  const names = new Set<string>();
  for (const grant of grants) {
    const resource = shorten(formatGranted(grant));
    verbsOf.set(resource, (verbsOf.get(resource) ?? new Set()).add(shorten(grant.verb)));
    if (grant.name !== undefined) names.add(grant.name);
  }
  const resourcesOf = new Map<string, string[]>();
  for (const [resource, verbs] of verbsOf) {
    const text = joinSome([...verbs], MOST_VERBS);
    const resources = resourcesOf.get(text) ?? [];
    resources.push(resource);
    resourcesOf.set(text, resources);
  }
  const allowed = [...resourcesOf].map(([verbs, resources]) => `${verbs} on ${joinSome(resources)}`);
  const causes = listCauses(rule, grants);
  const by = causes.length === 0 ? '' : `has ${causes.join(' and ')} and so `;
  const limit = names.size === 0 ? '' : ` named ${joinSome([...names].map(quote))}`;
  return `rules[${rule.index}] ${by}allows ${joinSome(allowed)}${limit}`;
}

const MOST_VERBS = 5;
const MOST_CHARACTERS = 60;

/** What in the rule grants more than it names. */
function listCauses(rule: PolicyRule, grants: readonly Grant[]): readonly string[] {
  const { verbs, groups, names, isForAllResources } = rule;
  const causes = [
    ...(verbs.includes(ALL) ? ['"*" in verbs'] : []),
    ...(isForAllResources ? ['"*" in resources'] : []),
    ...(groups.includes(ALL) ? ['"*" in apiGroups'] : []),
    ...(names.length > 0 && grants.every(({ name }) => name === undefined) ? ['"" in resourceNames'] : []),
  ];
  if (isForAllResources) return causes;
  const named = new Set(rule.resources);
  const unnamed = grants.filter(({ resource }) => !named.has(resource));
  const patterns = new Set(unnamed.map(({ resource }) => `${ALL}${resource.slice(resource.indexOf('/'))}`));
  return [...causes, ...[...patterns].map((pattern) => `${quote(pattern)} in resources`)];
}

/** Strings of a rule may be anything. */
function shorten(text: string): string {
  const line = toOneLine(text);
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}
