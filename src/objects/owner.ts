/** Who made an object: the reference to its controller. */

import type { JsonValue } from './json.ts';
import { asArray, asString, member, valueAt } from './json.ts';

export type Owner = {
  /** `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
};

/** The reference to the controller of an object as it stands there; undefined if there is none. */
export function findController(object: unknown): JsonValue | undefined {
  const references = asArray(valueAt(object, ['metadata', 'ownerReferences']));
  return references.find((reference) => member(reference, 'controller') === true);
}

/** The controller of an object, which there is one of at most; undefined if it has none, or the reference is not whole. */
export function readController(object: unknown): Owner | undefined {
  const reference = findController(object);
  const [apiVersion, kind, name, uid] = ['apiVersion', 'kind', 'name', 'uid'].map((key) =>
    asString(member(reference, key)),
  );
  if (apiVersion === undefined || kind === undefined || name === undefined || uid === undefined) return undefined;
  return { apiVersion, kind, name, uid };
}
