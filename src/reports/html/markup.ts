/**
 * Elements as data. The report is built of them twice, in Node as text and in the browser as nodes, and both go through here:
 * no text of a cluster becomes markup, and none reaches a reader with characters that hide something.
 */

import { toOneLine } from '../../objects/text.ts';

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export type Markup =
  | string
  | { readonly tag: string; readonly attributes: Attributes; readonly children: readonly Markup[] };

const MOST_CHARACTERS = 2_000;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Elements of HTML and SVG that have no end tag, as far as they are used. */
const VOID = new Set(['input', 'br', 'meta']);

export function element(tag: string, attributes: Attributes = {}, ...children: readonly Markup[]): Markup {
  return { tag, attributes, children };
}

/** On one line, without hidden characters, and at most 2,000 characters of it. */
export function cleanText(text: string): string {
  const line = toOneLine(text.slice(0, 2 * MOST_CHARACTERS));
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS).toWellFormed()}…` : line;
}

/** The attributes that are set, cleaned: `true` is an attribute without a value, `false` and undefined are none. */
export function listAttributes(attributes: Attributes): readonly (readonly [name: string, value: string])[] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [[name, value === true ? '' : cleanText(String(value))] as const],
  );
}

/** HTML text. */
export function renderMarkup(markup: Markup): string {
  if (typeof markup === 'string') return escapeText(cleanText(markup));
  const { tag, attributes, children } = markup;
  const written = listAttributes(attributes).map(([name, value]) =>
    value === '' ? ` ${name}` : ` ${name}="${escapeText(value)}"`,
  );
  const start = `<${tag}${written.join('')}>`;
  return VOID.has(tag) ? start : `${start}${children.map(renderMarkup).join('')}</${tag}>`;
}

/**
 * JSON as it may stand in a `script` element: nothing in it can end the element or begin a comment (HTML standard, 4.12.1.3).
 */
export function renderJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
