/** One value of a configuration file, as a command line sets it. */

import type { JsonObject, JsonValue } from '../objects/json.ts';
import { isObject, member } from '../objects/json.ts';

/** The steps of `checks.token-lifetime.mode`; a dot that belongs to a key is written `\.`. */
export function toSteps(key: string): readonly string[] {
  return key.split(/(?<!\\)\./).map((step) => step.replaceAll('\\.', '.'));
}

/** A copy of `file` with `value` there; null takes the key away, so that its default is in force. A list is set as a whole. */
export function setValue(file: JsonObject, [step = '', ...further]: readonly string[], value: JsonValue): JsonObject {
  const below = member(file, step);
  const next = further.length === 0 ? value : setValue(isObject(below) ? below : {}, further, value);
  // Not by assignment: a key may be called __proto__.
  const others = Object.entries(file).filter(([key]) => key !== step);
  return Object.fromEntries(next === null ? others : [...others, [step, next]]);
}
