/**
 * Cases of the schemes' own webhooks: a pod, the whole pod that the original makes of it, and wherever ours is
 * different, what ours has and which sentence of the preset's `differences` says so. The files are written anew from the
 * originals' tests and documentation, which each of them names; nothing is copied.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { JsonObject, JsonValue } from '../../../src/objects/json.ts';
import { asArray, asString, isObject, member } from '../../../src/objects/json.ts';

const FOLDER = join(import.meta.dirname, 'originals');

type Difference = {
  /** Pointer into the normalised pod. */
  readonly at: string;
  /** What ours has there; left out: nothing. */
  readonly ours?: JsonValue;
  /** The beginning of a sentence of the preset. */
  readonly because: string;
};

export type OriginalCase = {
  readonly title: string;
  readonly source: string;
  readonly preset: string;
  /** Our annotations on the service account, where the scheme has no trigger of its own. */
  readonly asked?: string;
  readonly parameters?: JsonObject;
  readonly account?: JsonObject;
  readonly namespace?: JsonObject;
  readonly pod: JsonObject;
  readonly original: JsonObject | 'unchanged' | 'refused';
  /** Where the whole answer is another one: the pod that ours makes, or a denial. */
  readonly ours?: JsonObject | 'refused';
  /** Words of our denial. */
  readonly denial?: string;
  readonly because?: string;
  readonly differs?: readonly Difference[];
};

export function listOriginalCases(): readonly (OriginalCase & { readonly file: string })[] {
  return readdirSync(FOLDER)
    .toSorted()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((document) => {
        const [error] = document.errors;
        if (error !== undefined) throw new Error(`${file}: ${error.message}`);
        return { ...(document.toJS() as OriginalCase), file };
      }),
    );
}

/** With what every pod has here. */
export function toPod({ metadata, spec }: JsonObject): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', ...(isObject(metadata) ? metadata : {}) },
    spec: { serviceAccountName: 'web', automountServiceAccountToken: false, ...(isObject(spec) ? spec : {}) },
  };
}

/** Lists whose entries have a name: their order is told in `differences`, and tried elsewhere. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ['volumes', 'name'],
  ['containers', 'name'],
  ['initContainers', 'name'],
  ['env', 'name'],
  ['volumeMounts', 'mountPath'],
]);

/** Named lists as objects, and without what Curfew writes of itself. */
export function normalise(value: JsonValue, under = ''): JsonValue {
  const key = KEYS.get(under);
  if (Array.isArray(value) && key !== undefined) {
    const entries = value.map((entry: JsonValue) => [asString(member(entry, key)) ?? '', normalise(entry)] as const);
    const named = Object.fromEntries(entries);
    if (Object.keys(named).length !== entries.length) throw new Error(`${under} has two entries of one name`);
    return named;
  }
  if (Array.isArray(value)) return value.map((entry: JsonValue) => normalise(entry));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([name, entry]) => {
    if (/^(curfew\.dev\/(injected|mutated-by)|tokens\.curfew\.dev\/.*)$/.test(name)) return [];
    const normal = normalise(entry, name);
    // An empty list or map says what none says.
    return isObject(normal) && Object.keys(normal).length === 0 && name !== 'emptyDir' ? [] : [[name, normal] as const];
  });
  return Object.fromEntries(kept);
}

/** Where the second is not the first, and what it has there. */
export function listDifferences(first: JsonValue | undefined, second: JsonValue | undefined, at = ''): JsonObject {
  const isBothObjects = isObject(first) && isObject(second);
  const isBothLists = Array.isArray(first) && Array.isArray(second) && first.length === second.length;
  if (!isBothObjects && !isBothLists) {
    return JSON.stringify(first) === JSON.stringify(second) ? {} : { [at]: second ?? null };
  }
  const keys = isBothObjects
    ? new Set([...Object.keys(first), ...Object.keys(second)])
    : asArray(second).map((_, index) => String(index));
  const parts = [...keys].map((key) => {
    const step = key.replaceAll('~', '~0').replaceAll('/', '~1');
    const [one, other] = isBothObjects
      ? [member(first, key), member(second, key)]
      : [asArray(first)[Number(key)], asArray(second)[Number(key)]];
    return listDifferences(one, other, `${at}/${step}`);
  });
  return Object.assign({}, ...parts) as JsonObject;
}
