/**
 * What a rule judges. A subject comes from an AdmissionReview, from a manifest or from a live object; rules cannot tell
 * which, so a verdict is the same everywhere.
 */

import type { JsonObject } from './json.ts';
import { asString, valueAt } from './json.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** A resource with its optional subresource: `{ group: 'apps', name: 'deployments', subresource: '' }`. */
export type ResourceName = {
  readonly group: string;
  readonly name: string;
  readonly subresource: string;
};

export type Caller = {
  readonly username: string;
  readonly groups: readonly string[];
};

export type Subject = {
  readonly operation: Operation;
  readonly resource: ResourceName;
  /** Kind for people: `Deployment`. */
  readonly kind: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** Empty when only `generateName` is known. */
  readonly name: string;
  readonly object: JsonObject;
  /** On UPDATE: the object as it is stored now. */
  readonly oldObject?: JsonObject;
  /** Absent when a manifest is judged. */
  readonly caller?: Caller;
};

/** `pods`, `deployments.apps`, `serviceaccounts/token`: the form kubectl uses. */
export function formatResource({ group, name, subresource }: ResourceName): string {
  return `${name}${group === '' ? '' : `.${group}`}${subresource === '' ? '' : `/${subresource}`}`;
}

/** True for a CREATE of `serviceaccounts/token`: the subject's name is the service account's, its object a TokenRequest. */
export function isTokenRequest({ resource }: Subject): boolean {
  return resource.group === '' && resource.name === 'serviceaccounts' && resource.subresource === 'token';
}

/**
 * `Pod shop/web`, `ClusterRole reader`; a generated name is shown as its prefix and `*`. A TokenRequest has no name but
 * that of the account it is for: `TokenRequest for service account shop/ci`.
 */
export function formatSubject(subject: Subject): string {
  const generateName = asString(valueAt(subject.object, ['metadata', 'generateName']));
  const name = subject.name !== '' ? subject.name : generateName !== undefined ? `${generateName}*` : '(no name yet)';
  const kind = isTokenRequest(subject) ? `${subject.kind} for service account` : subject.kind;
  return `${kind} ${subject.namespace === '' ? '' : `${subject.namespace}/`}${name}`;
}

/** The same request with the stored object in the place of the new one: what the object was before this update. */
export function toOldSubject(subject: Subject): Subject | undefined {
  if (subject.oldObject === undefined) return undefined;
  const { oldObject, ...rest } = subject;
  return { ...rest, object: oldObject };
}
