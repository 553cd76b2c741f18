/** `curfew audit --diff` for people: what got worse first. */

import { countOf } from '../objects/text.ts';
import type { AuditComparison, Change } from './compare-audits.ts';
import { formatRows } from './text-table.ts';

/** A table of more is read by nobody; JSON has all. */
const MOST_ROWS = 200;

export function renderComparisonTable({ older, newer, worse, better, notes }: AuditComparison): string {
  const since = older.takenAt === undefined ? 'the older report' : older.takenAt;
  const same = worse.length + better.length === 0;
  return [
    ...notes.map((note) => `Note: ${note}\n`),
    ...formatPart('Worse', worse),
    ...formatPart('Better', better),
    same
      ? `${newer.cluster}: nothing changed since ${since}\n`
      : `${newer.cluster}: since ${since} ${countOf(worse.length, 'change')} for the worse, ${better.length} for the better\n`,
  ].join('\n');
}

function formatPart(title: string, changes: readonly Change[]): readonly string[] {
  if (changes.length === 0) return [];
  const rows = changes
    .slice(0, MOST_ROWS)
    .map(({ part, how, what, before, after }) => [
      how,
      part,
      what,
      before !== undefined && after !== undefined ? `${before} → ${after}` : (after ?? before ?? ''),
    ]);
  const left = changes.length - rows.length;
  const more = left > 0 ? `  and ${left} more (--output json has all)\n` : '';
  return [`${title}:\n${formatRows(rows)}${more}`];
}
