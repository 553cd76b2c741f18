/** `curfew cleanup` for people: what was done, what may be done next, and what holds the rest back. */

import type { CleanupReport, ReportedSecret } from '../cleanup/report.ts';
import { countOf, joinSome, toOneLine } from '../objects/text.ts';
import { formatRows } from './text-table.ts';

const DONE = { invalidate: 'Made invalid', restore: 'Made valid again', delete: 'Deleted' } as const;

export function renderCleanupTable(report: CleanupReport): string {
  const { secrets, faults, stopped } = report;
  const left = secrets.filter(({ done }) => done === undefined);
  const held = left.filter(({ holds }) => holds.length > 0);
  return [
    ...faults.map(({ message }) => `Cannot be read: ${toOneLine(message)}\n`),
    ...(report.step === 'plan'
      ? []
      : section(
          DONE[report.step],
          secrets.filter(({ done }) => done !== undefined),
        )),
    ...section(
      'To be made invalid (curfew cleanup invalidate)',
      left.filter(({ next }) => next === 'invalidate'),
    ),
    ...section(
      'To be deleted (curfew cleanup delete)',
      left.filter(({ next }) => next === 'delete'),
    ),
    ...(held.length === 0 ? [] : [`Held back:\n${formatRows(held.map(toHeldRow))}`]),
    ...section('Made invalid, not by Curfew', left.filter(isOf('invalidated by others'))),
    ...section('Not as Curfew left them (curfew cleanup restore begins anew)', left.filter(isOf('changed'))),
    ...(stopped === undefined ? [] : [`Stopped at ${stopped.secret}: ${toOneLine(stopped.message)}\n`]),
    formatSummary(report),
  ].join('\n');
}

function isOf(state: ReportedSecret['state']): (secret: ReportedSecret) => boolean {
  return (secret) => secret.state === state && secret.holds.length === 0;
}

function section(title: string, secrets: readonly ReportedSecret[]): readonly string[] {
  if (secrets.length === 0) return [];
  return [
    `${title}:\n${formatRows([['secret', 'account', 'made', 'last used', 'invalid since'], ...secrets.map(toRow)])}`,
  ];
}

function toRow({ namespace, name, account, createdAt, lastUsed, invalidSince }: ReportedSecret): readonly string[] {
  return [`${namespace}/${name}`, account, createdAt.slice(0, 10), lastUsed ?? 'not noted', invalidSince ?? '-'];
}

function toHeldRow({ namespace, name, account, state, holds }: ReportedSecret): readonly string[] {
  const why = joinSome(holds.map(({ detail }) => detail));
  return [`${namespace}/${name}`, account, state, why];
}

function formatSummary({ cluster, summary }: CleanupReport): string {
  const { toInvalidate, toDelete, held, done, remaining } = summary;
  const parts = [
    ...(done === 0 ? [] : [`${done} done`]),
    `${toInvalidate} to be made invalid`,
    `${toDelete} to be deleted`,
    `${held} held back`,
  ];
  return `${cluster}: ${countOf(summary.secrets, 'token Secret')}: ${parts.join(', ')}; ${remaining} to go\n`;
}
