/**
 * Patterns of names: `*` stands for any characters, also none, `?` for exactly one; everything else for itself. Anchored
 * at both ends and case sensitive. No regular expressions: those of a stranger can take longer than the universe lasts.
 */

/** No name, user or group is as long as this; what is longer matches nothing, so that one match stays cheap. */
const MOST_CHARACTERS = 1_024;

/** True if the whole of `text` is what `pattern` describes, in at most the product of their lengths steps. */
export function matchesGlob(pattern: string, text: string): boolean {
  if (text.length > MOST_CHARACTERS) return false;
  let inPattern = 0;
  let inText = 0;
  /** The last `*` seen, and how much of the text it stands for: only the last one ever has to be tried again. */
  let star = -1;
  let starEnd = 0;
  while (inText < text.length) {
    const wanted = pattern[inPattern];
    if (wanted === '*') {
      star = inPattern;
      starEnd = inText;
      inPattern += 1;
    } else if (wanted === '?' || wanted === text[inText]) {
      inPattern += 1;
      inText += 1;
    } else if (star !== -1) {
      starEnd += 1;
      inText = starEnd;
      inPattern = star + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(inPattern));
}

/** True if one of `patterns` matches. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, text));
}
