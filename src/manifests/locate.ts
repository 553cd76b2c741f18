/** Where a value of a manifest is in its file. Asked for what was found alone, so a document is parsed a second time. */

import type { Document } from 'yaml';
import { isAlias, isCollection, isMap, isNode, isPair, isScalar } from 'yaml';
import type { JsonPath } from '../objects/json.ts';
import { fromPointer } from '../objects/json.ts';
import type { Manifest, Place } from './read-manifests.ts';
import { createTextParser } from './read-manifests.ts';

/** A larger document is not parsed again: its findings have the place of the document, in characters. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** The place of the value at a JSON pointer, or of the nearest thing above it that is there. */
export type Locate = (manifest: Manifest, pointer: string) => Place;

/** Asked about the manifests of a document one after the other, it parses the document once. */
export function createLocator(): Locate {
  const parseText = createTextParser();
  return ({ document: text, path }, pointer) => {
    const start: Place = { line: text.line, column: 1 };
    if (text.text.length > MOST_CHARACTERS) return start;
    const { document, lines } = parseText(text);
    const offset = findOffset(document, [...path, ...fromPointer(pointer)]);
    const { line, col } = lines.linePos(offset);
    return { line: text.line + line - 1, column: col };
  };
}

/** Of a member its key, of an element itself: where an editor should put the cursor. */
function findOffset(document: Document, path: JsonPath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
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
