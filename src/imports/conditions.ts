/** Conditions of Kyverno in JMESPath, under which a rule refuses: `deny.conditions`, of the object or of its parts. */

import type { JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import type { Reading } from './reading.ts';
import { claim, claimSubject, joinReadings, leave, NOTHING } from './reading.ts';
import type { RoleShape } from './role-shape.ts';
import { LISTS_OF_RULES, readRoleShape } from './role-shape.ts';

const MOST_CONDITIONS = 100;
const MOST_CHARACTERS = 2_048;

/** Membership of one kind or another; for lists they differ in nothing that a single finding shows. */
const POSITIVE: readonly string[] = ['Equals', 'Equal', 'In', 'AnyIn', 'AllIn'];
const NEGATIVE: readonly string[] = ['NotEquals', 'NotEqual', 'NotIn', 'AnyNotIn', 'AllNotIn'];

export type Condition = {
  /** JMESPath without white space, quotes and defaults: `request.object.type`. */
  readonly path: string;
  readonly isPositive: boolean;
  readonly values: readonly string[];
  readonly at: JsonPath;
};

/** `all` and `any`, or a list, which means all of it. */
export function listConditions(
  block: JsonValue | undefined,
  at: JsonPath,
): { readonly all: readonly (Condition | Reading)[]; readonly any: readonly (Condition | Reading)[] } {
  const read = (list: JsonValue | undefined, path: JsonPath) => {
    const entries = asArray(list);
    // A part of them would be another rule.
    if (entries.length > MOST_CONDITIONS) return [leave(path, `more than ${MOST_CONDITIONS} conditions are not read`)];
    return entries.map((entry, index) => parseCondition(entry, [...path, index]));
  };
  if (Array.isArray(block)) return { all: read(block, at), any: [] };
  return { all: read(member(block, 'all'), [...at, 'all']), any: read(member(block, 'any'), [...at, 'any']) };
}

export function isCondition(entry: Condition | Reading): entry is Condition {
  return 'path' in entry;
}

function parseCondition(entry: JsonValue, at: JsonPath): Condition | Reading {
  if (!isObject(entry)) return leave(at, 'a condition is a map of key, operator and value');
  const operator = asString(member(entry, 'operator')) ?? '';
  const key = member(entry, 'key');
  const value = member(entry, 'value');
  const [expression, literal] = isExpression(key) ? [key, value] : [value, key];
  if (!isExpression(expression)) return leave(at, 'the condition names no field of the object');
  const isPositive = POSITIVE.includes(operator);
  if (!isPositive && !NEGATIVE.includes(operator))
    return leave(at, `no check is known for a condition with ${quote(operator)}`);
  const values = (Array.isArray(literal) ? literal : [literal]).map((one) =>
    isExpression(one) ? undefined : toText(one),
  );
  if (values.includes(undefined)) return leave(at, 'the condition compares with something that only the cluster knows');
  return { path: normalizePath(expression), isPositive, values: values.flatMap((one) => one ?? []), at };
}

function isExpression(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value.length <= MOST_CHARACTERS && /^\s*\{\{.*\}\}\s*$/s.test(value);
}

function toText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
    ? String(value)
    : undefined;
}

/** Without braces, white space, quotes of members, and what stands for nothing (`|| ''`). */
function normalizePath(expression: string): string {
  return expression
    .trim()
    .slice(2, -2)
    .replaceAll(/\s+/g, '')
    .replaceAll(/\\?"([A-Za-z]+)\\?"/g, '$1')
    .replaceAll(/\|\|(?:''|`\[\]`|`""`|`false`|`true`|\[\])/g, '');
}

/** Conditions on the request that every check of Curfew meets anyway: it judges what is made and what is changed. */
function isOfOperation({ path }: Condition): boolean {
  return path === 'request.operation' || path.startsWith('request.operation||');
}

/** What a rule with `deny.conditions` refuses. */
export function readDeny(block: JsonValue | undefined, at: JsonPath): Reading {
  const { all, any } = listConditions(block, at);
  if (all.length + any.length === 0) return leave(at, 'it refuses everything that is matched, which no check does');
  if (any.length > 0 && all.some((entry) => !isCondition(entry) || !isOfOperation(entry)))
    return leave(at, 'no check is known for all and any together');
  return any.length > 0 ? joinReadings(any.map((entry) => readTogether([entry]))) : readTogether(all);
}

/** `foreach`: conditions of each rule of a role, or of each subject of a binding. */
export function readForeach(entry: JsonValue, at: JsonPath): Reading {
  const list = (asString(member(entry, 'list')) ?? '').replaceAll(/\s|\{\{|\}\}/g, '').replace(/\[\]$/, '');
  const deny = member(entry, 'deny');
  if (deny === undefined) return leave(at, 'no check is known for a foreach without deny');
  if (member(entry, 'preconditions') !== undefined) return leave(at, 'a foreach with preconditions is not read');
  if (list !== 'request.object.rules' && list !== 'request.object.subjects')
    return leave([...at, 'list'], `no check is known for each of ${quote(list)}`);
  const { all, any } = listConditions(member(deny, 'conditions'), [...at, 'deny', 'conditions']);
  if (any.length > 0 && all.length > 0) return leave(at, 'no check is known for all and any together');
  return any.length > 0 ? joinReadings(any.map((one) => readTogether([one]))) : readTogether(all);
}

/** Conditions that must all be true for something to be refused. */
function readTogether(entries: readonly (Condition | Reading)[]): Reading {
  const broken = entries.filter((entry): entry is Reading => !isCondition(entry));
  if (broken.length > 0) return joinReadings(broken);
  const conditions = entries.filter(isCondition).filter((entry) => !isOfOperation(entry));
  const [first] = conditions;
  if (first === undefined) return NOTHING;
  const shapes = conditions.map(toRoleShape);
  if (shapes.every((shape) => shape !== undefined)) {
    const repeated = LISTS_OF_RULES.some((list) => shapes.filter((shape) => shape[list] !== undefined).length > 1);
    if (repeated) return leave(first.at, 'no check is known for two conditions on one list');
    // Of a whole role: one rule may have the verb, and another one the resource.
    if (conditions.length > 1 && !conditions.every(({ path }) => path.startsWith('element.')))
      return leave(first.at, 'no check is known for conditions that different rules of a role may meet');
    return readRoleShape(Object.assign({}, ...shapes) as RoleShape, first.at);
  }
  if (conditions.length > 1) return leave(first.at, 'no check is known for these conditions together');
  return readOne(first);
}

const RULE_LIST = /^(?:request\.object\.rules(?:\[\])?\.|element\.)(apiGroups|resources|verbs)(?:\[\])?$/;
const CONTAINS = /^contains\(request\.object\.rules\[\]\.(apiGroups|resources|verbs)\[\],'([^']+)'\)$/;
const FILTERED =
  /^request\.object\.rules\[\?(?:contains\((apiGroups|resources|verbs),'([^']+)'\)|(apiGroups|resources|verbs)\.contains\(@,'([^']+)'\))\]\.(apiGroups|resources|verbs)(?:\[\])?$/;

function toRoleShape({ path, isPositive, values }: Condition): RoleShape | undefined {
  const [, list] = RULE_LIST.exec(path) ?? [];
  if (list !== undefined) return isPositive ? { [list]: values } : undefined;
  const [, held, entry] = CONTAINS.exec(path) ?? [];
  if (held !== undefined && entry !== undefined) {
    return isPositive === (values[0] === 'true') ? { [held]: [entry] } : undefined;
  }
  const [, one, oneEntry, other, otherEntry, judged] = FILTERED.exec(path) ?? [];
  const filter = one ?? other;
  const wanted = oneEntry ?? otherEntry;
  if (filter === undefined || wanted === undefined || judged === undefined || !isPositive) return undefined;
  return { [filter]: [wanted], [judged]: values };
}

function readOne({ path, isPositive, values, at }: Condition): Reading {
  const by = 'the condition';
  const [value] = values;
  if (/^(?:request\.object\.subjects\[\]|element)\.name$/.test(path) && isPositive)
    return joinReadings(values.map((name) => claimSubject(name, at)));
  if (values.length === 1) {
    if (path === 'request.object.type' && isPositive && value === 'kubernetes.io/service-account-token')
      return claim('tokenSecret', at, by);
    if (path === 'request.object.roleRef.name' && isPositive && value === 'cluster-admin')
      return claim('clusterAdmin', at, by);
    if (path === 'request.object.spec.serviceAccountName' && isPositive && value === 'default')
      return claim('defaultAccount', at, by);
    const isOptOut = (isPositive && value === 'true') || (!isPositive && value === 'false');
    if (path === 'request.object.spec.automountServiceAccountToken' && isOptOut)
      return claim(isPositive ? 'podNotTrue' : 'podOptOut', at, by);
    if (path === 'request.object.automountServiceAccountToken' && isOptOut) return claim('accountOptOut', at, by);
  }
  return leave(at, `no check is known for a condition on ${quote(path)}`);
}
