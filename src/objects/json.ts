/**
 * Reading raw JSON without trusting it.
 *
 * Objects from the API server stay exactly as they were parsed: nothing here converts, copies or normalises them, so
 * fields that Curfew does not know survive. Every read is an own-property read, because a Secret or ConfigMap may
 * legally hold a key named `__proto__` or `constructor`.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

/** A path into an object: member names and array indexes, from the root. */
export type JsonPath = readonly (string | number)[];

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The own member `key` of `value`; undefined if `value` is no object or has no such member. */
export function member(value: unknown, key: string): JsonValue | undefined {
  if (!isObject(value)) return undefined;
  // Most of what is asked for is not there, and not finding it is one lookup and not two.
  const found = value[key];
  // Own it is unless it is what plain objects inherit: functions, and by the name __proto__ Object.prototype. JSON has
  // neither, and asking for an own member is a second lookup.
  return typeof found !== 'function' && (found as unknown) !== Object.prototype ? found : undefined;
}

/** What stands at `path`; undefined as soon as a step does not exist. */
export function valueAt(value: unknown, path: JsonPath): JsonValue | undefined {
  let current: unknown = value;
  for (const step of path) {
    current = stepInto(current, step);
    if (current === undefined) return undefined;
  }
  return current as JsonValue | undefined;
}

/** What stands at one step of a path. */
export function stepInto(value: unknown, step: string | number): JsonValue | undefined {
  if (typeof step === 'string') return member(value, step);
  return Array.isArray(value) ? value[step] : undefined;
}

/** `value` if it is a string, else undefined. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `value` if it is an array, else an empty array. */
export function asArray(value: unknown): readonly JsonValue[] {
  return Array.isArray(value) ? value : NO_ELEMENTS;
}

/** One for all: most of the lists that are asked for are not there. */
const NO_ELEMENTS: readonly JsonValue[] = [];

/** The members of `value` whose values are strings, such as labels and annotations; empty if `value` is no object. */
export function stringMembers(value: unknown): ReadonlyMap<string, string> {
  const strings = new Map<string, string>();
  if (!isObject(value)) return strings;
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === 'string') strings.set(key, entry);
  }
  return strings;
}

/** The steps of an RFC 6901 JSON pointer; an array's index is a text like any other. */
export function fromPointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A path as an RFC 6901 JSON pointer: `['metadata', 'annotations', 'a/b']` is `/metadata/annotations/a~1b`. */
export function toPointer(path: JsonPath): string {
  let pointer = '';
  for (const step of path) pointer += `/${typeof step === 'number' ? step : escapeStep(step)}`;
  return pointer;
}

/** Most names have neither, and then nothing is made anew. */
function escapeStep(step: string): string {
  const isPlain = !step.includes('~') && !step.includes('/');
  return isPlain ? step : step.replaceAll('~', '~0').replaceAll('/', '~1');
}
