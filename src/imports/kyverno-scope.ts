/** `match`, `exclude` and `preconditions` of Kyverno. */

import type { JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import type { ExemptionMatch } from '../policy/exemption.ts';
import { EXEMPTION_KINDS } from '../policy/exemption.ts';
import { isCondition, listConditions } from './conditions.ts';
import type { Scope, Untold } from './scope.ts';
import { areExact, fitsExemption, kindOf } from './scope.ts';

type Entry = { readonly value: JsonValue; readonly at: JsonPath };

/** The entries of a block and whether one of them is enough. The oldest form is one entry without `any`. */
function listEntries(
  block: JsonValue | undefined,
  at: JsonPath,
): { readonly entries: readonly Entry[]; readonly isAny: boolean } {
  const list = (key: string) => asArray(member(block, key)).map((value, index) => ({ value, at: [...at, key, index] }));
  if (member(block, 'any') !== undefined) return { entries: list('any'), isAny: true };
  if (member(block, 'all') !== undefined) return { entries: list('all'), isAny: false };
  return { entries: isObject(block) && Object.keys(block).length > 0 ? [{ value: block, at }] : [], isAny: true };
}

function strings(value: JsonValue | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : asArray(value).flatMap((one) => asString(one) ?? []);
}

/** The scope of a rule, exceptions of `exclude` and `preconditions` with it. `ownNamespace` is that of a Policy. */
export function readScope(rule: JsonValue, at: JsonPath, ownNamespace: string | undefined): Scope {
  const match = readMatch(member(rule, 'match'), [...at, 'match']);
  const exclude = readExclude(member(rule, 'exclude'), [...at, 'exclude']);
  const before = readPreconditions(rule, at);
  return {
    ...match,
    namespaces: ownNamespace === undefined ? match.namespaces : [ownNamespace],
    narrowed: [...match.narrowed, ...before.narrowed],
    exempt: [...exclude.exempt, ...before.exempt],
    unexempt: [...exclude.unexempt, ...before.unexempt],
  };
}

type Match = Pick<Scope, 'kinds' | 'names' | 'namespaces' | 'narrowed'>;

function readMatch(block: JsonValue | undefined, at: JsonPath): Match {
  const { entries, isAny } = listEntries(block, at);
  const read = entries.map(readMatchEntry);
  const [first] = read;
  const kinds = [...new Set(read.flatMap((one) => one.kinds))];
  if (first === undefined) return { kinds: [], names: undefined, namespaces: undefined, narrowed: [] };
  if (read.length === 1) return { ...first, kinds };
  const isPlain = read.every(
    (one) => one.names === undefined && one.namespaces === undefined && one.narrowed.length === 0,
  );
  const narrowed = isPlain && isAny ? [] : [{ at, what: 'several entries of match that differ in more than kinds' }];
  return { kinds, names: undefined, namespaces: undefined, narrowed };
}

/** What narrows an entry without words in Curfew. */
const NARROWING = ['selector', 'namespaceSelector', 'annotations', 'subjects', 'roles', 'clusterRoles'] as const;

function readMatchEntry({ value, at }: Entry): Match {
  const resources = member(value, 'resources');
  const narrowed = NARROWING.flatMap((key): readonly Untold[] => {
    const isOfUser = key === 'subjects' || key === 'roles' || key === 'clusterRoles';
    const found = member(isOfUser ? value : resources, key);
    return found === undefined
      ? []
      : [{ at: isOfUser ? [...at, key] : [...at, 'resources', key], what: `match by ${key}` }];
  });
  const namespaces = strings(member(resources, 'namespaces'));
  const isExact = areExact(namespaces);
  const names = [...strings(member(resources, 'name')), ...strings(member(resources, 'names'))];
  const words = strings(member(resources, 'kinds'));
  const kinds = words.flatMap((word) => kindOf(word) ?? []);
  return {
    kinds,
    names: names.length === 0 ? undefined : names,
    namespaces: namespaces.length === 0 || !isExact ? undefined : namespaces,
    narrowed: [
      ...narrowed,
      ...(isExact ? [] : [{ at: [...at, 'resources', 'namespaces'], what: 'match by patterns of namespaces' }]),
      ...(kinds.length === words.length ? [] : [{ at: [...at, 'resources', 'kinds'], what: 'match by subresources' }]),
    ],
  };
}

type Left = Pick<Scope, 'exempt' | 'unexempt'>;

/** Also the `match` of a PolicyException. */
export function readExclude(block: JsonValue | undefined, at: JsonPath): Left {
  const { entries, isAny } = listEntries(block, at);
  if (!isAny && entries.length > 1)
    return { exempt: [], unexempt: [{ at, what: 'an exception of several entries that must all be true' }] };
  const read = entries.map(readExcludeEntry);
  return { exempt: read.flatMap(({ exempt }) => exempt), unexempt: read.flatMap(({ unexempt }) => unexempt) };
}

function readExcludeEntry({ value, at }: Entry): Left {
  const fail = (what: string, path: JsonPath = at): Left => ({ exempt: [], unexempt: [{ at: path, what }] });
  const resources = member(value, 'resources');
  const match: { -readonly [key in keyof ExemptionMatch]: ExemptionMatch[key] } = {};
  for (const key of isObject(resources) ? Object.keys(resources) : []) {
    const path = [...at, 'resources', key];
    const entries = strings(member(resources, key));
    if (key === 'kinds') {
      const kinds = entries.map((one) => kindOf(one) ?? '');
      // Every kind is what no list of kinds means too.
      if (kinds.includes('*')) continue;
      const known = kinds.filter((kind) => EXEMPTION_KINDS.has(kind));
      if (known.length === 0) return fail(`an exception for ${entries.join(', ')}`, path);
      match.kinds = [...new Set(known)];
    } else if (key === 'namespaces') {
      if (!fitsExemption('namespaces', entries)) return fail('an exception for namespaces', path);
      match.namespaces = entries;
    } else if (key === 'name' || key === 'names') {
      if (!fitsExemption('names', entries)) return fail('an exception for names', path);
      match.names = entries;
    } else if (key === 'namespaceSelector') {
      const names = namesOfSelector(member(resources, key));
      if (names === undefined || !fitsExemption('namespaces', names))
        return fail('an exception by labels of namespaces', path);
      match.namespaces = names;
    } else if (key !== 'operations') return fail(`an exception by ${key}`, path);
  }
  for (const key of ['roles', 'clusterRoles'])
    if (member(value, key) !== undefined) return fail(`an exception by ${key} of whoever asks`, [...at, key]);
  return readSubjects(value, at, match);
}

/** Whoever asks: a list, one of which is enough. */
function readSubjects(value: JsonValue, at: JsonPath, match: ExemptionMatch): Left {
  const subjects = asArray(member(value, 'subjects'));
  const isNarrow = [match.namespaces, match.names].some(
    (list) => list !== undefined && !list.some((one) => /^[*?]*$/.test(one)),
  );
  if (subjects.length === 0) {
    return isNarrow
      ? { exempt: [match], unexempt: [] }
      : { exempt: [], unexempt: [{ at, what: 'an exception for everything of a kind' }] };
  }
  const users: string[] = [];
  const groups: string[] = [];
  for (const subject of subjects) {
    const [kind, name = '', namespace = ''] = ['kind', 'name', 'namespace'].map((key) =>
      asString(member(subject, key)),
    );
    if (kind === 'Group') groups.push(name);
    else users.push(kind === 'ServiceAccount' ? `system:serviceaccount:${namespace}:${name}` : name);
  }
  const exempt: ExemptionMatch[] = [];
  if (fitsExemption('users', users)) exempt.push({ ...match, users });
  if (fitsExemption('groups', groups)) exempt.push({ ...match, groups });
  const isWhole =
    (users.length === 0 || exempt.some((one) => one.users !== undefined)) &&
    (groups.length === 0 || exempt.some((one) => one.groups !== undefined));
  return { exempt, unexempt: isWhole ? [] : [{ at: [...at, 'subjects'], what: 'an exception for some of the users' }] };
}

const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Names that a selector of namespaces gives by the label that every namespace has. */
export function namesOfSelector(selector: JsonValue | undefined, operator = 'In'): readonly string[] | undefined {
  const labels = member(selector, 'matchLabels');
  const expressions = asArray(member(selector, 'matchExpressions'));
  if (isObject(labels)) {
    const name = asString(member(labels, NAME_LABEL));
    return Object.keys(labels).length === 1 && name !== undefined && expressions.length === 0 && operator === 'In'
      ? [name]
      : undefined;
  }
  const [only] = expressions;
  const isName = asString(member(only, 'key')) === NAME_LABEL && asString(member(only, 'operator')) === operator;
  return expressions.length === 1 && isName ? strings(member(only, 'values')) : undefined;
}

const LABEL_OF = /^request\.object\.metadata\.(?:labels|annotations)\./;

/** Conditions that must hold for a rule to be asked. Those that name what is not asked are exceptions. */
function readPreconditions(rule: JsonValue, at: JsonPath): Left & Pick<Scope, 'narrowed'> {
  const block = member(rule, 'preconditions');
  const path = [...at, 'preconditions'];
  const { all, any } = listConditions(member(block, 'conditions') ?? block, path);
  const exempt: ExemptionMatch[] = [];
  const unexempt: Untold[] = [];
  const narrowed: Untold[] = [];
  if (any.length > 1) narrowed.push({ at: [...path, 'any'], what: 'preconditions of which one is enough' });
  for (const entry of any.length > 1 ? all : [...all, ...any]) {
    if (!isCondition(entry)) {
      narrowed.push({ at: entry.unread[0]?.at ?? path, what: 'a precondition' });
      continue;
    }
    const { path: field, isPositive, values } = entry;
    if (field.startsWith('request.operation')) continue;
    const isNamespace = field === 'request.namespace' || field === 'request.object.metadata.namespace';
    if (isNamespace && !isPositive && fitsExemption('namespaces', values)) exempt.push({ namespaces: values });
    else if (field === 'request.object.metadata.name' && !isPositive && fitsExemption('names', values))
      exempt.push({ names: values });
    else if (LABEL_OF.test(field) && !isPositive)
      unexempt.push({ at: entry.at, what: `an exception by ${field.replace('request.object.metadata.', '')}` });
    else narrowed.push({ at: entry.at, what: `a precondition on ${field}` });
  }
  const cel = asArray(member(rule, 'celPreconditions'));
  if (cel.length > 0) narrowed.push({ at: [...at, 'celPreconditions'], what: 'preconditions in CEL' });
  return { exempt, unexempt, narrowed };
}
