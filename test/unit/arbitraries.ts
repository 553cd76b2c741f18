/** Arbitrary objects for property tests, hostile ones above all. */

import type { JsonObject, JsonValue } from '../../src/objects/json.ts';
import { isObject } from '../../src/objects/json.ts';
import { IS_LONG } from '../long.ts';
import { fc } from '../properties.ts';

/** Runs of a property: few in every test run, many with CURFEW_LONG=1. */
export function numRuns(few = 300): number {
  return IS_LONG ? 20_000 : few;
}

const hostileKey = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
  fc.constantFrom('constructor', 'toString', 'a/b', '~', '', '\u0000', '\n', '\ud800', 'metadata', 'spec', 'type'),
);

const hostileString = fc.oneof(
  fc.string({ maxLength: 20, unit: 'binary' }),
  fc.constantFrom('\u0000', 'a\nb', '\u2028', '\ud800', '-1', 'x'.repeat(5_000), 'default', 'true'),
);

const leaf = fc.oneof(
  hostileString,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
  fc.boolean(),
  fc.constant(null),
);

/** Any JSON that JSON.parse can make, keys such as `constructor` included. */
export const hostileValue: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(hostileKey, tie('value'), { maxKeys: 4 }),
  ),
})).value;

export const hostileObject: fc.Arbitrary<JsonObject> = fc.dictionary(hostileKey, hostileValue, { maxKeys: 4 });

/** A given object with some of its parts replaced by arbitrary JSON or removed. */
export function mutated(objects: readonly JsonObject[]): fc.Arbitrary<JsonObject> {
  const edit = fc.record({ at: fc.nat(), value: fc.option(hostileValue, { nil: undefined, freq: 4 }) });
  return fc
    .tuple(fc.constantFrom(...objects), fc.array(edit, { maxLength: 4 }))
    .map(([object, edits]) => edits.reduce((current, { at, value }) => replaceOne(current, at, value), object));
}

function replaceOne(object: JsonObject, at: number, value: JsonValue | undefined): JsonObject {
  const count = countNodes(object);
  let left = at % Math.max(1, count);
  const walk = (node: JsonValue): JsonValue | undefined => {
    left -= 1;
    if (left === -1) return value;
    if (Array.isArray(node)) return node.map((entry) => walk(entry as JsonValue) ?? null);
    if (!isObject(node)) return node;
    return Object.fromEntries(
      Object.entries(node).flatMap(([key, entry]) => {
        const walked = walk(entry);
        return walked === undefined ? [] : [[key, walked] as const];
      }),
    );
  };
  const result = walk(object);
  return isObject(result) ? result : {};
}

function countNodes(value: JsonValue): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, entry) => sum + countNodes(entry as JsonValue), 1);
  if (!isObject(value)) return 1;
  return Object.values(value).reduce<number>((sum, entry) => sum + countNodes(entry), 1);
}

/** Makes every change of `value` an error. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const entry of Object.values(value)) deepFreeze(entry);
}
