/** Words for messages. Everything that comes from a request passes through here before a person reads it. */

/**
 * Control characters and line separators, which break a line, and format characters (Cf), which have no width or turn
 * the direction of the text after them: with those a name can look like another one.
 */
const HIDDEN_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const MOST_QUOTED_CHARACTERS = 80;
const MOST_NAMES = 3;
const ELLIPSIS_BYTES = 3;

/** `text` in quotes, on one line, at most 80 characters of it. Not for anything that may be secret. */
export function quote(text: string): string {
  const line = toOneLine(text);
  if (line.length <= MOST_QUOTED_CHARACTERS) return `"${line}"`;
  // The cut may have gone through a surrogate pair.
  return `"${line.slice(0, MOST_QUOTED_CHARACTERS).toWellFormed()}…"`;
}

/** What nearly every text is made of; none of these is hidden. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** `text` without hidden characters and lone surrogates: a warning with a newline is dropped by the API server. */
export function toOneLine(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.toWellFormed().replaceAll(HIDDEN_CHARACTERS, ' ');
}

/** `text`, or as much of it as fits into `most` bytes of UTF-8 together with the `…` that says so. */
export function cutToBytes(text: string, most: number): string {
  // A code unit takes three bytes at most, and nearly every text is short.
  if (text.length * 3 <= most) return text;
  const readInto = (bytes: number) => new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read;
  if (text.length <= most && readInto(most) === text.length) return text;
  return `${text.slice(0, readInto(most - ELLIPSIS_BYTES))}…`;
}

/** `container app`, `containers app, proxy`, `containers a, b, c and 4 more`. */
export function joinNames(noun: string, names: readonly string[]): string {
  // Only what is shown is cleaned: an object has room for thousands of names, and for thousands of sentences about them.
  const shown = toOneLine(joinSome(names));
  return `${noun}${names.length === 1 ? '' : 's'} ${shown}`;
}

/** `a, b`; `a, b, c and 4 more`: at most `most` of them. */
export function joinSome(texts: readonly string[], most: number = MOST_NAMES): string {
  const hidden = texts.length - most;
  return `${texts.slice(0, most).join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`;
}

/** `1 problem`, `2 problems`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `name` if it is one that the API server takes, so that it may stand in a command that people paste; else `placeholder`. */
export function nameForCommand(name: string | undefined, placeholder: string): string {
  return name !== undefined && /^[a-z0-9][a-z0-9.-]{0,252}$/.test(name) ? name : placeholder;
}
