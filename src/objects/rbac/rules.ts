/**
 * What a Role or ClusterRole grants, read as the RBAC authorizer reads it: kubernetes
 * pkg/apis/rbac/v1/evaluation_helpers.go (VerbMatches, APIGroupMatches, ResourceMatches, ResourceNameMatches) and
 * plugin/pkg/auth/authorizer/rbac/rbac.go (RuleAllows). An end-to-end test compares the two.
 *
 * A rule grants the product of its lists, which may be astronomically large: nothing here ever writes it out.
 */

import type { JsonObject, JsonValue } from '../json.ts';
import { asArray, isObject, member } from '../json.ts';

/** Stands for every verb, API group or resource, subresources included. */
export const ALL = '*';

export type PolicyRule = {
  /** Its place in `rules`. */
  readonly index: number;
  readonly raw: JsonObject;
  readonly verbs: readonly string[];
  readonly groups: readonly string[];
  /** As they stand: `pods`, `pods/exec`, `*`, `*` with a subresource. */
  readonly resources: readonly string[];
  /** Empty: whatever the name. */
  readonly names: readonly string[];
  /** True if it says `*` where resources are named: its author had none of them in mind. */
  readonly isForAllResources: boolean;
  /** True if a request without a name passes `resourceNames`. */
  readonly allowsNameless: boolean;
};

/** One thing that a rule may allow. */
export type Right = {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/exec`. */
  readonly resource: string;
  /** True for what is in no namespace: a Role that lists it grants nothing. */
  readonly isClusterScoped?: boolean;
};

/** Rights to look for, prepared so that a rule is read once for all of them. */
export type RightTable = {
  readonly rights: readonly {
    readonly right: Right;
    /** The pattern that grants its subresource of every resource; undefined for a resource itself. */
    readonly everyParent: string | undefined;
  }[];
  readonly verbs: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
};

/**
 * The rules of a Role or ClusterRole. Rules for `nonResourceURLs` have no resources and so grant none; in an aggregated
 * ClusterRole these are the rules the controller wrote last, or a person by hand.
 */
export function readRules(object: JsonObject): readonly PolicyRule[] {
  const list = member(object, 'rules');
  if (!isArray(list)) return NO_RULES;
  const known = READ.get(list);
  if (known !== undefined) return known;
  const rules = list.flatMap((raw, index) => (isObject(raw) ? [readRule(raw, index)] : []));
  READ.set(list, rules);
  return rules;
}

const NO_RULES: readonly PolicyRule[] = [];

/** Eight checks ask for the rules of one role, at two levels; they are read once. Nothing changes a role in place. */
const READ = new WeakMap<readonly JsonValue[], readonly PolicyRule[]>();

/** Not what `Array.isArray` makes of a readonly array. */
function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function readRule(raw: JsonObject, index: number): PolicyRule {
  const resources = strings(raw, 'resources');
  const names = strings(raw, 'resourceNames');
  return {
    index,
    raw,
    verbs: strings(raw, 'verbs'),
    groups: strings(raw, 'apiGroups'),
    resources,
    names,
    isForAllResources: resources.includes(ALL),
    allowsNameless: names.length === 0 || names.includes(''),
  };
}

/** Prepares `rights` for {@link listGranted}. */
export function prepareRights(rights: readonly Right[]): RightTable {
  const prepared = rights.map((right) => ({ right, everyParent: everyParent(right.resource) }));
  return {
    rights: prepared,
    verbs: new Set([ALL, ...rights.map(({ verb }) => verb)]),
    groups: new Set([ALL, ...rights.map(({ group }) => group)]),
    resources: new Set([
      ALL,
      ...rights.map(({ resource }) => resource),
      ...prepared.flatMap(({ everyParent }) => everyParent ?? []),
    ]),
  };
}

/** The rights of the table that `rule` grants, for some name at least. Reads the rule once. */
export function listGranted(rule: PolicyRule, table: RightTable): readonly Right[] {
  // Most rules have nothing of the table, and nothing is made for them.
  if (!hasAny(rule.verbs, table.verbs) || !hasAny(rule.resources, table.resources)) return NO_RIGHTS;
  const groups = pick(rule.groups, table.groups);
  if (groups.size === 0) return NO_RIGHTS;
  const verbs = pick(rule.verbs, table.verbs);
  const resources = pick(rule.resources, table.resources);
  const [isAnyVerb, isAnyGroup, isAnyResource] = [verbs.has(ALL), groups.has(ALL), resources.has(ALL)];
  const granted: Right[] = [];
  for (const { right, everyParent } of table.rights) {
    if (!isAnyVerb && !verbs.has(right.verb)) continue;
    if (!isAnyGroup && !groups.has(right.group)) continue;
    const isListed = resources.has(right.resource) || (everyParent !== undefined && resources.has(everyParent));
    if (isAnyResource || isListed) granted.push(right);
  }
  return granted;
}

const NO_RIGHTS: readonly Right[] = [];

/** True if the rule allows a request for the object `name`, where it grants the right at all; an empty name is a name. */
export function allowsName(rule: PolicyRule, name: string): boolean {
  return rule.names.length === 0 || rule.names.includes(name);
}

/**
 * The names to which `rule` limits this right; undefined for none. A request to create, list or watch carries no name,
 * and the authorizer compares its empty name like any other: an empty string in `resourceNames` allows all of it.
 */
export function limitOf(rule: PolicyRule, right: Right): readonly string[] | undefined {
  if (rule.names.length === 0) return undefined;
  return rule.allowsNameless && isNameless(right) ? undefined : rule.names;
}

/** True if a request for this carries no name, so that granting it for the empty name grants it. */
export function isNameless({ verb, resource }: Pick<Right, 'verb' | 'resource'>): boolean {
  return NAMELESS_VERBS.has(verb) && isNamelessResource(resource);
}

/** What is created below an object carries that object's name, and `*` stands for subresources too. */
function isNamelessResource(resource: string): boolean {
  return resource !== ALL && !resource.includes('/');
}

/** The product of `verbs` and `resources` of a rule in up to three, each limited to its names as a whole or not at all. */
export function limitEach(
  { names, allowsNameless }: PolicyRule,
  verbs: readonly string[],
  resources: readonly string[],
): readonly Limited[] {
  if (names.length === 0) return [{ verbs, resources }];
  if (!allowsNameless) return [{ verbs, resources, names }];
  const { nameless, named } = splitNameless(verbs, resources);
  return [nameless, ...named.map((part) => ({ ...part, names }))];
}

/** A product in what is asked for without a name, and what is asked for with one. Parts may be empty. */
export function splitNameless(verbs: readonly string[], resources: readonly string[]) {
  const namelessVerbs = verbs.filter((verb) => NAMELESS_VERBS.has(verb));
  return {
    nameless: { verbs: namelessVerbs, resources: resources.filter(isNamelessResource) },
    named: [
      { verbs: namelessVerbs, resources: resources.filter((resource) => !isNamelessResource(resource)) },
      { verbs: verbs.filter((verb) => !NAMELESS_VERBS.has(verb)), resources },
    ],
  };
}

type Limited = {
  readonly verbs: readonly string[];
  readonly resources: readonly string[];
  readonly names?: readonly string[];
};

/** Not `*`, which stands for verbs with a name too. */
const NAMELESS_VERBS: ReadonlySet<string> = new Set(['create', 'list', 'watch', 'deletecollection', 'escalate']);

/** The pattern that grants this subresource of every resource; undefined for a resource itself. */
export function everyParent(resource: string): string | undefined {
  const slash = resource.indexOf('/');
  return slash === -1 ? undefined : `${ALL}${resource.slice(slash)}`;
}

function hasAny(texts: readonly string[], wanted: ReadonlySet<string>): boolean {
  for (const text of texts) if (wanted.has(text)) return true;
  return false;
}

function pick(texts: readonly string[], wanted: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const text of texts) if (wanted.has(text)) found.add(text);
  return found;
}

function strings(rule: JsonObject, key: string): readonly string[] {
  return asArray(member(rule, key)).filter((entry) => typeof entry === 'string');
}
