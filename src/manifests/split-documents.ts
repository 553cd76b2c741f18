/** Cuts a stream of YAML into its documents, so that one that is broken costs no other, and none stays in memory parsed. */

export type DocumentText = {
  readonly text: string;
  /** Line of the stream on which `text` starts, from 1. */
  readonly line: number;
  /** Where `text` starts in the stream, in characters. */
  readonly offset: number;
  /** From 0; the same when values in the stream have changed. */
  readonly index: number;
};

/** A line that starts with it ends the document before, also within a block scalar (YAML 1.2.2, 9.1.2). */
const MARKER = /^---(?=\s|$)/m;

/** A line that says something: no marker alone, no directive, no comment. */
const SIGNIFICANT = /^(?!---[ \t\r]*(?:#.*)?$|\.\.\.[ \t\r]*$|%)[ \t]*[^\s#]/m;

/**
 * The documents of `text`, empty ones left out. A document holds its own marker, and what stands before its marker and
 * belongs to it: directives and comments.
 */
export function splitDocuments(text: string): readonly DocumentText[] {
  const documents: DocumentText[] = [];
  let line = 1;
  let offset = 0;
  let rest = text;
  let head = '';
  while (rest !== '') {
    // The marker that `rest` starts with is its own; the next one is another document's.
    const own = MARKER.exec(rest)?.index === 0 ? 3 : 0;
    const next = MARKER.exec(rest.slice(own));
    const end = next === null ? rest.length : own + next.index;
    const part = head + rest.slice(0, end);
    rest = rest.slice(end);
    if (rest !== '' && isPreamble(part)) {
      head = part;
      continue;
    }
    head = '';
    if (!isEmpty(part)) documents.push({ text: part, line, offset, index: documents.length });
    line += countLines(part);
    offset += part.length;
  }
  return documents;
}

/** Nothing but directives, comments and empty lines, with a directive among them: it is about the document that follows. */
function isPreamble(text: string): boolean {
  return !MARKER.test(text) && /^%/m.test(text) && isEmpty(text);
}

function isEmpty(text: string): boolean {
  return !SIGNIFICANT.test(text);
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
