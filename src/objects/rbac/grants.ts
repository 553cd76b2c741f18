/**
 * What rules grant, one by one, with a key for each, so that an update can be compared with what was stored: reordering,
 * splitting or merging rules changes no key, narrowing `*` or all names to some adds none.
 */

import type { JsonObject } from '../json.ts';
import { createCover } from './cover.ts';
import type { Grant, GrantProduct } from './products.ts';
import { countGrants, expandProduct, toProduct } from './products.ts';
import type { PolicyRule, Right, RightTable } from './rules.ts';
import { ALL, everyParent, isNameless, limitEach, limitOf, listGranted, readRules } from './rules.ts';

/** A grant with the rule it comes from, and the key that the stored object has for it, if it grants it already. */
export type KeyedGrant = {
  readonly key: string;
  readonly grant: Grant;
  readonly rule: PolicyRule;
  readonly isNew: boolean;
  /** True if only what nobody is told of granted it before: no finding, and yet held. */
  readonly isUntold?: true;
};

/** What of a rule is looked at. */
export type ListGrants = (rule: PolicyRule) => Iterable<GrantProduct>;

/** Told one by one up to here; beyond it a rule is told as a whole. Hardly a role that a person wrote comes near. */
export const MOST_GRANTS = 2_000;

/** More are not compared with, which may show as new what is old. */
const MOST_OLD_PRODUCTS = 5_000;

export type CollectGrants = {
  readonly list: ListGrants;
  /**
   * What else old rules may grant of the same, but is never told: a `*` in `verbs` is also each verb that begins with
   * `impersonate-on:`, and no finding by itself. What it covers adds nothing.
   */
  readonly untold?: ListGrants;
  /** How many grants of an object are told one by one. Default: {@link MOST_GRANTS}. */
  readonly most?: number;
};

/** What the rules of `object` grant of what `list` looks at, each once; compared with `oldObject`, if there is one. */
export function collectGrants(
  object: JsonObject,
  oldObject: JsonObject | undefined,
  { list, untold, most = MOST_GRANTS }: CollectGrants,
): readonly KeyedGrant[] {
  const found = collect(object, list, most);
  const old = oldObject === undefined || found.size === 0 ? undefined : collect(oldObject, list, most);
  if (old === undefined) {
    return Array.from(found, ([key, { grant, rule }]) => ({ key, grant, rule, isNew: true }));
  }
  const findOld = findIn(old, list);
  const isUntold = coverByUntold(oldObject, untold);
  const keyed = new Map<string, KeyedGrant>();
  for (const [text, { grant, rule, isWhole }] of found) {
    const known = findOld(text, { grant, rule, isWhole });
    const key = known ?? text;
    if (keyed.has(key)) continue;
    const isCovered = known === undefined && isUntold(isWhole ? list(rule) : [toProduct(grant)]);
    const state = isCovered ? ({ isNew: false, isUntold: true } as const) : { isNew: known === undefined };
    keyed.set(key, { key, grant, rule, ...state });
  }
  return [...keyed.values()];
}

/** Lists the rights of `table` that a rule grants; those limited to names only if `countsName` says so for the name. */
export function listRights(table: RightTable, countsName: (right: Right, name: string) => boolean): ListGrants {
  return function* list(rule) {
    for (const right of listGranted(rule, table)) {
      const names = limitOf(rule, right)?.filter((name) => countsName(right, name));
      if (names?.length === 0) continue;
      const product = { verbs: [right.verb], groups: [right.group], resources: [right.resource] };
      yield names === undefined ? product : { ...product, names };
    }
  };
}

/** Lists the product of these parts of a rule; `*` takes the place of the rest of its list. */
export function* listProduct(
  rule: PolicyRule,
  parts: Pick<PolicyRule, 'verbs' | 'groups' | 'resources'>,
): Iterable<GrantProduct> {
  const groups = reduce(parts.groups);
  for (const limited of limitEach(rule, reduce(parts.verbs), reduce(parts.resources))) {
    const product = { ...limited, groups };
    if (countGrants(product) > 0) yield product;
  }
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

type Found = {
  /** One of them, if the rule is told as a whole. */
  readonly grant: Grant;
  readonly rule: PolicyRule;
  readonly isWhole: boolean;
};

/** Grants by their keys, or rules by their texts. */
type Collected = Pick<ReadonlyMap<string, Found>, 'has' | 'size' | typeof Symbol.iterator>;

function collect(object: JsonObject, list: ListGrants, most: number): Collected {
  const rules = readRules(object);
  const found = new Map<string, Found>();
  let count = 0;
  for (const rule of rules) {
    for (const product of list(rule)) {
      count += countGrants(product);
      if (count > most) return collectWhole(rules, list);
      for (const grant of expandProduct(product)) addTo(found, grant, rule);
    }
  }
  return found;
}

function addTo(found: Map<string, Found>, grant: Grant, rule: PolicyRule): void {
  const text = keyOf(grant);
  const other = found.get(text);
  // A reader is sent to the rule that names it, not to one that has it by a `*`.
  if (other === undefined || (other.rule.isForAllResources && !rule.isForAllResources))
    found.set(text, { grant, rule, isWhole: false });
}

/** Every rule that grants anything, by its own text. */
function collectWhole(rules: readonly PolicyRule[], list: ListGrants): Collected {
  const distinct = listDistinct(rules);
  const found: [string, Found][] = [];
  for (const [text, rule] of distinct) {
    const [product] = list(rule);
    const [grant] = product === undefined ? [] : expandProduct(product);
    if (grant !== undefined) found.push([text, { grant, rule, isWhole: true }]);
  }
  return {
    size: found.length,
    // Who asks has a rule of this text that grants something, and so does the one that is here.
    has: (text) => found.length > 0 && distinct.has(text),
    [Symbol.iterator]: () => found.values(),
  };
}

/** The first rule of each text; what it grants is in the text. Made once for all that ask. */
function listDistinct(rules: readonly PolicyRule[]): ReadonlyMap<string, PolicyRule> {
  const known = DISTINCT.get(rules);
  if (known !== undefined) return known;
  const distinct = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const text = `all of ${JSON.stringify(rule.raw)}`;
    if (!distinct.has(text)) distinct.set(text, rule);
  }
  DISTINCT.set(rules, distinct);
  return distinct;
}

const DISTINCT = new WeakMap<readonly PolicyRule[], ReadonlyMap<string, PolicyRule>>();

/** Finds the key under which `old` grants the same or more; undefined if it does not. */
function findIn(old: Collected, list: ListGrants): (text: string, found: Found) => string | undefined {
  let cover: (products: Iterable<GrantProduct>) => string | undefined;
  const coverOnce = () => (cover ??= coverBy(old, list));
  const [[, first] = []] = old;
  const isOldWhole = first?.isWhole === true;
  return (text, { grant, rule, isWhole }) => {
    if (old.has(text)) return text;
    if (isWhole) return coverOnce()(list(rule));
    return isOldWhole ? coverOnce()([toProduct(grant)]) : findCovering(grant, old);
  };
}

function coverBy(old: Collected, list: ListGrants) {
  const products: GrantProduct[] = [];
  const keys: string[] = [];
  for (const [key, { grant, rule, isWhole }] of old) {
    if (products.length >= MOST_OLD_PRODUCTS) break;
    for (const product of isWhole ? list(rule) : [toProduct(grant)]) {
      products.push(product);
      keys.push(key);
    }
  }
  const { find } = createCover(products);
  return (wanted: Iterable<GrantProduct>): string | undefined => {
    const number = find(wanted);
    return number === undefined ? undefined : keys[number];
  };
}

/** Whether something is covered by what the rules of `oldObject` grant without being told of it. */
function coverByUntold(oldObject: JsonObject | undefined, untold: ListGrants | undefined) {
  if (oldObject === undefined || untold === undefined) return () => false;
  const products = readRules(oldObject).flatMap((rule) => [...untold(rule)]);
  const { find } = createCover(products.slice(0, MOST_OLD_PRODUCTS));
  return (wanted: Iterable<GrantProduct>): boolean => find(wanted) !== undefined;
}

/** The same for a grant where all are told one by one. */
function findCovering(grant: Grant, old: Collected): string | undefined {
  const pattern = everyParent(grant.resource);
  const resources = [grant.resource, ALL, ...(pattern === undefined ? [] : [pattern])];
  const wider = [grant.verb, ALL].flatMap((verb) =>
    [grant.group, ALL].flatMap((group) => resources.map((resource) => ({ verb, group, resource }))),
  );
  const names = [...(grant.name === undefined ? [] : [grant.name]), ...(isNameless(grant) ? [''] : [])];
  const named = names.flatMap((name) => wider.map((right) => ({ ...right, name })));
  return [...wider, ...named].map(keyOf).find((key) => old.has(key));
}

function reduce(texts: readonly string[]): readonly string[] {
  return texts.includes(ALL) ? [ALL] : texts;
}
