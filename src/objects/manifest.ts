/** A manifest as the subject that its creation would be. */

import type { JsonObject } from './json.ts';
import { asString, member, valueAt } from './json.ts';
import { findKind } from './kinds.ts';
import type { ResourceName, Subject } from './subject.ts';

/** The resource of a manifest; without a name if no rule reads its kind. */
export function resourceOf(object: JsonObject, subresource = ''): ResourceName {
  const kind = asString(member(object, 'kind')) ?? '';
  // The one kind that is only ever the body of a subresource.
  if (kind === 'TokenRequest') return { group: '', name: 'serviceaccounts', subresource: 'token' };
  const known = findKind(asString(member(object, 'apiVersion')) ?? '', kind);
  return { group: known?.group ?? '', name: known?.resource ?? '', subresource };
}

/**
 * The subject that `kubectl create` of this manifest would be; undefined if no rule reads its kind.
 *
 * @param defaultNamespace - of an object that names none, as `kubectl --namespace`
 */
export function toNewSubject(object: JsonObject, defaultNamespace: string): Subject | undefined {
  const kind = asString(member(object, 'kind')) ?? '';
  const known = findKind(asString(member(object, 'apiVersion')) ?? '', kind);
  if (known === undefined) return undefined;
  const named = asString(valueAt(object, ['metadata', 'namespace'])) || defaultNamespace;
  return {
    operation: 'CREATE',
    resource: resourceOf(object),
    kind,
    namespace: known.scope === 'Cluster' ? '' : named,
    name: asString(valueAt(object, ['metadata', 'name'])) ?? '',
    object,
  };
}
