/** Which roles are bound to which service accounts, and which checks have something to say about these roles. */

import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';

type BoundRole = {
  /** `ClusterRole NAME`, `Role NAMESPACE/NAME`. */
  readonly role: string;
  /** True of a binding that Kubernetes brings. */
  readonly isBuiltIn: boolean;
};

export type RightsBook = {
  /** Ids of the checks that find something in a role; nothing is remembered of a role with none. */
  readonly checksOfRole: Map<string, ReadonlySet<string>>;
  /** By `NAMESPACE/ACCOUNT`. */
  readonly ofAccount: Map<string, BoundRole[]>;
  /** What all accounts of a namespace have; under an empty name, what all accounts have. */
  readonly ofGroup: Map<string, BoundRole[]>;
};

const ALL_ACCOUNTS = 'system:serviceaccounts';
const ACCOUNT_USER = /^system:serviceaccount:([^:]+):([^:]+)$/;

export function createRightsBook(): RightsBook {
  return { checksOfRole: new Map(), ofAccount: new Map(), ofGroup: new Map() };
}

/** @param checks - ids of the checks that find something in it at level restricted */
export function addRole(
  { checksOfRole }: RightsBook,
  { kind, namespace, name }: Subject,
  checks: readonly string[],
): void {
  if (checks.length > 0) checksOfRole.set(nameRole(kind, namespace, name), new Set(checks));
}

export function addBinding(book: RightsBook, binding: Subject, isBuiltIn: boolean): void {
  const { object, namespace } = binding;
  const read = (key: string) => asString(valueAt(object, ['roleRef', key])) ?? '';
  const bound: BoundRole = { role: nameRole(read('kind'), namespace, read('name')), isBuiltIn };
  for (const subject of asArray(member(object, 'subjects'))) {
    const [kind, name] = [asString(member(subject, 'kind')), asString(member(subject, 'name')) ?? ''];
    const user = kind === 'User' ? ACCOUNT_USER.exec(name) : null;
    if (kind === 'ServiceAccount')
      push(book.ofAccount, `${asString(member(subject, 'namespace')) || namespace}/${name}`, bound);
    else if (user !== null) push(book.ofAccount, `${user[1]}/${user[2]}`, bound);
    // What Kubernetes gives to all accounts is the way to its own keys (service-account-issuer-discovery).
    else if (kind === 'Group' && !isBuiltIn && name === ALL_ACCOUNTS) push(book.ofGroup, '', bound);
    else if (kind === 'Group' && !isBuiltIn && name.startsWith(`${ALL_ACCOUNTS}:`)) {
      push(book.ofGroup, name.slice(ALL_ACCOUNTS.length + 1), bound);
    }
  }
}

/** What is bound to an account, by its own name or as one of all accounts of its namespace or of the cluster. */
export function listBoundRoles(book: RightsBook, namespace: string, name: string): readonly BoundRole[] {
  return [
    ...(book.ofAccount.get(`${namespace}/${name}`) ?? []),
    ...(book.ofGroup.get(namespace) ?? []),
    ...(book.ofGroup.get('') ?? []),
  ];
}

/** Ids of the checks that find something in the roles that people bound to this account. */
export function findRisks(book: RightsBook, namespace: string, name: string): ReadonlySet<string> {
  const roles = listBoundRoles(book, namespace, name).filter(({ isBuiltIn }) => !isBuiltIn);
  return new Set(roles.flatMap(({ role }) => [...(book.checksOfRole.get(role) ?? [])]));
}

function nameRole(kind: string, namespace: string, name: string): string {
  return kind === 'Role' ? `Role ${namespace}/${name}` : `${kind} ${name}`;
}

function push(map: Map<string, BoundRole[]>, key: string, bound: BoundRole): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [bound]);
  else known.push(bound);
}
