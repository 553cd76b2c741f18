/** What is kept for the access graph of the objects of a cluster as they pass by: narrow projections, and no object. */

import { buildGraph } from '../access/build-graph.ts';
import type { Graph } from '../access/graph.ts';
import type {
  AccessAccount,
  AccessBinding,
  AccessInput,
  AccessPod,
  AccessRole,
  AccessSecret,
} from '../access/input.ts';
import { toAccessAccount, toAccessBinding, toAccessPod, toAccessRole, toAccessSecret } from '../access/input.ts';
import { KINDS } from '../objects/kinds.ts';
import type { Subject } from '../objects/subject.ts';
import type { ClusterFault } from './read-cluster.ts';

export type AccessBook = {
  readonly roles: AccessRole[];
  readonly bindings: AccessBinding[];
  readonly pods: AccessPod[];
  readonly secrets: AccessSecret[];
  readonly accounts: AccessAccount[];
};

/** What the graph takes of an object of each kind. */
const TAKEN: Readonly<Record<string, (book: AccessBook, subject: Subject) => void>> = {
  Role: ({ roles }, { object }) => roles.push(toAccessRole(object, 'Role')),
  ClusterRole: ({ roles }, { object }) => roles.push(toAccessRole(object, 'ClusterRole')),
  RoleBinding: ({ bindings }, { object }) => bindings.push(toAccessBinding(object, 'RoleBinding')),
  ClusterRoleBinding: ({ bindings }, { object }) => bindings.push(toAccessBinding(object, 'ClusterRoleBinding')),
  Pod: ({ pods }, { object }) => push(pods, toAccessPod(object)),
  Secret: ({ secrets }, { object }) => push(secrets, toAccessSecret(object)),
  ServiceAccount: ({ accounts }, { object }) => accounts.push(toAccessAccount(object)),
};

export const ACCESS_KINDS: readonly string[] = Object.keys(TAKEN);

export function createAccessBook(): AccessBook {
  return { roles: [], bindings: [], pods: [], secrets: [], accounts: [] };
}

/** Takes note of one object, of whatever kind. */
export function noteAccess(book: AccessBook, subject: Subject): void {
  if (Object.hasOwn(TAKEN, subject.kind)) TAKEN[subject.kind]?.(book, subject);
}

export type DrawnAccess = {
  readonly graph: Graph;
  /** False if something could not be listed: then the graph is of the rest. */
  readonly isComplete: boolean;
};

/** @param unread - what could not be listed, of whatever kind */
export function drawAccess(
  { accounts, ...lists }: AccessBook,
  { unread, ...served }: Pick<AccessInput, 'minorVersion' | 'apiGroups'> & { readonly unread: readonly ClusterFault[] },
): DrawnAccess {
  const missing = new Set(unread.map(({ resource }) => resource));
  const input = { ...lists, ...served, accounts: missing.has('serviceaccounts') ? undefined : accounts };
  return { graph: buildGraph(input), isComplete: !RESOURCES.some((resource) => missing.has(resource)) };
}

const RESOURCES = KINDS.filter(({ kind }) => ACCESS_KINDS.includes(kind)).map(({ resource }) => resource);

function push<T>(list: T[], one: T | undefined): void {
  if (one !== undefined) list.push(one);
}
