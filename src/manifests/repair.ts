/**
 * Writes the repairs of findings into the text of a file. Only the characters of a value change, or one line is added:
 * comments, quotes, indentation and the order of keys stay as their author wrote them.
 */

import type { Document, YAMLMap } from 'yaml';
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter } from 'yaml';
import type { Repair } from '../checks/define-check.ts';
import type { JsonPath } from '../objects/json.ts';
import { toPointer } from '../objects/json.ts';
import type { CheckedObject } from './check-manifests.ts';
import { parseYaml } from './read-manifests.ts';

/** One replacement: `[start, end)` of the file, in characters, becomes `text`. */
type Edit = { readonly start: number; readonly end: number; readonly text: string };

export type Repaired = {
  readonly text: string;
  /** How many values were written. */
  readonly written: number;
};

/**
 * The text of one file with everything in it repaired that can be: what a finding only warns of too, but nothing that is
 * only audited.
 *
 * @param objects - those of this file
 */
export function repairText(text: string, objects: readonly CheckedObject[]): Repaired {
  const edits = objects.flatMap((object) => {
    const repairs = listRepairs(object);
    return repairs.length === 0 ? [] : toEdits(object, repairs);
  });
  let repaired = text;
  // From the end, so that the places of the others stay.
  for (const { start, end, text: value } of edits.toSorted((a, b) => b.start - a.start)) {
    repaired = repaired.slice(0, start) + value + repaired.slice(end);
  }
  return { text: repaired, written: edits.length };
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

function toEdits({ manifest }: CheckedObject, repairs: readonly Repair[]): readonly Edit[] {
  const { document, path } = manifest;
  const parsed = parseYaml(document.text, new LineCounter());
  return repairs.flatMap(({ path: own, value }) => {
    const edit = toEdit(parsed, [...path, ...own], { value: String(value), text: document.text });
    if (edit === undefined) return [];
    return [{ ...edit, start: edit.start + document.offset, end: edit.end + document.offset }];
  });
}

/** Undefined where the place cannot be written alone: behind an alias, what is written there is written elsewhere too. */
function toEdit(
  document: Document,
  path: JsonPath,
  { value, text }: { readonly value: string; readonly text: string },
): Edit | undefined {
  const key = path.at(-1);
  const map = findNode(document.contents, path.slice(0, -1));
  if (!isMap(map) || typeof key !== 'string') return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (pair === undefined) return insertInto(map, { key, value, text });
  if (!isScalar(pair.value) || pair.value.anchor !== undefined) return undefined;
  const [start, end] = pair.value.range ?? [];
  if (start === undefined || end === undefined) return undefined;
  // `key:` with nothing behind it has an empty value right there.
  return { start, end, text: start === end ? ` ${value}` : value };
}

function findNode(contents: unknown, path: JsonPath): unknown {
  let node = contents;
  for (const step of path) {
    if (isMap(node)) node = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))?.value;
    else if (isSeq(node)) node = node.items[Number(step)];
    else return undefined;
    if (isPair(node) || !isNode(node)) return undefined;
  }
  return node;
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
    return { start: brace + 1, end: brace + 1, text: `${key}: ${value}` };
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
