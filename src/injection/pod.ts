/** A pod as injection reads it. */

import type { JsonObject } from '../objects/json.ts';
import { isObject, member } from '../objects/json.ts';

/** The pod's spec, without anything in it where the pod has none. */
export function specOf(pod: JsonObject): JsonObject {
  const spec = member(pod, 'spec');
  return isObject(spec) ? spec : {};
}
