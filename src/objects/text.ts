/** Words for messages. Everything that comes from a request passes through here before a person reads it. */

const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const MOST_QUOTED_CHARACTERS = 80;
const MOST_NAMES = 3;

/** `text` in quotes, on one line, at most 80 characters of it. Not for anything that may be secret. */
export function quote(text: string): string {
  const line = toOneLine(text);
  return `"${line.length > MOST_QUOTED_CHARACTERS ? `${line.slice(0, MOST_QUOTED_CHARACTERS)}…` : line}"`;
}

/** `text` without control characters and lone surrogates: a warning with a newline is dropped by the API server. */
export function toOneLine(text: string): string {
  return text.toWellFormed().replaceAll(CONTROL_CHARACTERS, ' ');
}

/** `container app`, `containers app, proxy`, `containers a, b, c and 4 more`. */
export function joinNames(noun: string, names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map(toOneLine).join(', ');
  const hidden = names.length - MOST_NAMES;
  return `${noun}${names.length === 1 ? '' : 's'} ${shown}${hidden > 0 ? ` and ${hidden} more` : ''}`;
}

/** `1 problem`, `2 problems`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
