/** Base64 that is broken into lines: what its next and its last characters are. */

import { CARRIAGE_RETURN, LINE_FEED, QUAD, SPACE, sextetAt, TAB } from './base64-quads.ts';

/** A line break within base64, with the indentation of a YAML block; more is the end of it. */
const MOST_GAP_CHARACTERS = 128;

const BACKSLASH = 92;
const LETTER_N = 110;
const LETTER_R = 114;

/**
 * The position of the next character of base64 at or after `at`: there, or after a line break; -1 if there is none.
 * Line breaks are also those that JSON writes as `\n`.
 */
export function nextOf(text: string, at: number, isInGap = false): number {
  let hasBreak = isInGap;
  let position = at;
  const end = Math.min(text.length, at + MOST_GAP_CHARACTERS);
  while (position < end) {
    if (sextetAt(text, position) >= 0) return position === at || hasBreak ? position : -1;
    const length = lengthOfBreak(text, position);
    if (length === 0 && !isIndentation(text, position)) return -1;
    hasBreak ||= length > 0;
    position += Math.max(1, length);
  }
  return -1;
}

/** The same backwards, at or before `at`. */
export function previousOf(text: string, at: number): number {
  let hasBreak = false;
  let position = at;
  const end = Math.max(-1, at - MOST_GAP_CHARACTERS);
  while (position > end) {
    const escape = lengthOfEscapeBefore(text, position + 1);
    if (escape === 0 && sextetAt(text, position) >= 0) return position === at || hasBreak ? position : -1;
    const isBreak = escape > 0 || lengthOfBreak(text, position) > 0;
    if (!isBreak && !isIndentation(text, position)) return -1;
    hasBreak ||= isBreak;
    position -= Math.max(1, escape);
  }
  return -1;
}

/** Of a line break at `at`: 1, or one more than there are backslashes for one that JSON escapes; else 0. */
export function lengthOfBreak(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === LINE_FEED || code === CARRIAGE_RETURN) return 1;
  let end = at;
  while (text.charCodeAt(end) === BACKSLASH && end < at + MOST_BACKSLASHES) end += 1;
  const escaped = text.charCodeAt(end);
  return end > at && (escaped === LETTER_N || escaped === LETTER_R) ? end + 1 - at : 0;
}

/** JSON that stands as text in other JSON has two, one level further four. */
const MOST_BACKSLASHES = 4;

/** As long as it is, the text before `at` is a line break that JSON escapes: its length, else 0. */
function lengthOfEscapeBefore(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  if (code !== LETTER_N && code !== LETTER_R) return 0;
  let start = at - 1;
  while (text.charCodeAt(start - 1) === BACKSLASH && at - 1 - start < MOST_BACKSLASHES) start -= 1;
  return start < at - 1 ? at - start : 0;
}

function isIndentation(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === SPACE || code === TAB;
}

/** Where the next four characters of base64 at or after `from` stand; fewer at the end. */
export function nextQuad(text: string, from: number): readonly number[] {
  const positions: number[] = [];
  let position = nextOf(text, from);
  while (position !== -1 && positions.length < QUAD) {
    positions.push(position);
    position = nextOf(text, position + 1);
  }
  return positions;
}

/** The same backwards, before `before`. */
export function previousQuad(text: string, before: number): readonly number[] {
  const positions: number[] = [];
  let position = previousOf(text, before - 1);
  while (position !== -1 && positions.length < QUAD) {
    positions.unshift(position);
    position = previousOf(text, position - 1);
  }
  return positions;
}

/** The text before the last line break in `text`; undefined if it has none. */
export function cutLastLine(text: string): string | undefined {
  // Forwards first: that is many times as fast, and most texts have no break.
  const feed = text.includes('\n') ? text.lastIndexOf('\n') : -1;
  const escaped = text.includes('\\') ? Math.max(text.lastIndexOf('\\n'), text.lastIndexOf('\\r')) : -1;
  const at = Math.max(feed, escaped);
  return at === -1 ? undefined : text.slice(0, at);
}

const BREAKS = /\\+[nr]|\s+/g;

/** Base64 in one line. */
export function joinLines(text: string): string {
  return text.replaceAll(BREAKS, '');
}
