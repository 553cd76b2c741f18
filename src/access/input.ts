/** What the access graph is made of: narrow projections of the objects of a cluster, and nothing of a Secret but its name. */

import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { readInvalidSince } from '../objects/legacy-token.ts';
import { serviceAccountOf } from '../objects/pod-spec.ts';
import { listBuiltInSubjects } from '../objects/rbac/built-in.ts';
import { readRules } from '../objects/rbac/rules.ts';
import { listSecretReferences } from '../objects/secret-references.ts';
import { listTokenSources } from '../objects/tokens.ts';
import { ACCOUNT_NAME_ANNOTATION } from '../objects/views.ts';
import type { RoleRights } from './rights.ts';
import { readRights } from './rights.ts';

export type RoleKind = 'Role' | 'ClusterRole';

export type AccessRole = {
  readonly kind: RoleKind;
  /** Empty for a ClusterRole. */
  readonly namespace: string;
  readonly name: string;
  readonly rights: RoleRights;
};

export type AccessSubject = {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  /** Of a service account alone. */
  readonly namespace?: string;
  readonly name: string;
};

export type AccessBinding = {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
  /** Empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly name: string;
  readonly role: { readonly kind: RoleKind; readonly name: string };
  readonly subjects: readonly AccessSubject[];
  /** Those of them whom Kubernetes itself has not put there. */
  readonly others: readonly AccessSubject[];
};

export type AccessAccount = { readonly namespace: string; readonly name: string };

/** A pod that runs. */
export type AccessPod = {
  readonly namespace: string;
  readonly name: string;
  readonly account: string;
  /** Empty while it is not scheduled. */
  readonly node: string;
  /** True if a token of its account is mounted. */
  readonly hasToken: boolean;
  /** Secrets that its containers read. */
  readonly secrets: readonly string[];
};

/** A Secret with a token that the API server accepts. */
export type AccessSecret = { readonly namespace: string; readonly name: string; readonly account: string };

export type AccessInput = {
  readonly roles: Iterable<AccessRole>;
  readonly bindings: Iterable<AccessBinding>;
  /** Undefined if they could not be listed: then every account that is named anywhere is taken to be there. */
  readonly accounts: Iterable<AccessAccount> | undefined;
  readonly pods: Iterable<AccessPod>;
  readonly secrets: Iterable<AccessSecret>;
  /** The 36 of Kubernetes 1.36; undefined if it is not known: then what any version allows is allowed. */
  readonly minorVersion?: number | undefined;
  /** API groups that are served; undefined if that is not known: then all are. */
  readonly apiGroups?: ReadonlySet<string> | undefined;
};

/** RBAC takes a User of this name for the account (apiserver pkg/authentication/serviceaccount SplitUsername). */
const ACCOUNT_USER = /^system:serviceaccount:([^:]+):([^:]+)$/;

export function toAccessRole(object: JsonObject, kind: RoleKind): AccessRole {
  return { kind, ...readPlace(object), rights: readRights(readRules(object)) };
}

export function toAccessBinding(object: JsonObject, kind: AccessBinding['kind']): AccessBinding {
  const { namespace, name } = readPlace(object);
  const builtIn = new Set(listBuiltInSubjects(object));
  const subjects = asArray(member(object, 'subjects'));
  return {
    kind,
    namespace,
    name,
    role: {
      kind: asString(valueAt(object, ['roleRef', 'kind'])) === 'Role' ? 'Role' : 'ClusterRole',
      name: asString(valueAt(object, ['roleRef', 'name'])) ?? '',
    },
    subjects: subjects.flatMap((subject) => readSubject(subject, namespace) ?? []),
    others: subjects
      .filter((subject) => !builtIn.has(subject))
      .flatMap((subject) => readSubject(subject, namespace) ?? []),
  };
}

/** Undefined of one that has ended. */
export function toAccessPod(object: JsonObject): AccessPod | undefined {
  const spec = member(object, 'spec');
  const phase = asString(valueAt(object, ['status', 'phase']));
  if (!isObject(spec) || phase === 'Succeeded' || phase === 'Failed') return undefined;
  return {
    ...readPlace(object),
    account: serviceAccountOf(spec),
    node: asString(member(spec, 'nodeName')) ?? '',
    // One with an audience of its own is not for the API, and still acts as the account elsewhere.
    hasToken: listTokenSources(spec).length > 0,
    secrets: [...new Set(listSecretReferences(spec).map(({ secret }) => secret))],
  };
}

export function toAccessAccount(object: JsonObject): AccessAccount {
  return readPlace(object);
}

/** Of the metadata of a Secret of the token's type; undefined if its token is refused by the API server (KEP-2799). */
export function toAccessSecret(object: JsonObject): AccessSecret | undefined {
  const account = asString(valueAt(object, ['metadata', 'annotations', ACCOUNT_NAME_ANNOTATION]));
  if (account === undefined || readInvalidSince(object) !== undefined) return undefined;
  return { ...readPlace(object), account };
}

/** A user by the name of a service account is that account. */
export function toAccount(userName: string): AccessSubject | undefined {
  const [, namespace, name] = ACCOUNT_USER.exec(userName) ?? [];
  return namespace === undefined || name === undefined ? undefined : { kind: 'ServiceAccount', namespace, name };
}

/** A RoleBinding may leave its own namespace out (kubernetes, pkg/registry/rbac/validation, appliesToUser). */
function readSubject(subject: unknown, ownNamespace: string): AccessSubject | undefined {
  const name = asString(member(subject, 'name')) ?? '';
  const kind = asString(member(subject, 'kind'));
  if (kind === 'User') return toAccount(name) ?? { kind, name };
  if (kind === 'Group') return { kind, name };
  const namespace = asString(member(subject, 'namespace')) || ownNamespace;
  return kind === 'ServiceAccount' && namespace !== '' ? { kind, namespace, name } : undefined;
}

function readPlace(object: JsonObject): { readonly namespace: string; readonly name: string } {
  return {
    namespace: asString(valueAt(object, ['metadata', 'namespace'])) ?? '',
    name: asString(valueAt(object, ['metadata', 'name'])) ?? '',
  };
}
