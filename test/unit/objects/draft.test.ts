import { applyPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { createDraft, type Draft } from '../../../src/objects/draft.ts';
import { isObject, type JsonObject, type JsonPath, type JsonValue, toPointer } from '../../../src/objects/json.ts';
import { fc } from '../../properties.ts';
import { deepFreeze, hostileObject, numRuns } from '../arbitraries.ts';

describe('A draft', () => {
  it('and the patch it makes agree with an independent implementation of RFC 6902', () => {
    fc.assert(
      fc.property(
        hostileObject,
        fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.jsonValue()), { maxLength: 12 }),
        (original, edits) => {
          // The other implementation refuses these keys altogether; ours has a test of its own below.
          fc.pre(!/"(constructor|prototype|__proto__)":/.test(JSON.stringify([original, edits])));
          deepFreeze(original);
          const before = JSON.stringify(original);
          const draft = createDraft(original);
          for (const [choice, kind, value] of edits) editSomewhere(draft, { choice, kind, value: value as JsonValue });

          const applied = structuredClone(original);
          const results = applyPatch(applied, structuredClone([...draft.operations()]));
          expect(results.filter((result) => result !== null)).toEqual([]);
          expect(JSON.stringify(sortKeys(applied))).toBe(JSON.stringify(sortKeys(draft.current())));
          expect(JSON.stringify(original)).toBe(before);
        },
      ),
      { numRuns: numRuns() },
    );
  });

  it('makes the objects on the way that are missing, in one operation', () => {
    const draft = createDraft({ metadata: { name: 'a' } });
    draft.set(['metadata', 'annotations', 'curfew.dev/mutated-by'], 'x');
    expect(draft.operations()).toEqual([
      { op: 'add', path: '/metadata/annotations', value: { 'curfew.dev/mutated-by': 'x' } },
    ]);
  });

  it('replaces a null on the way, which means "not set"', () => {
    const draft = createDraft({ metadata: { annotations: null } });
    draft.set(['metadata', 'annotations', 'a'], 'x');
    expect(draft.operations()).toEqual([{ op: 'replace', path: '/metadata/annotations', value: { a: 'x' } }]);
    expect(draft.current()).toEqual({ metadata: { annotations: { a: 'x' } } });
  });

  it('shares what it does not change with the original', () => {
    const original = { spec: { a: 1 }, status: { b: 2 } };
    const draft = createDraft(original);
    draft.set(['spec', 'a'], 2);
    expect(draft.current()['status']).toBe(original.status);
    expect(original.spec.a).toBe(1);
  });

  it('copies an array once, however often it is changed: the largest pod has tens of thousands of volumes', () => {
    const volumes = Array.from({ length: 30_000 }, (_, index) => ({ name: `v${index}`, projected: { sources: [{}] } }));
    const draft = createDraft({ volumes });
    draft.set(['volumes', 0, 'projected', 'a'], 1);
    const copy = draft.current()['volumes'];
    for (let index = 1; index < volumes.length; index += 1) draft.set(['volumes', index, 'projected', 'a'], index);
    expect(draft.current()['volumes']).toBe(copy);
    expect(volumes[29_999]).toEqual({ name: 'v29999', projected: { sources: [{}] } });
  });

  it('does not change what it was given, nor an operation it recorded', () => {
    const given = { a: { b: 1 } };
    const draft = createDraft({});
    draft.set(['new'], given);
    draft.set(['new', 'a', 'b'], 2);
    expect(given).toEqual({ a: { b: 1 } });
    expect(draft.operations().map((operation) => 'value' in operation && operation.value)).toEqual([
      { a: { b: 1 } },
      2,
    ]);
  });

  it('sets a key named __proto__ as data', () => {
    const draft = createDraft({ data: {} });
    draft.set(['data', '__proto__'], 'x');
    expect(JSON.stringify(draft.current())).toBe('{"data":{"__proto__":"x"}}');
    expect(Object.getPrototypeOf(draft.current()['data'])).toBe(Object.prototype);
  });

  it.each<[string, (draft: Draft) => void]>([
    ['the root', (draft) => draft.set([], {})],
    ['an element that is not there', (draft) => draft.set(['list', 7], 1)],
    ['a member of a string', (draft) => draft.set(['text', 'a'], 1)],
    ['a removal of nothing', (draft) => draft.remove(['nothing'])],
    ['an insertion into an object', (draft) => draft.insert(['text', 0], 1)],
    ['an insertion past the end', (draft) => draft.insert(['list', 3], 1)],
    ['an index from the end', (draft) => draft.set(['list', -1], 1)],
    ['an insertion counted from the end', (draft) => draft.insert(['list', -1], 1)],
    ['half an index', (draft) => draft.set(['list', 0.5], 1)],
    ['an insertion at no number', (draft) => draft.insert(['list', Number.NaN], 1)],
    ['an element of an array that is missing', (draft) => draft.set(['missing', 0, 'name'], 1)],
  ])('refuses %s, and records nothing', (_what, edit) => {
    const draft = createDraft({ list: [1, 2], text: 'a' });
    expect(() => edit(draft)).toThrow(RangeError);
    expect(draft.operations()).toEqual([]);
    expect(draft.current()).toEqual({ list: [1, 2], text: 'a' });
  });
});

describe('A pointer', () => {
  it('escapes tilde and slash', () => {
    expect(toPointer(['metadata', 'annotations', 'a/b~c', 0])).toBe('/metadata/annotations/a~1b~0c/0');
  });
});

/** Sets, removes or inserts at one of the places of the draft that exist now. */
function editSomewhere(
  draft: Draft,
  { choice, kind, value }: { choice: number; kind: number; value: JsonValue },
): void {
  const places = listPlaces(draft.current()).filter((path) => path.length > 0);
  const path = places[choice % Math.max(1, places.length)];
  if (path === undefined || kind === 0) return draft.set(path ?? ['new'], value);
  if (kind === 1) return void draft.remove(path);
  if (typeof path.at(-1) === 'number') return draft.insert(path, value);
  return draft.set([...path.slice(0, -1), `new-${choice}`], value);
}

function listPlaces(value: JsonValue, path: JsonPath = []): readonly JsonPath[] {
  if (Array.isArray(value))
    return [path, ...value.flatMap((entry, index) => listPlaces(entry as JsonValue, [...path, index]))];
  if (!isObject(value)) return [path];
  return [path, ...Object.entries(value).flatMap(([key, entry]) => listPlaces(entry, [...path, key]))];
}

/** Order of keys means nothing. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const object: JsonObject = value;
  return Object.keys(object)
    .toSorted()
    .map((key) => [key, sortKeys(object[key])]);
}
