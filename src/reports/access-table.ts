/** Who can obtain a token of whom, for people: one line a path, and how far the worst accounts reach. */

import type { AccessPath, AccessReport, BlastRadius } from '../access/access-report.ts';
import { formatGoal, formatSubject } from '../access/describe-path.ts';
import { countOf, toOneLine } from '../objects/text.ts';
import { formatRows } from './text-table.ts';

/** Of an audit's table; its JSON has more. */
const MOST_ROWS = 20;
const MOST_ACCOUNTS = 10;

/** The part of an audit's table; nothing where there is nothing to tell. */
export function renderAccessSection(access: AccessReport): string {
  const { paths, blastRadius, reason } = access;
  if (reason !== undefined) return `Who can obtain a token of whom: not looked at; ${reason}.\n`;
  if (paths.length === 0) return '';
  const shown = paths.slice(0, MOST_ROWS);
  const more = access.more + paths.length - shown.length;
  return [
    `Who can obtain a token of whom${access.complete ? '' : ', of what could be read'}:\n`,
    formatRows([['who', 'whom', 'how'], ...shown.map(toRow)]),
    ...(more === 0
      ? []
      : [
          `  and ${access.atLeast === true ? 'at least ' : ''}${more} more: curfew who-can --from IDENTITY, curfew who-can ACCOUNT\n`,
        ]),
    ...formatRadius(blastRadius),
  ].join('');
}

/** The answer to one question: each path whole. */
export function renderPaths(paths: readonly AccessPath[], more: number): string {
  const rows = paths.map(({ from, to, steps, others }) => {
    const lines = steps.map(
      ({ right, through: { kind, namespace, name, binding }, to }, index) =>
        `    ${index + 1}. ${right}\n       by ${kind} ${place(namespace, name)}, ${binding.kind} ${place(binding.namespace, binding.name)}\n       is then ${typeof to === 'string' ? to : formatSubject(to)}\n`,
    );
    const also = others === undefined ? '' : ` and ${others} more`;
    return `  ${toOneLine(`${formatSubject(from)} → ${formatGoal(to)}${also}`)}\n${lines.map(cleanLines).join('')}`;
  });
  return `${rows.join('')}${more > 0 ? `  and ${more} more\n` : ''}`;
}

function cleanLines(text: string): string {
  return text
    .split('\n')
    .map((line) => toOneLine(line))
    .join('\n');
}

function toRow({ from, to, steps, others }: AccessPath): readonly string[] {
  const ways = steps.map(({ right, to }, index) =>
    index === steps.length - 1 || typeof to === 'string' ? right : `${right} → ${to.namespace ?? to.kind}/${to.name}`,
  );
  return [
    formatSubject(from),
    `${formatGoal(to)}${others === undefined ? '' : ` and ${others} more`}`,
    ways.join(' → '),
  ];
}

/** Accounts of pods come first: theirs are the tokens that lie about. */
function formatRadius(rows: readonly BlastRadius[]): readonly string[] {
  const reaching = rows.filter(
    ({ reaches, clusterAdmin, podsRunning }) => podsRunning > 0 && (reaches > 0 || clusterAdmin),
  );
  if (reaching.length === 0) return [];
  const shown = reaching
    .slice(0, MOST_ACCOUNTS)
    .map(({ account, reaches, clusterAdmin, reachedBy, podsRunning }) => [
      `${account.namespace}/${account.name}`,
      clusterAdmin ? 'cluster-admin' : countOf(reaches, 'account'),
      `reached by ${reachedBy}`,
      countOf(podsRunning, 'pod'),
    ]);
  const more = reaching.length - shown.length;
  return [
    '\nWhat a stolen token of a pod reaches:\n',
    formatRows(shown),
    ...(more > 0 ? [`  and ${countOf(more, 'account')} more\n`] : []),
  ];
}

function place(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
