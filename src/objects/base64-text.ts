/**
 * Text that stands in base64 somewhere within other text. Nothing is decoded on suspicion: a stretch of base64 that is
 * text decodes to printable bytes wherever one looks, so a look at every 256th character finds it, and the contents of
 * an image, a certificate or a Helm release cost next to nothing. All is linear in the text.
 */

/** A stretch is found if it has this many characters and a window's; the shortest token in base64 has some 400. */
const STEP = 256;
/** Quads of text, one after the other, that no key and no archive has by chance. */
const LONG_RUN = 32;
const QUAD = 4;
/** Characters of base64 that are decoded at once, and how many bytes that makes. */
const PAGE = 4_096;
const PAGE_BYTES = (PAGE / QUAD) * 3;
/** The quads that must decode to text, from each of the four characters at which the first may start. */
const WINDOW_QUADS = 4;
const WINDOW = QUAD - 1 + WINDOW_QUADS * QUAD;
const NO_QUAD = -1;
const NONE: readonly number[] = [];
/** A line break within base64, with the indentation of a YAML block; more is the end of it. */
const MOST_GAP_CHARACTERS = 128;

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const BACKSLASH = 92;
const LETTER_N = 110;
const LETTER_R = 114;

/** Value of each UTF-16 code unit in base64, of both alphabets; -1 of every other one. */
const SEXTETS: Int8Array = toSextets([
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
]);

/** 1 for every byte that is no text. */
const OTHER_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => (isTextByte(byte) ? 0 : 1));

/**
 * The bytes of `text` as a string of one character a byte; undefined if it is no base64. Node's Buffer takes a quarter of
 * the time of `atob`, which is most of what a large Secret costs, but skips over what is no base64: then it has fewer
 * bytes than there should be, and `atob` tells whether those were blanks.
 */
export function decodeBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === countBytes(text)) return bytes.toString('latin1');
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}

/** How many bytes `text` has if all of it is base64. */
function countBytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor(((text.length - padding) * 3) / 4);
}

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
 * encrypted, and there the look is a short one. False where a character is no base64.
 */
function isNoTextAt(text: string, at: number): boolean {
  for (let start = at; start < at + QUAD; start += 1) {
    const first = quadAt(text, start);
    if (first === NO_QUAD) return false;
    if (!isText(first)) continue;
    const second = quadAt(text, start + QUAD);
    if (second === NO_QUAD || isText(second)) return false;
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
  }
  return positions.slice(0, QUAD).filter((_start, shift) => {
    let end = shift;
    while (end < shift + WINDOW_QUADS * QUAD && isText(quadOf(text, positions.slice(end, end + QUAD)))) end += QUAD;
    return end === shift + WINDOW_QUADS * QUAD;
  });
}

type Stretch = { readonly start: number; readonly end: number; readonly hasBreaks: boolean };

/** Both ways from a quad's first character as far as quads decode to text, and one quad further: it may be half text. */
function findStretch(text: string, from: number): Stretch {
  let hasBreaks = false;
  let end = from;
  let quad: readonly number[] = [];
  do {
    end = endOfText(text, end);
    quad = nextQuad(text, end);
    // A last quad may have two or three characters. One alone is no byte.
    const last = quad.length > 1 ? quad[quad.length - 1] : undefined;
    if (last !== undefined) {
      hasBreaks ||= last !== end + quad.length - 1;
      end = last + 1;
    }
  } while (isText(quadOf(text, quad)));

  let start = from;
  do {
    while (isText(quadAt(text, start - QUAD))) start -= QUAD;
    quad = previousQuad(text, start);
    const first = quad.length === QUAD ? quad[0] : undefined;
    if (first !== undefined) {
      hasBreaks ||= first !== start - QUAD;
      start = first;
    }
  } while (isText(quadOf(text, quad)));
  return { start, end, hasBreaks };
}

/** Where the quads of text that begin at `from` end. Native code decodes them a page at a time, a few times as fast. */
function endOfText(text: string, from: number): number {
  let end = from;
  while (end + PAGE <= text.length && isTextPage(Buffer.from(text.slice(end, end + PAGE), 'base64'))) end += PAGE;
  while (isText(quadAt(text, end))) end += QUAD;
  return end;
}

/** A page with anything but base64 in it has fewer bytes. */
function isTextPage(bytes: Uint8Array): boolean {
  if (bytes.length !== PAGE_BYTES) return false;
  let other = 0;
  for (let at = 0; at < PAGE_BYTES; at += 1) other |= OTHER_BYTES[bytes[at] ?? 0] ?? 1;
  return other === 0;
}

function nextQuad(text: string, from: number): readonly number[] {
  const positions: number[] = [];
  let position = nextOf(text, from);
  while (position !== -1 && positions.length < QUAD) {
    positions.push(position);
    position = nextOf(text, position + 1);
  }
  return positions;
}

function previousQuad(text: string, before: number): readonly number[] {
  const positions: number[] = [];
  let position = previousOf(text, before - 1);
  while (position !== -1 && positions.length < QUAD) {
    positions.unshift(position);
    position = previousOf(text, position - 1);
  }
  return positions;
}

/** The 24 bits of the four characters at `at`, if all are base64. */
function quadAt(text: string, at: number): number {
  const a = sextetAt(text, at);
  const b = sextetAt(text, at + 1);
  const c = sextetAt(text, at + 2);
  const d = sextetAt(text, at + 3);
  return (a | b | c | d) < 0 ? NO_QUAD : (a << 18) | (b << 12) | (c << 6) | d;
}

/** The 24 bits of the characters at these positions, if they are four. */
function quadOf(text: string, positions: readonly number[]): number {
  if (positions.length !== QUAD) return NO_QUAD;
  return positions.reduce((bits, position) => (bits << 6) | sextetAt(text, position), 0);
}

/** Whether all three bytes of a quad are printable ASCII or blanks of text files. */
function isText(quad: number): boolean {
  return quad !== NO_QUAD && isTextByte(quad >> 16) && isTextByte((quad >> 8) & 0xff) && isTextByte(quad & 0xff);
}

function isTextByte(byte: number): boolean {
  return byte >= SPACE ? byte < 127 : byte === LINE_FEED || byte === TAB || byte === CARRIAGE_RETURN;
}

function decodeStretch(text: string, { start, end, hasBreaks }: Stretch): string {
  const stretch = text.slice(start, end);
  const joined = hasBreaks ? stretch.replaceAll(/\\[nr]|\s/g, '') : stretch;
  return decodeBase64(joined.replaceAll('-', '+').replaceAll('_', '/')) ?? '';
}

/**
 * The position of the next character of base64 at or after `at`: there, or after a line break; -1 if there is none.
 * Line breaks are also those that JSON writes as `\n`.
 */
function nextOf(text: string, at: number, isInGap = false): number {
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

/** -1 where the text has ended too. */
function sextetAt(text: string, at: number): number {
  return at >= 0 && at < text.length ? (SEXTETS[text.charCodeAt(at)] ?? -1) : -1;
}

function toSextets(alphabets: readonly string[]): Int8Array {
  const sextets = new Int8Array(0x1_00_00).fill(-1);
  for (const alphabet of alphabets) {
    for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;
  }
  return sextets;
}
