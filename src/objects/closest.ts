/** Did you mean: the word of a list that somebody most likely meant. */

import { quote } from './text.ts';

/** The known key that differs least, if at most a third of it differs. */
export function findClosest(key: string, known: readonly string[]): string | undefined {
  const [closest] = known
    .map((candidate) => ({ candidate, distance: countEdits(key.slice(0, 64), candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, candidate.length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return closest?.candidate;
}

/** `; did you mean "audience"?`, or all that is known if nothing is near. */
export function suggest(given: string, known: readonly string[]): string {
  const closest = findClosest(given, known);
  return closest === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${quote(closest)}?`;
}

/** Levenshtein distance; both texts are short. */
function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
