/**
 * Text that stands in base64 somewhere within other text. Nothing is decoded on suspicion: a stretch of base64 that is
 * text decodes to printable bytes wherever one looks, so a look at every 256th character finds it, and the contents of
 * an image, a certificate or a Helm release cost next to nothing. All is linear in the text.
 */

import { cutLastLine, joinLines, lengthOfBreak, nextOf, nextQuad, previousOf, previousQuad } from './base64-breaks.ts';
import { isText, isTextPage, NO_QUAD, PAGE, QUAD, quadAt, quadOf, sextetAt, shiftQuad } from './base64-quads.ts';

/** A stretch is found if it has this many characters and a window's; the shortest token in base64 has some 400. */
const STEP = 256;
/** Quads of text, one after the other, that no key and no archive has by chance. */
const LONG_RUN = 32;
/** The quads that must decode to text, from each of the four characters at which the first may start. */
const WINDOW_QUADS = 4;
const WINDOW = QUAD - 1 + WINDOW_QUADS * QUAD;
/** A first look, which hardly ever needs another one. */
const SHORT_WINDOW_QUADS = 2;
const SHORT_WINDOW = QUAD - 1 + SHORT_WINDOW_QUADS * QUAD;
const NONE: readonly number[] = [];

/**
 * False if no stretch of base64 in `text` that is long enough to be found decodes to printable text. True where that is
 * not sure, as near a line break.
 */
export function mayHaveTextStretch(text: string): boolean {
  for (let at = 0; at + WINDOW <= text.length; at += STEP) {
    for (const start of findTextQuads(text, at)) if (mayBeStretch(text, start)) return true;
  }
  return false;
}

/** Random bytes look like text for some quads here and there in a megabyte, and not for so many. */
function mayBeStretch(text: string, start: number): boolean {
  let quads = 0;
  for (const step of [QUAD, -QUAD]) {
    for (let at = step > 0 ? start : start - QUAD; quads < LONG_RUN; at += step) {
      const quad = quadAt(text, at);
      if (quad === NO_QUAD) return true;
      if (!isText(quad)) break;
      quads += 1;
    }
  }
  return quads >= LONG_RUN;
}

/** Every stretch of base64 in `text` that decodes to printable text, decoded, with up to three other bytes at its ends. */
export function decodeStretches(text: string): readonly string[] {
  const decoded: string[] = [];
  let at = 0;
  while (at + WINDOW <= text.length) {
    const starts = findTextQuads(text, at);
    at += STEP;
    for (const start of starts) {
      const stretch = findStretch(text, start);
      decoded.push(decodeStretch(text, stretch));
      at = Math.max(at, stretch.end);
    }
  }
  return decoded;
}

/**
 * Which of the next four characters of base64 begin quads that decode to text. Hardly ever more than one does: what is
 * text from one of them is none from the others.
 */
function findTextQuads(text: string, at: number): readonly number[] {
  if (isNoTextAt(text, at)) return NONE;
  let end = at;
  while (end < at + WINDOW && sextetAt(text, end) >= 0) end += 1;
  if (end < at + WINDOW) return nextOf(text, end, end === at) === -1 ? NONE : findBrokenTextQuads(text, at);
  const starts: number[] = [];
  for (let start = at; start < at + QUAD; start += 1) {
    if (isTextFrom(text, start)) starts.push(start);
  }
  return starts;
}

/**
 * True if none of the next four characters begins two quads of text: so it is nearly everywhere in what is encoded or
 * encrypted, and there the look is a short one: each character is read once. False where one is no base64.
 */
function isNoTextAt(text: string, at: number): boolean {
  let first = quadAt(text, at);
  for (let start = at; start < at + QUAD; start += 1) {
    if (first === NO_QUAD) return false;
    if (isText(first)) {
      const second = quadAt(text, start + QUAD);
      if (second === NO_QUAD || isText(second)) return false;
    }
    first = shiftQuad(first, sextetAt(text, start + QUAD));
  }
  return true;
}

function isTextFrom(text: string, start: number): boolean {
  const end = start + WINDOW_QUADS * QUAD;
  for (let at = start; at < end; at += QUAD) {
    if (!isText(quadAt(text, at))) return false;
  }
  return true;
}

/** The same where a line may break. */
function findBrokenTextQuads(text: string, at: number): readonly number[] {
  const positions: number[] = [];
  let position = nextOf(text, at, true);
  while (positions.length < WINDOW) {
    position = nextOf(text, position);
    if (position === -1) return NONE;
    positions.push(position);
    position += 1;
    // As above, that is nearly everywhere so.
    if (positions.length === SHORT_WINDOW && !mayBeginText(text, positions)) return NONE;
  }
  return positions.slice(0, QUAD).filter((_start, shift) => countTextQuads(text, positions, shift) === WINDOW_QUADS);
}

function mayBeginText(text: string, positions: readonly number[]): boolean {
  for (let shift = 0; shift < QUAD; shift += 1) {
    if (countTextQuads(text, positions, shift) === SHORT_WINDOW_QUADS) return true;
  }
  return false;
}

/** How many quads of these positions decode to text, from the one at `from` on. */
function countTextQuads(text: string, positions: readonly number[], from: number): number {
  let count = 0;
  while (isText(quadOf(text, positions, from + count * QUAD))) count += 1;
  return count;
}

type Stretch = { readonly start: number; readonly end: number };

/** Both ways from a quad's first character as far as quads decode to text, and one quad further: it may be half text. */
function findStretch(text: string, from: number): Stretch {
  const skipText = createSkipper(text);
  let end = from;
  let quad: readonly number[] = [];
  do {
    end = skipText(end);
    quad = nextQuad(text, end);
    // A last quad may have two or three characters. One alone is no byte.
    const last = quad.length > 1 ? quad[quad.length - 1] : undefined;
    if (last !== undefined) end = last + 1;
  } while (isText(quadOf(text, quad)));

  let start = from;
  do {
    while (isText(quadAt(text, start - QUAD))) start -= QUAD;
    quad = previousQuad(text, start);
    const first = quad.length === QUAD ? quad[0] : undefined;
    if (first !== undefined) start = first;
  } while (isText(quadOf(text, quad)));
  return { start, end };
}

/**
 * Tells where the quads of text that begin at a position end. Native code decodes them a page at a time, many times as
 * fast; a page that is no text as a whole is not tried again from each of its lines.
 */
function createSkipper(text: string): (from: number) => number {
  let nextPage = 0;
  return (from) => {
    let end = from;
    while (end >= nextPage) {
      const next = endOfPage(text, end);
      if (next === end) nextPage = end + PAGE;
      end = next;
    }
    while (isText(quadAt(text, end))) end += QUAD;
    return end;
  };
}

/** Where a page of text that begins at `from` ends, or as many of its lines as are whole; `from` if that is no text. */
function endOfPage(text: string, from: number): number {
  const page = text.slice(from, from + PAGE);
  const lines = cutLastLine(page);
  if (lines === undefined) return page.length === PAGE && isTextPage(page) ? from + PAGE : from;
  const run = RUN.exec(page)?.[0].length ?? 0;
  if (lengthOfBreak(page, run) === 0) {
    const whole = run - (run % QUAD);
    return whole >= LEAST_CHARACTERS && isTextPage(page.slice(0, whole)) ? from + whole : from;
  }
  if (lines.length < LEAST_CHARACTERS) return from;
  const joined = joinLines(lines);
  if (!isTextPage(joined)) return from;
  let end = from + lines.length;
  for (let rest = joined.length % QUAD; rest > 0; rest -= 1) end = previousOf(text, end - 1);
  return end;
}

/** Fewer are as fast without native code. */
const LEAST_CHARACTERS = 256;
const RUN = /^[\w+/-]*/;

function decodeStretch(text: string, { start, end }: Stretch): string {
  return Buffer.from(joinLines(text.slice(start, end)), 'base64').toString('latin1');
}
