/**
 * What rules grant, one by one, with a key for each, so that an update can be compared with what was stored: reordering,
 * splitting or merging rules changes no key, narrowing `*` or all names to some adds none.
 */

import type { JsonObject } from './json.ts';
import type { PolicyRule, Right, RightTable } from './rbac.ts';
import { ALL, limitOf, listGranted, readRules } from './rbac.ts';

/** One thing granted, as far as it goes: each part may be `*`. */
export type Grant = {
  readonly verb: string;
  readonly group: string;
  /** With its subresource. */
  readonly resource: string;
  /** Undefined: whatever the name. */
  readonly name?: string;
};

/** A grant with the rule it comes from, and the key that the stored object has for it, if it grants it already. */
export type KeyedGrant = {
  readonly key: string;
  readonly grant: Grant;
  readonly rule: PolicyRule;
  readonly isNew: boolean;
};

/** What of a rule is looked at, lazily: its product may be larger than memory. */
export type ListGrants = (rule: PolicyRule) => Iterable<Grant>;

/** Told one by one up to here; beyond it a rule counts as a whole. No role that a person wrote comes near. */
export const MOST_GRANTS = 2_000;

/** What the rules of `object` grant of what `list` looks at, each once; compared with `oldObject`, if there is one. */
export function collectGrants(
  object: JsonObject,
  oldObject: JsonObject | undefined,
  list: ListGrants,
): readonly KeyedGrant[] {
  const found = collect(object, list);
  const old = oldObject === undefined || found.size === 0 ? undefined : collect(oldObject, list);
  const keyed = new Map<string, KeyedGrant>();
  for (const [text, { grant, rule }] of found) {
    const known = old === undefined ? undefined : findCovering(text, grant, old);
    const key = known ?? text;
    if (!keyed.has(key)) keyed.set(key, { key, grant, rule, isNew: known === undefined });
  }
  return [...keyed.values()];
}

/** Lists the rights of `table` that a rule grants; those limited to names only if `countsName` says so for the name. */
export function listRights(table: RightTable, countsName: (grant: Grant, name: string) => boolean): ListGrants {
  return function* list(rule) {
    for (const { verb, group, resource } of listGranted(rule, table)) {
      for (const grant of nameEach(rule, { verb, group, resource })) {
        if (grant.name === undefined || countsName(grant, grant.name)) yield grant;
      }
    }
  };
}

/** Lists the product of these parts of a rule; `*` takes the place of the rest of its list. */
export function* listProduct(
  rule: PolicyRule,
  parts: Pick<PolicyRule, 'verbs' | 'groups' | 'resources'>,
): Iterable<Grant> {
  const groups = reduce(parts.groups);
  const resources = reduce(parts.resources);
  for (const verb of reduce(parts.verbs)) {
    for (const group of groups) {
      for (const resource of resources) yield* nameEach(rule, { verb, group, resource });
    }
  }
}

function* nameEach(rule: PolicyRule, right: Right): Iterable<Grant> {
  const names = limitOf(rule, right);
  if (names === undefined) yield right;
  else for (const name of names) yield { ...right, name };
}

/** The key of a grant, in kubectl's words: `create pods/exec`, `patch deployments.apps named web`. */
function keyOf({ verb, group, resource, name }: Grant): string {
  const text = `${plain(verb, VERB)} ${formatGranted({ group, resource })}`;
  return name === undefined ? text : `${text} named ${name}`;
}

/** `deployments.apps`, `pods/exec`: the form kubectl uses. A part that could be taken for two is in quotes. */
export function formatGranted({ group, resource }: Pick<Grant, 'group' | 'resource'>): string {
  const slash = resource.indexOf('/');
  const base = slash === -1 ? resource : resource.slice(0, slash);
  const subresource = slash === -1 ? '' : `/${plain(resource.slice(slash + 1), SUBRESOURCE)}`;
  return `${plain(base, RESOURCE)}${group === '' ? '' : `.${plain(group, GROUP)}`}${subresource}`;
}

const VERB = /^[^\s"]+$/;
const RESOURCE = /^[^\s"./]+$/;
const GROUP = /^[^\s"/]+$/;
const SUBRESOURCE = /^[^\s"]+$/;

/** Two grants never have the same key, whatever a rule's strings are. */
function plain(text: string, pattern: RegExp): string {
  return pattern.test(text) ? text : JSON.stringify(text);
}

type Found = { readonly grant: Grant; readonly rule: PolicyRule };

function collect(object: JsonObject, list: ListGrants): ReadonlyMap<string, Found> {
  const rules = readRules(object);
  const found = new Map<string, Found>();
  let count = 0;
  for (const rule of rules) {
    for (const grant of list(rule)) {
      count += 1;
      if (count > MOST_GRANTS) return collectWhole(rules, list);
      const text = keyOf(grant);
      const other = found.get(text);
      // A reader is sent to the rule that names it, not to one that has it by a `*`.
      if (other === undefined || (other.rule.isForAllResources && !rule.isForAllResources))
        found.set(text, { grant, rule });
    }
  }
  return found;
}

/** Every rule that grants anything, by its own text: a rule that stays as it is adds nothing. */
function collectWhole(rules: readonly PolicyRule[], list: ListGrants): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>();
  for (const rule of rules) {
    const [grant] = list(rule);
    if (grant === undefined) continue;
    const text = `all of ${JSON.stringify(rule.raw)}`;
    if (!found.has(text)) found.set(text, { grant, rule });
  }
  return found;
}

/** The key under which `old` grants the same or more; undefined if it does not. */
function findCovering(text: string, grant: Grant, old: ReadonlyMap<string, Found>): string | undefined {
  if (old.has(text)) return text;
  const slash = grant.resource.indexOf('/');
  const resources = [grant.resource, ALL, ...(slash === -1 ? [] : [`${ALL}${grant.resource.slice(slash)}`])];
  const wider = [grant.verb, ALL].flatMap((verb) =>
    [grant.group, ALL].flatMap((group) => resources.map((resource) => ({ verb, group, resource }))),
  );
  const named = grant.name === undefined ? [] : wider.map((right) => ({ ...right, name: grant.name }));
  return [...wider, ...named].map(keyOf).find((key) => old.has(key));
}

function reduce(texts: readonly string[]): readonly string[] {
  return texts.includes(ALL) ? [ALL] : texts;
}
