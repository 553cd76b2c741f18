/** Base64 four characters at a time, of both alphabets, and which bytes are those of text. */

/** The characters of base64 that make three bytes. */
export const QUAD = 4;
export const NO_QUAD = -1;
/** Characters of base64 that native code decodes at once. */
export const PAGE = 4_096;

export const TAB = 9;
export const LINE_FEED = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;

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

/** The 24 bits of the four characters at `at`, if all are base64. */
export function quadAt(text: string, at: number): number {
  const a = sextetAt(text, at);
  const b = sextetAt(text, at + 1);
  const c = sextetAt(text, at + 2);
  const d = sextetAt(text, at + 3);
  return (a | b | c | d) < 0 ? NO_QUAD : (a << 18) | (b << 12) | (c << 6) | d;
}

/** The quad that begins one character later than `quad`, of which `sextet` is the last. */
export function shiftQuad(quad: number, sextet: number): number {
  return sextet < 0 ? NO_QUAD : ((quad << 6) | sextet) & 0xff_ff_ff;
}

/** The 24 bits of the characters at the four of these positions that begin with the one at `from`, if there are four. */
export function quadOf(text: string, positions: readonly number[], from = 0): number {
  const end = from + QUAD;
  if (positions.length < end) return NO_QUAD;
  let bits = 0;
  for (let at = from; at < end; at += 1) bits = (bits << 6) | sextetAt(text, positions[at] ?? -1);
  return bits;
}

/** Whether all three bytes of a quad are printable ASCII or blanks of text files. */
export function isText(quad: number): boolean {
  return quad !== NO_QUAD && isTextByte(quad >> 16) && isTextByte((quad >> 8) & 0xff) && isTextByte(quad & 0xff);
}

function isTextByte(byte: number): boolean {
  return byte >= SPACE ? byte < 127 : byte === LINE_FEED || byte === TAB || byte === CARRIAGE_RETURN;
}

/** Whether all of `text` is base64 of text. Other characters are skipped over when it is decoded, and leave too few bytes. */
export function isTextPage(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== Math.floor((text.length * 3) / QUAD)) return false;
  let at = 0;
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + BLOCK);
    let other = 0;
    for (; at < end; at += 1) other |= OTHER_BYTES[bytes[at] ?? 0] ?? 1;
    if (other !== 0) return false;
  }
  return true;
}

/** Bytes that are looked at without a decision between them. */
const BLOCK = 64;

/** -1 where the text has ended too. */
export function sextetAt(text: string, at: number): number {
  return at >= 0 && at < text.length ? (SEXTETS[text.charCodeAt(at)] ?? -1) : -1;
}

function toSextets(alphabets: readonly string[]): Int8Array {
  const sextets = new Int8Array(0x1_00_00).fill(-1);
  for (const alphabet of alphabets) {
    for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;
  }
  return sextets;
}
