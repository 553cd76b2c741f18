/** Metadata of an object, which may be of any form where no API server stands between. */

import type { JsonObject } from './json.ts';
import { isObject, valueAt } from './json.ts';

/** True where metadata and annotations are objects, or not set and can be made. */
export function mayHoldAnnotations(object: JsonObject): boolean {
  return [['metadata'], ['metadata', 'annotations']].every((path) => {
    const value = valueAt(object, path) ?? null;
    return value === null || isObject(value);
  });
}
