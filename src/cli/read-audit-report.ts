/** An audit report from a file, to compare with. */

import { readFile, stat } from 'node:fs/promises';
import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { countOf, quote } from '../objects/text.ts';
import type { AuditView } from '../reports/audit-view.ts';

/** A report of 50,000 findings has some 40 MB. */
const MOST_BYTES = 256 * 2 ** 20;

/** The texts by which items are compared; the rest is not looked at. */
const TEXTS: readonly (readonly [list: readonly string[], texts: readonly (readonly string[])[]])[] = [
  [['findings'], [['check'], ['mode'], ['reason'], ['object', 'kind'], ['object', 'namespace'], ['object', 'name']]],
  [['faults'], [['message']]],
  [['longLivedSecrets'], [['namespace'], ['name'], ['account']]],
  [['tokens'], [['namespace'], ['account'], ['source'], ['owner', 'kind'], ['owner', 'name']]],
  [
    ['access', 'paths'],
    [['sentence'], ['from', 'kind'], ['from', 'name']],
  ],
];

const ALWAYS = new Set(['findings', 'faults', 'longLivedSecrets']);

/** @throws Error with a sentence that names the file and what is wrong with it */
export async function readAuditReport(file: string): Promise<AuditView> {
  const refuse = (why: string): Error => new Error(`${file} is no report of curfew audit --output json: ${why}`);
  const { size } = await stat(file);
  if (size > MOST_BYTES) throw refuse(`it has ${size} bytes, and a report at most ${MOST_BYTES}`);
  const report = parse(await readFile(file, 'utf8'));
  if (!isObject(report)) throw refuse('it is no JSON object');
  for (const [key, wanted] of [
    ['kind', 'AuditReport'],
    ['apiVersion', 'curfew.dev/v1alpha1'],
  ] as const) {
    const value = member(report, key);
    if (value !== wanted)
      throw refuse(`${key} is ${typeof value === 'string' ? quote(value) : 'missing'}, not ${wanted}`);
  }
  if (asString(member(report, 'cluster')) === undefined) throw refuse('cluster is missing');
  for (const [list, texts] of TEXTS) {
    const why = findMistake(report, list, texts);
    if (why !== undefined) throw refuse(why);
  }
  return report as unknown as AuditView;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function findMistake(
  report: JsonValue,
  list: readonly string[],
  texts: readonly (readonly string[])[],
): string | undefined {
  const name = list.join('.');
  const items = valueAt(report, list);
  if (items === undefined) return ALWAYS.has(name) ? `${name} is missing` : undefined;
  if (!Array.isArray(items)) return `${name} is no list`;
  for (const [index, item] of asArray(items).entries()) {
    const missing = texts.filter((path) => asString(valueAt(item, path)) === undefined).map((path) => path.join('.'));
    if (missing.length > 0) return `${name}[${index}] lacks ${countOf(missing.length, 'text')}: ${missing.join(', ')}`;
  }
  return undefined;
}
