/**
 * How much memory a JSON text will take once it is parsed. `{},{},…` takes more than ten times its own size, so a limit
 * in bytes alone lets one author of a pod, valid or not, fill the memory of the webhook.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** What V8 needs for a value at least, measured on empty objects in an array, in bytes. */
export const BYTES_OF_VALUE = 48;

/**
 * The values of a JSON text: one, and one more for each comma and each container that is not empty. Linear, and strings
 * are skipped whole; a text that is no JSON gets some number too.
 */
export function countValues(text: string): number {
  let count = 1;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index);
    } else if (code === COMMA) {
      count += 1;
    } else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      index = skipSpace(text, index);
      if (!isClosing(text.charCodeAt(index + 1))) count += 1;
    }
  }
  return count;
}

/** Index of the last character of the white space that follows `index`, or `index`. */
function skipSpace(text: string, index: number): number {
  let last = index;
  while (text.charCodeAt(last + 1) <= SPACE) last += 1;
  return last;
}

function isClosing(code: number): boolean {
  return code === CLOSE_BRACKET || code === CLOSE_BRACE;
}

/** Index of the quote that ends the string whose first quote is at `start`; the end of the text if there is none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  // Where there is none, at -1, nothing is escaped.
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** True after an odd number of backslashes. */
function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}
