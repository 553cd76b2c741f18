/** Elements as data → nodes. Text is set as text and never parsed. */

import type { Markup } from '../markup.ts';
import { cleanText, listAttributes } from '../markup.ts';

export function materialise(markup: Markup): Node {
  if (typeof markup === 'string') return document.createTextNode(cleanText(markup));
  const node = document.createElement(markup.tag);
  for (const [name, value] of listAttributes(markup.attributes)) node.setAttribute(name, value);
  node.append(...markup.children.map(materialise));
  return node;
}
