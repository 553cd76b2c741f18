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
function previousOf(text: string, at: number): number {
  let hasBreak = false;
  let position = at;
  const end = Math.max(-1, at - MOST_GAP_CHARACTERS);
  while (position > end) {
    const isEscape = lengthOfBreak(text, position - 1) === 2;
    if (!isEscape && sextetAt(text, position) >= 0) return position === at || hasBreak ? position : -1;
    const isBreak = isEscape || lengthOfBreak(text, position) > 0;
    if (!isBreak && !isIndentation(text, position)) return -1;
    hasBreak ||= isBreak;
    position -= isEscape ? 2 : 1;
  }
  return -1;
}

/** Of a line break at `at`: 1, or 2 for one that JSON escapes; else 0. */
function lengthOfBreak(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === LINE_FEED || code === CARRIAGE_RETURN) return 1;
  if (code !== BACKSLASH) return 0;
  const escaped = text.charCodeAt(at + 1);
  return escaped === LETTER_N || escaped === LETTER_R ? 2 : 0;
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
