/**
 * Conditions in CEL that must hold, as validating policies of Kyverno, Gatekeeper and Kubernetes write them. No
 * interpreter: the forms in which people and their libraries ask for this are few, and what has another one is left over.
 */

import type { JsonPath } from '../objects/json.ts';
import type { Form, Reading } from './reading.ts';
import { claim, claimSubject, joinReadings, leave } from './reading.ts';
import type { RoleShape } from './role-shape.ts';
import { LISTS_OF_RULES, readRoleShape } from './role-shape.ts';

/** Longer ones are nobody's condition on a token. */
const MOST_CHARACTERS = 4_096;
const MOST_CONJUNCTS = 32;
/** Variables that are made of variables. */
const MOST_ROUNDS = 4;

const OPTED_OUT = (object: string) => {
  const field = `${object}.automountServiceAccountToken`;
  const optional = `${object}.?automountServiceAccountToken`;
  return {
    strict: [
      `${field}==false`,
      `!${field}`,
      `has(${field})&&${field}==false`,
      `has(${field})&&!${field}`,
      `${optional}.orValue(true)==false`,
      `!${optional}.orValue(true)`,
      `${optional}==optional.of(false)`,
    ],
    weak: [
      `!has(${field})||${field}==false`,
      `!has(${field})||!${field}`,
      `${optional}.orValue(false)==false`,
      `!${optional}.orValue(false)`,
    ],
  };
};
const POD = OPTED_OUT('object.spec');
const ACCOUNT = 'object.spec.serviceAccountName';
const TYPE = "'kubernetes.io/service-account-token'";

/** Written without white space, strings in single quotes. */
const SENTENCES: ReadonlyMap<string, Form> = new Map<string, Form>([
  ...[
    `object.type!=${TYPE}`,
    `!has(object.type)||object.type!=${TYPE}`,
    `has(object.type)&&object.type!=${TYPE}`,
    `!(object.type==${TYPE})`,
    `object.?type.orValue('')!=${TYPE}`,
    `object.?type.orValue('Opaque')!=${TYPE}`,
  ].map((text) => [text, 'tokenSecret'] as const),
  ...POD.strict.map((text) => [text, 'podOptOut'] as const),
  ...POD.weak.map((text) => [text, 'podNotTrue'] as const),
  ...OPTED_OUT('object').strict.map((text) => [text, 'accountOptOut'] as const),
  ...[
    `${ACCOUNT}!='default'`,
    `has(${ACCOUNT})&&${ACCOUNT}!='default'`,
    `!has(${ACCOUNT})||${ACCOUNT}!='default'`,
    "object.spec.?serviceAccountName.orValue('default')!='default'",
  ].map((text) => [text, 'defaultAccount'] as const),
  ...["object.roleRef.name!='cluster-admin'", "!(object.roleRef.name=='cluster-admin')"].map(
    (text) => [text, 'clusterAdmin'] as const,
  ),
]);

const NAME = '[A-Za-z_][A-Za-z0-9_]*';
const STRING = "'([^'\\\\]*)'";
/** No subjects and no rules are nothing to refuse. */
const GUARDS = /^(?:(?:object\.(?:rules|subjects)==null|!has\(object\.(?:rules|subjects)\))\|\|)+/;
const SUBJECTS = new RegExp(
  `^(?:object\\.subjects|object\\.\\?subjects\\.orValue\\(\\[\\]\\))\\.all\\((${NAME}),\\1\\.name!=${STRING}\\)$`,
);
const SUBJECT_IN = new RegExp(`^object\\.subjects\\.all\\((${NAME}),!\\(\\1\\.name in\\[([^\\]]*)\\]\\)\\)$`);
const RULES = new RegExp(
  `^(?:!(?:object\\.rules|object\\.\\?rules\\.orValue\\(\\[\\]\\))\\.exists\\((${NAME}),(.*)\\)|object\\.rules\\.all\\((${NAME}),!\\((.*)\\)\\))$`,
);

/** What the variables of a policy stand for, by name. */
export type Variables = ReadonlyMap<string, string>;

/** Reads one condition; what is refused is what makes it false. */
export function readCondition(expression: string, at: JsonPath, variables: Variables = new Map()): Reading {
  if (expression.length > MOST_CHARACTERS)
    return leave(at, `the expression has more than ${MOST_CHARACTERS} characters`);
  const text = inline(normalize(expression), variables);
  if (text === undefined)
    return leave(at, `the expression has more than ${MOST_CHARACTERS} characters with its variables`);
  const whole = readSentence(text, at);
  if (whole !== undefined) return whole;
  const parts = splitOn(strip(text), '&&');
  if (parts.length === 1 || parts.length > MOST_CONJUNCTS) return leave(at, 'no check is known for this expression');
  return joinReadings(
    parts.map((part) => readSentence(part, at) ?? leave(at, 'no check is known for a part of this expression')),
  );
}

function readSentence(text: string, at: JsonPath): Reading | undefined {
  const sentence = strip(text);
  const form = SENTENCES.get(sentence);
  if (form !== undefined) return claim(form, at, 'the expression');
  const body = strip(sentence.replace(GUARDS, ''));
  const [, , subject] = SUBJECTS.exec(body) ?? [];
  if (subject !== undefined) return claimSubject(subject, at);
  const [, , names] = SUBJECT_IN.exec(body) ?? [];
  if (names !== undefined) {
    const listed = parseList(`[${names}]`);
    return listed === undefined ? undefined : joinReadings(listed.map((name) => claimSubject(name, at)));
  }
  const [, existing, refused, every, unwanted] = RULES.exec(body) ?? [];
  const rule = existing ?? every;
  const condition = refused ?? unwanted;
  if (rule === undefined || condition === undefined) return undefined;
  const shape = parseShape(condition, rule);
  return shape === undefined ? undefined : readRoleShape(shape, at);
}

/** `'secrets'in r.resources&&r.verbs.exists(v,v in['get'])`: one of each list. */
function parseShape(text: string, rule: string): RoleShape | undefined {
  const shape: { [key in (typeof LISTS_OF_RULES)[number]]?: readonly string[] } = {};
  for (const part of splitOn(strip(text), '&&')) {
    const alternatives = splitOn(strip(part), '||').map((one) => parseMembership(strip(one), rule));
    const [first] = alternatives;
    if (first === undefined) return undefined;
    const entries: string[] = [];
    for (const alternative of alternatives) {
      if (alternative === undefined || alternative.list !== first.list) return undefined;
      entries.push(...alternative.entries);
    }
    if (shape[first.list] !== undefined) return undefined;
    shape[first.list] = entries;
  }
  return shape;
}

type Membership = { readonly list: (typeof LISTS_OF_RULES)[number]; readonly entries: readonly string[] };

function parseMembership(text: string, rule: string): Membership | undefined {
  for (const list of LISTS_OF_RULES) {
    const field = `${rule}.${list}`;
    const single = new RegExp(`^${STRING} ?in ${field.replace('.', '\\.')}$`).exec(text)?.[1];
    if (single !== undefined) return { list, entries: [single] };
    if (!text.startsWith(`${field}.exists(`)) continue;
    const inner = text.slice(field.length + '.exists('.length, -1);
    const [, name, listed] = new RegExp(`^(${NAME}),\\1 in ?(\\[[^\\]]*\\])$`).exec(inner) ?? [];
    if (name !== undefined && listed !== undefined) {
      const entries = parseList(listed);
      return entries === undefined ? undefined : { list, entries };
    }
    const [, , equal] = new RegExp(`^(${NAME}),\\1==${STRING}$`).exec(inner) ?? [];
    if (equal !== undefined) return { list, entries: [equal] };
  }
  return undefined;
}

/** `['get','list']`; undefined for what is no list of strings. */
export function parseList(text: string): readonly string[] | undefined {
  const list = new RegExp(`^\\[(?:${STRING}(?:,${STRING})*)?\\]$`).test(text);
  return list ? [...text.matchAll(new RegExp(STRING, 'g'))].map(([, entry]) => entry ?? '') : undefined;
}

/** Without white space but around `in`, where a name would run into it; strings in single quotes. */
export function normalize(expression: string): string {
  return expression
    .replaceAll('"', "'")
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([^A-Za-z0-9_' ]) ?/g, '$1')
    .trim();
}

function inline(text: string, variables: Variables): string | undefined {
  let current = text.replaceAll('variables.anyObject', 'object');
  for (let round = 0; round < MOST_ROUNDS && current.includes('variables.'); round += 1) {
    current = current.replaceAll(/variables\.([A-Za-z_][A-Za-z0-9_]*)/g, (found, name: string) => {
      const value = variables.get(name);
      if (value === undefined) return found;
      const short = normalize(value.slice(0, MOST_CHARACTERS));
      return short.startsWith('[') ? short : `(${short})`;
    });
    if (current.length > MOST_CHARACTERS) return undefined;
  }
  return current;
}

/** Without parentheses around all of it. */
export function strip(text: string): string {
  let current = text.trim();
  while (current.startsWith('(') && closingOf(current) === current.length - 1) current = current.slice(1, -1).trim();
  return current;
}

function closingOf(text: string): number {
  let depth = 0;
  for (const { index, depth: after } of walk(text)) {
    depth = after;
    if (depth === 0) return index;
  }
  return -1;
}

/** The operands of `operator` outside of all parentheses and strings. */
export function splitOn(text: string, operator: '&&' | '||'): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  for (const { index, depth } of walk(text)) {
    if (depth !== 0 || index < start || !text.startsWith(operator, index)) continue;
    parts.push(text.slice(start, index));
    start = index + operator.length;
  }
  return [...parts, text.slice(start)];
}

/** Every character outside of strings, with the depth of parentheses behind it. */
function* walk(text: string): Generator<{ readonly index: number; readonly depth: number }> {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === "'") inString = !inString;
    if (inString) continue;
    if (character === '(' || character === '[') depth += 1;
    if (character === ')' || character === ']') depth -= 1;
    yield { index, depth };
  }
}
