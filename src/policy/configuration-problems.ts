/** Sentences for what is wrong with a configuration: what was seen, what is allowed, the closest valid key. */

import type { ErrorObject } from 'ajv';
import { isObject } from '../objects/json.ts';
import { quote } from '../objects/text.ts';

/** One mistake in a configuration: where, and a sentence with what was seen and what is allowed. */
export type ConfigurationProblem = { readonly path: string; readonly problem: string };

/** One sentence for an error of the schema validator. */
export function describeProblem(error: ErrorObject): ConfigurationProblem {
  const path = error.instancePath === '' ? '/' : error.instancePath;
  const seen = isObject(error.data) || Array.isArray(error.data) ? '' : `${JSON.stringify(error.data)} `;
  const { params } = error;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(isObject(error.parentSchema?.['properties']) ? error.parentSchema['properties'] : {});
      const closest = findClosest(key, known);
      const hint = closest === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${quote(closest)}?`;
      return { path, problem: `has the unknown key ${quote(key)}${hint}` };
    }
    case 'required':
      return { path, problem: `lacks the key ${quote(String(params['missingProperty']))}` };
    case 'enum':
      return { path, problem: `${seen}is not allowed; allowed: ${(params['allowedValues'] as unknown[]).join(', ')}` };
    case 'const':
      return { path, problem: `${seen}is not allowed; allowed: ${String(params['allowedValue'])}` };
    case 'not':
      return { path, problem: `${seen}is not allowed: the API server makes it a token of a year` };
    default:
      return { path, problem: `${seen}${error.message ?? 'is not valid'}` };
  }
}

/** The known key that differs least, if at most a third of it differs. */
function findClosest(key: string, known: readonly string[]): string | undefined {
  const [closest] = known
    .map((candidate) => ({ candidate, distance: countEdits(key.slice(0, 64), candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, candidate.length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return closest?.candidate;
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
