/** Whether a request changes what the index keeps of a service account or a namespace: what pods are given tokens by. */

import type { Subject } from './subject.ts';
import { toNamespaceView, toServiceAccountView } from './views.ts';

/** One object of which the index keeps a view. */
export type IndexedObject = {
  readonly resource: 'namespaces' | 'serviceaccounts';
  /** `name`, or `namespace/name`. */
  readonly key: string;
};

/**
 * The object of the request, if what is kept of it changes. One that is made anew counts if it has labels or annotations that are kept,
 * since one of the same name may have been deleted a moment before.
 *
 * @param schemeKeys - keys that are kept beside our own and those of built-in presets
 */
export function findChangedView(subject: Subject, schemeKeys: ReadonlySet<string>): IndexedObject | undefined {
  const { resource, operation } = subject;
  if (resource.group !== '' || (operation !== 'CREATE' && operation !== 'UPDATE')) return undefined;
  // Of namespaces labels and annotations can be written through each subresource; that of an account is a TokenRequest.
  if (resource.name === 'namespaces') return findChangedNamespace(subject, schemeKeys);
  if (resource.name === 'serviceaccounts' && resource.subresource === '')
    return findChangedAccount(subject, schemeKeys);
  return undefined;
}

function findChangedNamespace(
  { object, oldObject }: Subject,
  schemeKeys: ReadonlySet<string>,
): IndexedObject | undefined {
  const now = toNamespaceView(object, schemeKeys);
  if (now === undefined) return undefined;
  const before = toNamespaceView(oldObject, schemeKeys);
  const isSame = isEqual(now.annotations, before?.annotations) && isEqual(now.labels, before?.labels);
  return isSame ? undefined : { resource: 'namespaces', key: now.name };
}

function findChangedAccount(
  { object, oldObject, namespace, name }: Subject,
  schemeKeys: ReadonlySet<string>,
): IndexedObject | undefined {
  const now = toServiceAccountView(object, schemeKeys);
  const before = toServiceAccountView(oldObject, schemeKeys);
  const isSame =
    isEqual(now?.annotations, before?.annotations) && (before === undefined || now?.automount === before.automount);
  if (name === '' || isSame) return undefined;
  return { resource: 'serviceaccounts', key: `${namespace}/${name}` };
}

const NONE: ReadonlyMap<string, string> = new Map();

function isEqual(one = NONE, other = NONE): boolean {
  if (one.size !== other.size) return false;
  for (const [key, value] of one) if (other.get(key) !== value) return false;
  return true;
}
