/**
 * One object while mutations change it, and the one JSON Patch (RFC 6902) that comes of it.
 *
 * Each change is applied to the draft at the moment it is recorded, so the paths of the next operation are right for
 * the state the API server will be in when it gets there: a patch that does not apply is a 500 even under
 * `failurePolicy: Ignore`, and here it cannot be built. Changed nodes are copied once, the rest is shared with the
 * original, which is never touched.
 */

import type { JsonObject, JsonPath, JsonValue } from './json.ts';
import { isObject, stepInto, toPointer, valueAt } from './json.ts';

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

export type Draft = {
  /** The object with all changes so far. It is live: what is held of it may show later changes of this draft. */
  current(): JsonObject;
  /** Sets an object's member or an array's existing element; makes the objects on the way that are missing. */
  set(path: JsonPath, value: JsonValue): void;
  /** Removes an existing member or element. @returns its JSON pointer */
  remove(path: JsonPath): string;
  /** Inserts before the array element at `path`; an index equal to the length appends. */
  insert(path: JsonPath, value: JsonValue): void;
  operations(): readonly PatchOperation[];
};

/** Starts a draft of `original`. Its methods throw a RangeError for a path that cannot be changed: a rule's mistake. */
export function createDraft(original: JsonObject): Draft {
  return new ObjectDraft(original);
}

/** A class for once: what V8 compiles of methods it keeps, and of closures made in a review it does not (`judgePodSpecs`). */
class ObjectDraft implements Draft {
  #current: JsonObject;
  readonly #operations: PatchOperation[] = [];
  /** Copies made by this draft: a node is copied at its first change and then changed in place, or work is quadratic. */
  readonly #owned = new Identities();

  constructor(original: JsonObject) {
    this.#current = original;
  }

  current(): JsonObject {
    return this.#current;
  }

  operations(): readonly PatchOperation[] {
    return this.#operations;
  }

  set(path: JsonPath, value: JsonValue): void {
    // `null` is how an API object says "not set": it is replaced by the object that is missing.
    const missing = findMissing(this.#current, path);
    if (missing === undefined) return this.#setExisting(path, value);
    if (path.slice(missing).some((step) => typeof step === 'number')) {
      throw new RangeError(`no array on the way to ${toPointer(path)}`);
    }
    const nested = path.slice(missing).reduceRight<JsonValue>((inner, step) => ({ [step]: inner }), value);
    this.#setExisting(path.slice(0, missing), nested);
  }

  remove(path: JsonPath): string {
    if (valueAt(this.#current, path) === undefined) throw new RangeError(`nothing to remove at ${toPointer(path)}`);
    const { parent, key } = this.#ownParent(path);
    removeEntry(parent, key);
    const pointer = toPointer(path);
    this.#operations.push({ op: 'remove', path: pointer });
    return pointer;
  }

  insert(path: JsonPath, value: JsonValue): void {
    const place = path.at(-1) ?? '';
    const array = valueAt(this.#current, path.slice(0, -1));
    if (!Array.isArray(array) || !isIndex(place) || place > array.length) {
      throw new RangeError(`cannot insert at ${toPointer(path)}`);
    }
    asMutableArray(this.#ownParent(path).parent).splice(place, 0, value);
    this.#operations.push({ op: 'add', path: toPointer(path), value });
  }

  #setExisting(path: JsonPath, value: JsonValue): void {
    const holder = valueAt(this.#current, path.slice(0, -1));
    checkSettable(holder, path);
    const op = stepInto(holder, path.at(-1) ?? '') === undefined ? 'add' : 'replace';
    const { parent, key } = this.#ownParent(path);
    setEntry(parent, key, value);
    this.#operations.push({ op, path: toPointer(path), value });
  }

  /** Owns every node on the way to `path`, which exists. @returns the last of them, which may be changed */
  #ownParent(path: JsonPath): { readonly parent: JsonValue; readonly key: string | number } {
    const last = path.length - 1;
    const key = path[last];
    if (key === undefined) throw new RangeError('the root cannot be changed');
    let node: JsonValue = this.#own(this.#current);
    if (!isObject(node)) throw new RangeError(`cannot change ${toPointer(path)}`);
    this.#current = node;
    for (let at = 0; at < last; at += 1) {
      const step = path[at] ?? 0;
      const child: JsonValue = stepInto(node, step) ?? null;
      const copy = this.#own(child);
      if (copy !== child) setEntry(node, step, copy);
      node = copy;
    }
    return { parent: node, key };
  }

  /** The copy of `node` that this draft may change. */
  #own(node: JsonValue): JsonValue {
    if (typeof node !== 'object' || node === null || this.#owned.has(node)) return node;
    const copy = Array.isArray(node) ? node.slice() : { ...(node as JsonObject) };
    this.#owned.add(copy);
    return copy as JsonValue;
  }
}

/** How many steps of `path` lead to the first place on the way to its end where nothing is; undefined if there is none. */
function findMissing(root: JsonObject, path: JsonPath): number | undefined {
  let node: JsonValue = root;
  for (let at = 0; at < path.length - 1; at += 1) {
    node = stepInto(node, path[at] ?? '') ?? null;
    if (node === null) return at + 1;
  }
  return undefined;
}

/** So many objects are found faster one by one than in a Set, which gives each a hash first. */
const FEW = 32;

/** Objects that are told apart by being the same. */
class Identities {
  readonly #few: object[] = [];
  #many: Set<object> | undefined;

  has(object: object): boolean {
    return this.#many === undefined ? this.#few.includes(object) : this.#many.has(object);
  }

  add(object: object): void {
    if (this.#many !== undefined) this.#many.add(object);
    else if (this.#few.push(object) > FEW) this.#many = new Set(this.#few);
  }
}

/** Before anything is copied, so that a refused change leaves no trace. */
function checkSettable(parent: JsonValue | undefined, path: JsonPath): void {
  const key = path.at(-1);
  const isElement = Array.isArray(parent) && key !== undefined && isIndex(key) && key < parent.length;
  if (isElement || (isObject(parent) && typeof key === 'string')) return;
  throw new RangeError(`cannot set ${toPointer(path)}`);
}

/** `parent` is a copy of the draft's own. */
function setEntry(parent: JsonValue, key: string | number, value: JsonValue): void {
  if (Array.isArray(parent)) asMutableArray(parent)[Number(key)] = value;
  else if (!isObject(parent)) return;
  // To assign is many times as fast as to define. Plain objects inherit one member that would take it: `__proto__`.
  else if (key !== '__proto__') (parent as Record<string, JsonValue>)[key] = value;
  else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

/** `parent` is a copy of the draft's own. */
function removeEntry(parent: JsonValue, key: string | number): void {
  if (Array.isArray(parent)) asMutableArray(parent).splice(Number(key), 1);
  else if (isObject(parent)) Reflect.deleteProperty(parent, key);
}

function asMutableArray(value: JsonValue): JsonValue[] {
  return value as JsonValue[];
}

/** JavaScript's arrays count from the end for -1 and round 0.5; a JSON Patch does neither. */
function isIndex(key: string | number): key is number {
  return Number.isInteger(key) && Number(key) >= 0;
}
