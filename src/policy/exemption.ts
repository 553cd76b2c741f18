/**
 * Written exceptions: who, what, why, owner, until when. An exemption removes what a check found, in every mode at
 * once, and leaves a record of it; it never lets a whole request pass unjudged.
 */

import { matchesAny, matchesGlob } from '../objects/glob.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, stringMembers, valueAt } from '../objects/json.ts';
import { KINDS } from '../objects/kinds.ts';
import { findPodSpecs, serviceAccountOf } from '../objects/pod-spec.ts';
import type { ResourceName, Subject } from '../objects/subject.ts';
import { toOneLine } from '../objects/text.ts';

/** Absent where the exemption says nothing of it; what is there must match, one entry of each list. */
export type ExemptionMatch = {
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
  readonly kinds?: readonly string[];
  /** `namespace/name`. */
  readonly serviceAccounts?: readonly string[];
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
};

export type Exemption = {
  readonly name: string;
  readonly match: ExemptionMatch;
  /** Ids; undefined for all. */
  readonly checks: ReadonlySet<string> | undefined;
  readonly reason: string;
  readonly owner: string;
  readonly ticket: string | undefined;
  /** The last day, as it was written; undefined if it never ends. */
  readonly lastDay: string | undefined;
  /** The first moment at which it no longer works, in ms since the epoch; infinite if it never ends. */
  readonly end: number;
};

const DAY_MS = 86_400_000;
/** How long before its end each use is warned about. */
const NOTICE_MS = 14 * DAY_MS;
const MOST_WARNING_CHARACTERS = 120;

/**
 * Kind to its resource. Exemptions know no versions: who writes an object in another version of its API must not get
 * around one, or lose one. A debug container is added to a Pod, while a TokenRequest is no ServiceAccount.
 */
export const EXEMPTION_KINDS: ReadonlyMap<string, ResourceName> = new Map([
  ...KINDS.map(({ kind, group, resource }) => [kind, { group, name: resource, subresource: '' }] as const),
  ['TokenRequest', { group: '', name: 'serviceaccounts', subresource: 'token' }],
]);

const TOKEN_SECRET_TYPE = 'kubernetes.io/service-account-token';
const TOKEN_SECRET_ACCOUNT = 'kubernetes.io/service-account.name';

/** The end of a day given as `2027-03-01`, in UTC: the first moment of the next one. Undefined if there is no such day. */
export function endOfDay(day: string): number | undefined {
  const start = Date.parse(`${day}T00:00:00.000Z`);
  // Some dates that do not exist, such as February 30, are read as a day of the next month.
  const isReal = !Number.isNaN(start) && new Date(start).toISOString().startsWith(day);
  return isReal ? start + DAY_MS : undefined;
}

/** `ended` from the first moment after its last day on, `ending` in the 14 days before. */
export function stateOf({ end }: Exemption, now: number): 'in force' | 'ending' | 'ended' {
  if (now >= end) return 'ended';
  return now >= end - NOTICE_MS ? 'ending' : 'in force';
}

/** The first exemption in force at `now` that is for this check and this subject. */
export function findExemption(
  exemptions: readonly Exemption[],
  subject: Subject,
  { check, now }: { readonly check: string; readonly now: number },
): Exemption | undefined {
  return exemptions.find(
    (exemption) =>
      (exemption.checks === undefined || exemption.checks.has(check)) &&
      stateOf(exemption, now) !== 'ended' &&
      isMatch(exemption.match, subject),
  );
}

/** True if it rules something out beside the kind: one that does not would silence checks for the whole cluster. */
export function isNarrow({ namespaces, names, serviceAccounts, users, groups }: ExemptionMatch): boolean {
  const lists: readonly (readonly [readonly string[] | undefined, (pattern: string) => boolean])[] = [
    [namespaces, isForAnything],
    [names, isForAnything],
    [serviceAccounts, isForAnything],
    [users, isForAnyUser],
    [groups, isForEverybody],
  ];
  return lists.some(([patterns, isWide]) => patterns !== undefined && !patterns.some(isWide));
}

/** `*`, `?*`, any namespace and any name. */
const MATCHES_ALL = /^[*?]*\*[*?]*(\/[*?]*\*[*?]*)?$/;

/** Whoever has a name is in one of the first two, and every service account in the third (apiserver, pkg/authentication/user). */
const GROUPS_OF_EVERYBODY = ['system:authenticated', 'system:unauthenticated', 'system:serviceaccounts'];
/** Of the groups of single namespaces, two that share nothing. */
const GROUPS_OF_ACCOUNTS = ['system:serviceaccounts:kube-system', 'system:serviceaccounts:a'];

/** As unlike as names with a colon are: a pattern that fits all of them fits every one that Kubernetes gives. */
const UNLIKE_USERS = ['system:admin', 'system:serviceaccount:a:b', 'system:node:n'];

function isForAnything(pattern: string): boolean {
  return MATCHES_ALL.test(pattern);
}

function isForEverybody(pattern: string): boolean {
  return (
    isForAnything(pattern) ||
    GROUPS_OF_EVERYBODY.some((group) => matchesGlob(pattern, group)) ||
    GROUPS_OF_ACCOUNTS.every((group) => matchesGlob(pattern, group))
  );
}

function isForAnyUser(pattern: string): boolean {
  return isForAnything(pattern) || UNLIKE_USERS.every((user) => matchesGlob(pattern, user));
}

function isMatch(match: ExemptionMatch, subject: Subject): boolean {
  const { namespaces, names, kinds, serviceAccounts, users, groups } = match;
  const { namespace, caller } = subject;
  return (
    (namespaces === undefined || (namespace !== '' && matchesAny(namespaces, namespace))) &&
    (names === undefined || matchesAny(names, nameOf(subject))) &&
    (kinds === undefined || kinds.some((kind) => isOfKind(kind, subject.resource))) &&
    (users === undefined || (caller !== undefined && matchesAny(users, caller.username))) &&
    (groups === undefined || (caller?.groups.some((group) => matchesAny(groups, group)) ?? false)) &&
    (serviceAccounts === undefined || areAccountsOf(subject, serviceAccounts))
  );
}

/** A manifest may have no more than the start of its name; the API server has made the rest of it when it asks. */
function nameOf({ name, object }: Subject): string {
  return name === '' ? (asString(valueAt(object, ['metadata', 'generateName'])) ?? '') : name;
}

function isOfKind(kind: string, resource: ResourceName): boolean {
  const known = EXEMPTION_KINDS.get(kind);
  return (
    known !== undefined &&
    known.group === resource.group &&
    known.name === resource.name &&
    (known.subresource === 'token') === (resource.subresource === 'token')
  );
}

/** All, not one: else a second pod or subject would slip through beside the one that is meant. */
function areAccountsOf(subject: Subject, patterns: readonly string[]): boolean {
  const accounts = listAccounts(subject);
  return accounts.length > 0 && accounts.every((account) => account !== undefined && matchesAny(patterns, account));
}

/** The accounts a subject is about, as `namespace/name`; undefined stands for somebody who is none. */
function listAccounts(subject: Subject): readonly (string | undefined)[] {
  const { resource, namespace, object } = subject;
  const ofNamespace = (name: string) => `${namespace}/${name}`;
  switch (`${resource.name}.${resource.group}`) {
    case 'serviceaccounts.':
      return [ofNamespace(nameOf(subject))];
    case 'secrets.': {
      if (valueAt(object, ['type']) !== TOKEN_SECRET_TYPE) return [];
      const name = stringMembers(valueAt(object, ['metadata', 'annotations'])).get(TOKEN_SECRET_ACCOUNT);
      return [name === undefined ? undefined : ofNamespace(name)];
    }
    case 'rolebindings.rbac.authorization.k8s.io':
    case 'clusterrolebindings.rbac.authorization.k8s.io':
      return listSubjects(object, namespace);
    default:
      return findPodSpecs(subject).map(({ spec }) => ofNamespace(serviceAccountOf(spec)));
  }
}

/** A RoleBinding may leave its own namespace out (kubernetes, pkg/registry/rbac/validation, appliesToUser). */
function listSubjects(binding: JsonObject, ownNamespace: string): readonly (string | undefined)[] {
  return asArray(valueAt(binding, ['subjects'])).map((subject) => {
    const [kind, name, given] = ['kind', 'name', 'namespace'].map((key) => asString(valueAt(subject, [key])));
    const namespace = given || ownNamespace;
    return kind === 'ServiceAccount' && name !== undefined && namespace !== '' ? `${namespace}/${name}` : undefined;
  });
}

/** `until 2027-03-01`, `permanent`. */
export function formatEnd({ lastDay }: Exemption): string {
  return lastDay === undefined ? 'permanent' : `until ${lastDay}`;
}

/** One line of at most 120 characters for whoever uses an exemption in its last days. */
export function formatEnding({ name, lastDay, owner }: Exemption): string {
  const line = toOneLine(`curfew: exemption ${name} ends on ${lastDay ?? ''}; its owner is ${owner}`);
  return line.length > MOST_WARNING_CHARACTERS ? `${line.slice(0, MOST_WARNING_CHARACTERS - 1).toWellFormed()}…` : line;
}
