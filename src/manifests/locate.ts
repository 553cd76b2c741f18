/** Where a value of a manifest is in its file. Asked for what was found alone, so a document is parsed a second time. */

import type { Document } from 'yaml';
import { isAlias, isCollection, isMap, isNode, isPair, isScalar, LineCounter } from 'yaml';
import type { JsonPath } from '../objects/json.ts';
import type { Manifest, Place } from './read-manifests.ts';
import { parseYaml } from './read-manifests.ts';

/** A larger document is not parsed again: its findings have the place of the document, in characters. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** The place of the value at a JSON pointer, or of the nearest thing above it that is there. */
export type Locate = (pointer: string) => Place;

/** @returns a function that finds places in `manifest` */
export function createLocator({ document, path }: Manifest): Locate {
  const start: Place = { line: document.line, column: 1 };
  if (document.text.length > MOST_CHARACTERS) return () => start;
  const lines = new LineCounter();
  const parsed = parseYaml(document.text, lines);
  return (pointer) => {
    const offset = findOffset(parsed, [...path, ...toSteps(pointer)]);
    if (offset === undefined) return start;
    const { line, col } = lines.linePos(offset);
    return { line: document.line + line - 1, column: col };
  };
}

/** Of a member its key, of an element itself: where an editor should put the cursor. */
function findOffset(document: Document, path: JsonPath): number | undefined {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) break;
    const found = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : node.items[Number(step)];
    const place = isPair(found) ? found.key : found;
    if (!isNode(place) || place.range === undefined || place.range === null) break;
    offset = place.range[0];
    node = isPair(found) ? found.value : found;
  }
  return offset;
}

/** The steps of an RFC 6901 pointer. */
function toSteps(pointer: string): readonly string[] {
  if (pointer === '' || pointer === '/') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
