/** Where in a YAML file a mistake is: from the path of a problem to a line and a column. */

import type { Document, LineCounter, Node, Pair } from 'yaml';
import { isMap, isNode, isScalar } from 'yaml';
import { fromPointer } from '../objects/json.ts';
import type { ConfigurationProblem } from '../policy/configuration-problems.ts';

export type Place = { readonly line: number; readonly column: number };

/** The place of the value that is wrong, or of its key; undefined where the file has nothing there. */
export function locateProblem(
  document: Document,
  lines: LineCounter,
  { path, key }: Pick<ConfigurationProblem, 'path' | 'key'>,
): Place | undefined {
  const steps = path === '/' ? [] : fromPointer(path);
  // Without steps the library gives the contents themselves.
  const found = document.getIn(steps, true);
  const node = isNode(found) ? found : undefined;
  const offset = (findKey(node, key) ?? node)?.range?.[0];
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function findKey(node: Node | undefined, key: string | undefined): Node | undefined {
  if (key === undefined || !isMap(node)) return undefined;
  const pair = node.items.find((item: Pair) => isScalar(item.key) && String(item.key.value) === key);
  return isNode(pair?.key) ? pair.key : undefined;
}
