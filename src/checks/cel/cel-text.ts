/** CEL as text: literals, and the few expressions that several forms share. */

import { API_ACCESS_ANNOTATION, MOST_REASON_CHARACTERS, REASON_PLACEHOLDER } from '../../objects/api-access.ts';
import type { CelBound, CelPlace } from './define-cel.ts';

/** Empty for what is in no namespace: then the API server leaves the field out, and reading it fails. */
export const REQUEST_NAMESPACE = 'request.?namespace.orValue("")';

/** A string literal. */
export function quoteCel(text: string): string {
  return JSON.stringify(text);
}

/** A list of string literals. */
export function listCel(texts: readonly string[]): string {
  return `[${texts.map(quoteCel).join(', ')}]`;
}

/** A map from strings to CEL, which must not be empty. */
export function mapCel(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([key, value]) => `${quoteCel(key)}: ${value}`).join(', ')}}`;
}

/** A string and nothing else. */
const LITERAL = /^"([^"\\]|\\.)*"$/;

/** One finding. Its parts are CEL; of what is no literal, CEL does not know that it is a string. */
export function findingCel(finding: {
  readonly key: string;
  readonly path: string;
  readonly why: string;
  readonly fix?: string;
  readonly container?: string;
  readonly wide?: string;
}): string {
  const { why, fix = '""', ...parts } = finding;
  const toEntry = ([key, part]: readonly [string, string]) =>
    [key, LITERAL.test(part) ? part : `string(${part})`] as const;
  return mapCel([...Object.entries({ ...parts, fix }).map(toEntry), ['why', quoteCel(why)]]);
}

/** Letters without a shape (Default_Ignorable_Code_Point of category Lo): a reason of these alone is none. */
const SHAPELESS_LETTERS = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
/** What is cut off before a reason is compared, as `toOneLine` and `trim` do. */
const BLANK = '[\\p{Z}\\p{Cc}\\p{Cf}]*';

/** True if an annotation documents the need of the API: the words of `objects/api-access.ts`, `faultOfReason`. */
export function documentedCel(metadata: string): string {
  const key = quoteCel(API_ACCESS_ANNOTATION);
  const reason = `${metadata}.annotations[${key}]`;
  const shaped = SHAPELESS_LETTERS.reduce((text, letter) => `${text}.replace(${quoteCel(letter)}, "")`, reason);
  // JavaScript counts a character beyond the first plane twice.
  const astral = `${reason}.split("").filter(c, c.matches("[\\\\x{10000}-\\\\x{10FFFF}]")).size()`;
  const length = `(size(${reason}) <= ${MOST_REASON_CHARACTERS / 2} || (size(${reason}) <= ${MOST_REASON_CHARACTERS} && size(${reason}) + ${astral} <= ${MOST_REASON_CHARACTERS}))`;
  const placeholder = quoteCel(`^${BLANK}${REASON_PLACEHOLDER}${BLANK}$`);
  return `(has(${metadata}.annotations) && ${key} in ${metadata}.annotations && ${length} && !${reason}.matches(${placeholder}) && ${shaped}.matches("\\\\p{L}"))`;
}

/** What a binding may have for all of it to be looked at. */
export function subjectBounds({ object }: Pick<CelPlace, 'object'>): readonly CelBound[] {
  const subjects = `${object}.?subjects.orValue([])`;
  return [
    { count: `size(${subjects})`, most: 200, noun: 'subjects' },
    { count: `${subjects}.map(s, size(s.name)).sum()`, most: 40_000, noun: "characters of subjects' names" },
  ];
}
