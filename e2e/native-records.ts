/** What native policies write into the audit log, beside what the webhook writes. */

import { stringMembers, valueAt } from '../src/objects/json.ts';

/** What policies wrote into the audit log about a request, without the names of theirs: `warn: token-lifetime at …`. */
export function readRecords(event: unknown): readonly string[] {
  const records = [...stringMembers(valueAt(event, ['annotations']))].flatMap(([key, value]) => {
    const [, name] = /\.(?:enforce|warn|audit)\.curfew\.dev\/([a-z-]+)$/.exec(key) ?? [];
    return name === undefined ? [] : [`${name}: ${value}`];
  });
  return records.toSorted();
}

/**
 * True if policies wrote what the engine would: of each check and effect the same first place, all the others, and more
 * only where there is the same to say. The webhook writes a sentence once, and policies each place of it.
 */
export function areSameRecords(found: readonly string[], wanted: readonly string[]): boolean {
  return found.length === wanted.length && found.every((record, index) => isSameRecord(record, wanted[index] ?? ''));
}

function isSameRecord(found: string, wanted: string): boolean {
  if (found === wanted) return true;
  const [key, lines] = toLines(found);
  const [ofEngine, all] = toLines(wanted);
  // The webhook cuts what is longer than 4,096 bytes, and the API server what is longer than 10 kB.
  const known = wanted.length > 4_000 ? all.slice(0, 10) : all;
  const reasons = new Set(all.map(toReason));
  return (
    key === ofEngine &&
    lines[0] === known[0] &&
    known.every((line) => lines.includes(line)) &&
    lines.slice(0, 100).every((line) => reasons.has(toReason(line)))
  );
}

function toLines(record: string): readonly [string, readonly string[]] {
  const start = record.indexOf(': ');
  return [record.slice(0, start), record.slice(start + 2).split('; ')];
}

/** What stands behind the place in `token-lifetime at /spec/…: a token that lives too long`. */
function toReason(line: string): string {
  return line.slice(line.lastIndexOf(': '));
}
