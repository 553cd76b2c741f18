/**
 * One object while mutations change it, and the one JSON Patch (RFC 6902) that comes of it.
 *
 * Each change is applied to the draft at the moment it is recorded, so the paths of the next operation are right for
 * the state the API server will be in when it gets there: a patch that does not apply is a 500 even under
 * `failurePolicy: Ignore`, and here it cannot be built. Changed nodes are copied, the rest is shared with the original,
 * which is never touched.
 */

import type { JsonObject, JsonPath, JsonValue } from './json.ts';
import { isObject, toPointer, valueAt } from './json.ts';

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

export type Draft = {
  /** The object with all changes so far. */
  current(): JsonObject;
  /** Sets an object's member or an array's existing element; makes the objects on the way that are missing. */
  set(path: JsonPath, value: JsonValue): void;
  /** Removes an existing member or element. */
  remove(path: JsonPath): void;
  /** Inserts before the array element at `path`; an index equal to the length appends. */
  insert(path: JsonPath, value: JsonValue): void;
  operations(): readonly PatchOperation[];
};

/** Starts a draft of `original`. Its methods throw a RangeError for a path that cannot be changed: a rule's mistake. */
export function createDraft(original: JsonObject): Draft {
  let current: JsonObject = original;
  const operations: PatchOperation[] = [];

  function change(path: JsonPath, edit: (parent: JsonValue, key: string | number) => JsonValue): void {
    const next = editAt(current, path, edit);
    if (!isObject(next)) throw new RangeError(`cannot change ${toPointer(path)}`);
    current = next;
  }

  function setExisting(path: JsonPath, value: JsonValue): void {
    const op = valueAt(current, path) === undefined ? 'add' : 'replace';
    change(path, (parent, key) => withEntry(parent, key, value));
    operations.push({ op, path: toPointer(path), value });
  }

  return {
    current: () => current,
    operations: () => operations,
    set(path, value) {
      // `null` is how an API object says "not set": it is replaced by the object that is missing.
      const missing = path.findIndex((_, index) => (valueAt(current, path.slice(0, index)) ?? null) === null);
      if (missing === -1) return setExisting(path, value);
      if (path.slice(missing).some((step) => typeof step === 'number')) {
        throw new RangeError(`no array on the way to ${toPointer(path)}`);
      }
      const nested = path.slice(missing).reduceRight<JsonValue>((inner, step) => ({ [step]: inner }), value);
      setExisting(path.slice(0, missing), nested);
    },
    remove(path) {
      if (valueAt(current, path) === undefined) throw new RangeError(`nothing to remove at ${toPointer(path)}`);
      change(path, withoutEntry);
      operations.push({ op: 'remove', path: toPointer(path) });
    },
    insert(path, value) {
      change(path, (parent, key) => {
        if (!Array.isArray(parent) || !isIndex(key) || key > parent.length) {
          throw new RangeError(`cannot insert at ${toPointer(path)}`);
        }
        return parent.toSpliced(key, 0, value);
      });
      operations.push({ op: 'add', path: toPointer(path), value });
    },
  };
}

/** Copies the nodes along `path` and lets `edit` make the new last parent. Paths are ours, so the depth is small. */
function editAt(
  node: JsonValue,
  path: JsonPath,
  edit: (parent: JsonValue, key: string | number) => JsonValue,
): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) throw new RangeError('the root cannot be changed');
  if (rest.length === 0) return edit(node, key);
  const child = valueAt(node, [key]);
  if (child === undefined) throw new RangeError(`nothing at ${toPointer(path)}`);
  return withEntry(node, key, editAt(child, rest, edit));
}

function withEntry(parent: JsonValue, key: string | number, value: JsonValue): JsonValue {
  if (Array.isArray(parent) && isIndex(key) && key < parent.length) return parent.with(key, value);
  // A computed key defines an own property, also when it is `__proto__`; an assignment would not.
  if (isObject(parent) && typeof key === 'string') return { ...parent, [key]: value };
  throw new RangeError(`cannot set ${String(key)} in ${Array.isArray(parent) ? 'an array' : typeof parent}`);
}

function withoutEntry(parent: JsonValue, key: string | number): JsonValue {
  if (Array.isArray(parent) && typeof key === 'number') return parent.toSpliced(key, 1);
  if (isObject(parent)) return Object.fromEntries(Object.entries(parent).filter(([name]) => name !== key));
  throw new RangeError(`cannot remove ${String(key)}`);
}

/** JavaScript's arrays count from the end for -1 and round 0.5; a JSON Patch does neither. */
function isIndex(key: string | number): key is number {
  return Number.isInteger(key) && Number(key) >= 0;
}
