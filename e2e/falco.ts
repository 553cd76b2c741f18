/**
 * Falco's conditions on Kubernetes audit events, as far as `deploy/falco-rules.yaml` uses them: lists, macros, `and`,
 * `or`, `not`, `exists`, `=`, `startswith`, `contains`, `in`, `intersects`. Falco itself is not at hand here.
 *
 * What the fields read is taken from the plugins that define them (falcosecurity/plugins, plugins/k8saudit/pkg/k8saudit/
 * extract.go and plugins/json/pkg/json/json.go); what operators mean from https://falco.org/docs/concepts/rules/conditions.
 * A comparison of a field that an event does not have is false, so that its `not` is true.
 */

import { parse } from 'yaml';
import { asArray, asString, isObject, member, valueAt } from '../src/objects/json.ts';

export type FalcoRule = {
  readonly name: string;
  readonly condition: string;
  readonly output: string;
  readonly priority: string;
  readonly source: string;
  /** True if the rule fires on this audit event. */
  matches(event: unknown): boolean;
};

/** Where the k8saudit plugin looks; the last four flatten over the rules of a role. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'ka.stage': ['stage'],
  'ka.verb': ['verb'],
  'ka.uri': ['requestURI'],
  'ka.useragent': ['userAgent'],
  'ka.user.name': ['user', 'username'],
  'ka.impuser.name': ['impersonatedUser', 'username'],
  'ka.target.name': ['objectRef', 'name'],
  'ka.target.namespace': ['objectRef', 'namespace'],
  'ka.target.resource': ['objectRef', 'resource'],
  'ka.target.subresource': ['objectRef', 'subresource'],
  'ka.response.code': ['responseStatus', 'code'],
  'ka.req.binding.role': ['requestObject', 'roleRef', 'name'],
  'ka.req.binding.subjects': ['requestObject', 'subjects'],
};
const OF_ROLES: Readonly<Record<string, string>> = {
  'ka.req.role.rules.resources': 'resources',
  'ka.req.role.rules.verbs': 'verbs',
};

type Condition = (event: unknown) => boolean;
type Tokens = { readonly all: readonly string[]; at: number };
type Known = { readonly lists: ReadonlyMap<string, readonly string[]>; readonly macros: ReadonlyMap<string, string> };

/** The rules of a file. Throws on anything that is not understood, so that nothing is taken for true by mistake. */
export function readFalcoRules(text: string): readonly FalcoRule[] {
  const items = asArray(parse(text)).filter(isObject);
  const textOf = (item: unknown, key: string) => asString(member(item, key)) ?? '';
  const known: Known = {
    lists: new Map(items.map((item) => [textOf(item, 'list'), asArray(member(item, 'items')).map(String)])),
    macros: new Map(items.map((item) => [textOf(item, 'macro'), textOf(item, 'condition')])),
  };
  return items
    .filter((item) => 'rule' in item)
    .map((item) => ({
      name: textOf(item, 'rule'),
      condition: textOf(item, 'condition'),
      output: textOf(item, 'output'),
      priority: textOf(item, 'priority'),
      source: textOf(item, 'source'),
      matches: parseCondition(textOf(item, 'condition'), known),
    }));
}

/** Every field that a condition or an output asks for. */
export function listFields(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:ka\.[a-z._A-Z]*[a-zA-Z]|jevt\.value\[[^\]]*\])/g)].map(([field]) => field);
}

/** The values of a field in this event; undefined if it has none, or if there is no such field. */
export function readField(event: unknown, field: string): readonly string[] | undefined {
  const pointer = /^jevt\.value\[\/(.*)\]$/.exec(field)?.[1];
  if (pointer !== undefined) {
    const keys = pointer.split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    return toTexts(
      keys.reduce<unknown>((value, key) => (Array.isArray(value) ? value[Number(key)] : member(value, key)), event),
    );
  }
  const ofRoles = OF_ROLES[field];
  if (ofRoles !== undefined) {
    const rules = valueAt(event, ['requestObject', 'rules']);
    if (!Array.isArray(rules)) return undefined;
    return rules.flatMap((rule) => asArray(member(rule, ofRoles)).map(String));
  }
  return toTexts(valueAt(event, [...(FIELDS[field] ?? ['no such field'])]));
}

export function isField(field: string): boolean {
  return field in FIELDS || field in OF_ROLES || /^jevt\.value\[\/.+\]$/.test(field);
}

function toTexts(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

function parseCondition(text: string, known: Known): Condition {
  const all = text.match(/"[^"]*"|[(),=]|[^\s(),="]+/g) ?? [];
  const tokens: Tokens = { all, at: 0 };
  const condition = parseOr(tokens, known);
  if (tokens.at < all.length) throw new Error(`not understood: ${all[tokens.at]} in ${text}`);
  return condition;
}

function parseOr(tokens: Tokens, known: Known): Condition {
  const parts = [parseAnd(tokens, known)];
  while (take(tokens, 'or')) parts.push(parseAnd(tokens, known));
  return (event) => parts.some((part) => part(event));
}

function parseAnd(tokens: Tokens, known: Known): Condition {
  const parts = [parseNot(tokens, known)];
  while (take(tokens, 'and')) parts.push(parseNot(tokens, known));
  return (event) => parts.every((part) => part(event));
}

function parseNot(tokens: Tokens, known: Known): Condition {
  if (take(tokens, 'not')) {
    const inner = parseNot(tokens, known);
    return (event) => !inner(event);
  }
  if (take(tokens, '(')) {
    const inner = parseOr(tokens, known);
    expectToken(tokens, ')');
    return inner;
  }
  return parseComparison(tokens, known);
}

function parseComparison(tokens: Tokens, known: Known): Condition {
  const name = next(tokens);
  const macro = known.macros.get(name);
  if (macro !== undefined) return parseCondition(macro, known);
  if (!isField(name)) throw new Error(`neither a field nor a macro: ${name}`);
  const operator = next(tokens);
  if (operator === 'exists') return (event) => readField(event, name) !== undefined;
  if (operator === 'in' || operator === 'intersects') {
    const values = parseValues(tokens, known);
    return (event) => readField(event, name)?.some((value) => values.includes(value)) ?? false;
  }
  const wanted = unquote(next(tokens));
  const compare = COMPARISONS[operator];
  if (compare === undefined) throw new Error(`no such operator: ${operator}`);
  return (event) => readField(event, name)?.some((value) => compare(value, wanted)) ?? false;
}

const COMPARISONS: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  '=': (value, wanted) => value === wanted,
  startswith: (value, wanted) => value.startsWith(wanted),
  contains: (value, wanted) => value.includes(wanted),
};

/** `(a, "b", name_of_a_list)`. */
function parseValues(tokens: Tokens, known: Known): readonly string[] {
  expectToken(tokens, '(');
  const values: string[] = [];
  while (!take(tokens, ')')) {
    const value = next(tokens);
    values.push(...(known.lists.get(value) ?? [unquote(value)]));
    take(tokens, ',');
  }
  return values;
}

function unquote(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1) : token;
}

function take(tokens: Tokens, wanted: string): boolean {
  if (tokens.all[tokens.at] !== wanted) return false;
  tokens.at += 1;
  return true;
}

function expectToken(tokens: Tokens, wanted: string): void {
  if (!take(tokens, wanted)) throw new Error(`${wanted} is missing`);
}

function next(tokens: Tokens): string {
  const token = tokens.all[tokens.at];
  if (token === undefined) throw new Error('the condition ends too early');
  tokens.at += 1;
  return token;
}
