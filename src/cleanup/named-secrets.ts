/**
 * Every Secret that a pod spec names in any way. Wider than what shows a container a token: a pod that takes no more than the
 * CA bundle out of a token Secret does not start again once it is gone.
 */

import type { JsonValue } from '../objects/json.ts';
import { isObject } from '../objects/json.ts';

/** `secretRef`, `secretKeyRef`, `nodePublishSecretRef`, `imagePullSecrets`, the source `secret` of a projected volume. */
const HOLDS_REFERENCE = /secret/i;

type Place = {
  readonly key: string;
  readonly value: JsonValue;
  /** True of a member of an object that refers to a Secret. */
  readonly isReference: boolean;
};

/** Names, each once. Iterative, since a spec may be nested as deep as it likes. */
export function listNamedSecrets(spec: JsonValue): ReadonlySet<string> {
  const names = new Set<string>();
  const left: Place[] = [{ key: '', value: spec, isReference: false }];
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const { key, value, isReference } = place;
    if (typeof value === 'string') {
      if (key === 'secretName' || (key === 'name' && isReference)) names.add(value);
    } else if (Array.isArray(value)) {
      // An entry of imagePullSecrets is a reference as the value of secretRef is.
      for (const entry of value) left.push({ key, value: entry, isReference });
    } else if (isObject(value)) {
      const isHeld = HOLDS_REFERENCE.test(key);
      for (const [inner, entry] of Object.entries(value)) left.push({ key: inner, value: entry, isReference: isHeld });
    }
  }
  return names;
}
