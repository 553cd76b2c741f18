/**
 * Writes the repairs of findings into the text of a file. Only the characters of a value change, or one line is added:
 * comments, quotes, indentation and the order of keys stay as their author wrote them.
 */

import type { Document, YAMLMap } from 'yaml';
import { isMap, isScalar } from 'yaml';
import type { Repair } from '../checks/define-check.ts';
import type { JsonPath } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import type { CheckedObject } from './check-manifests.ts';
import type { Manifest } from './read-manifests.ts';
import { createTextParser } from './read-manifests.ts';

/** One replacement: `[start, end)` of the file, in characters, becomes `text`. */
type Edit = { readonly start: number; readonly end: number; readonly text: string };

type PlacedEdit = Edit & { readonly place: string };

export type Repaired = {
  readonly text: string;
  /** Where a value was written: the same place has the same name when the file is repaired again. */
  readonly written: readonly string[];
};

/**
 * The text of one file with everything in it repaired that can be: what a finding only warns of too, but nothing that is
 * only audited.
 *
 * @param objects - those of this file
 */
export function repairText(text: string, objects: readonly CheckedObject[]): Repaired {
  const parseText = createTextParser();
  const edits = objects.flatMap((object) => {
    const repairs = listRepairs(object);
    return repairs.length === 0 ? [] : toEdits(object.manifest, repairs, parseText);
  });
  const parts: string[] = [];
  let from = 0;
  for (const { start, end, text: value } of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(text.slice(from, start), value);
    from = end;
  }
  return { text: parts.join('') + text.slice(from), written: edits.map(({ place }) => place) };
}

/** Each place once; where two checks want a number, the smaller one pleases both. */
function listRepairs({ judged }: CheckedObject): readonly Repair[] {
  const repairs = new Map<string, Repair>();
  for (const { effect, findings } of judged.judgement.results) {
    if (effect === 'audit') continue;
    for (const { repair } of findings) {
      if (repair === undefined) continue;
      const key = toPointer(repair.path);
      const known = repairs.get(key);
      if (known === undefined || repair.value < known.value) repairs.set(key, repair);
    }
  }
  return [...repairs.values()];
}

function toEdits(
  { document, path }: Manifest,
  repairs: readonly Repair[],
  parseText: ReturnType<typeof createTextParser>,
): readonly PlacedEdit[] {
  return repairs.flatMap(({ path: own, value }) => {
    const place = [...path, ...own];
    const edit = toEdit(parseText(document).document, place, { value: String(value), text: document.text });
    if (edit === undefined) return [];
    const [start, end] = [edit.start + document.offset, edit.end + document.offset];
    return [{ ...edit, start, end, place: `${document.index}${toPointer(place)}` }];
  });
}

/** Undefined where the place cannot be written alone: behind an alias, what is written there is written elsewhere too. */
function toEdit(
  document: Document,
  path: JsonPath,
  { value, text }: { readonly value: string; readonly text: string },
): Edit | undefined {
  const key = path.at(-1);
  const map = document.getIn(path.slice(0, -1), true);
  if (!isMap(map) || typeof key !== 'string') return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (pair === undefined) return insertInto(map, { key, value, text });
  if (!isScalar(pair.value) || pair.value.anchor !== undefined) return undefined;
  if (!pair.value.range) return undefined;
  const [start, end] = pair.value.range;
  // `key:` with nothing behind it has an empty value right there.
  return { start, end, text: start === end ? ` ${value}` : value };
}

/** Keys that people expect on top of a manifest. */
const HEAD: ReadonlySet<unknown> = new Set(['apiVersion', 'kind']);

/** Before the first key that may be pushed down, on a line of its own where that key has one. */
function insertInto(map: YAMLMap, { key, value, text }: Insertion): Edit | undefined {
  const items = map.items.map((item) => item.key).filter(isScalar);
  const before = items.find((item) => !HEAD.has(item.value)) ?? items[0];
  const start = before?.range?.[0];
  if (before === undefined || start === undefined) {
    const brace = map.range?.[0];
    if (map.flow !== true || brace === undefined) return undefined;
    // In JSON a key is in quotes, and in YAML that begins so it may be.
    const name = /^\s*[[{]/.test(text) ? `"${key}"` : key;
    return { start: brace + 1, end: brace + 1, text: `${name}: ${value}` };
  }
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const margin = text.slice(lineStart, start);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  // The first key of an element stands behind its dash: `- name: app`.
  const newLine = `${lineEnd}${' '.repeat(margin.length)}`;
  const isAlone = /^[ -]*$/.test(margin);
  const name = before.type === 'QUOTE_DOUBLE' ? `"${key}"` : key;
  if (map.flow === true) return { start, end: start, text: `${name}: ${value},${isAlone ? newLine : ' '}` };
  return { start, end: start, text: `${name}: ${value}${newLine}` };
}

type Insertion = { readonly key: string; readonly value: string; readonly text: string };
