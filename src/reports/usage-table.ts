/** `curfew usage` for people, and the manifests that follow from it. */

import { type KnownAccounts, listSilentHolders } from '../audit-log/compare-accounts.ts';
import { writeRoles } from '../audit-log/least-privilege.ts';
import type { TokenKind } from '../audit-log/read-event.ts';
import type { AccountUsage, TokenRequestUsage, UsageTally } from '../audit-log/usage-tally.ts';
import { API_ACCESS_ANNOTATION, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import { formatDuration } from '../objects/duration.ts';
import type { JsonObject } from '../objects/json.ts';
import { countOf, joinSome, nameForCommand } from '../objects/text.ts';
import { formatTime } from './format-time.ts';
import { formatRows } from './text-table.ts';

export type UsageReport = {
  readonly tally: UsageTally;
  /** Undefined where no cluster was asked. */
  readonly known: KnownAccounts | undefined;
  readonly skippedLines: number;
};

const KINDS: Readonly<Record<TokenKind, string>> = {
  bound: 'bound',
  stale: 'stale',
  legacy: 'long-lived',
  unknown: 'unknown',
};

/** Tables: who called, who asked for tokens, who holds a token and never called. */
export function renderUsageTable({ tally, known, skippedLines }: UsageReport): string {
  const accounts = sortAccounts(tally);
  return [
    describeLog(tally, skippedLines),
    '',
    'Service accounts that called the Kubernetes API:',
    formatRows([['account', 'requests', 'refused', 'last call', 'tokens', 'pods'], ...accounts.map(toAccountRow)]),
    'Tokens that were asked for:',
    formatRows([['by', 'for', 'lifetime', 'audiences', 'times'], ...[...tally.tokenRequests.values()].map(toTokenRow)]),
    ...(known === undefined
      ? ['Who holds a token and never called is known with --cluster.', '']
      : ['Accounts whose pods hold a token and never called:', formatSilent(known, tally)]),
  ].join('\n');
}

/** Roles that would have been enough, and the reason to write down on each account; an opt-out for who never called. */
export function listUsageManifests({ tally, known }: UsageReport): readonly JsonObject[] {
  const used = sortAccounts(tally)
    .filter(({ isCut }) => !isCut)
    .flatMap((usage) => [describeAccess(usage), ...writeRoles(usage)]);
  const silent = known === undefined ? [] : listSilentHolders(known, tally);
  return [
    ...used,
    ...silent.map(({ view: { namespace, name } }) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace },
      automountServiceAccountToken: false,
    })),
  ];
}

function describeAccess({ namespace, name }: AccountUsage): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, annotations: { [API_ACCESS_ANNOTATION]: REASON_PLACEHOLDER } },
  };
}

function sortAccounts({ accounts }: UsageTally): readonly AccountUsage[] {
  return [...accounts.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, usage]) => usage);
}

function describeLog({ events, firstAt, lastAt, isCut }: UsageTally, skippedLines: number): string {
  const span =
    firstAt === undefined || lastAt === undefined ? '' : ` from ${formatTime(firstAt)} to ${formatTime(lastAt)}`;
  const skipped = skippedLines === 0 ? '' : `; ${countOf(skippedLines, 'line')} could not be read`;
  const cut = isCut ? '; there was more than is kept of accounts or of ways of asking for tokens' : '';
  return `${countOf(events, 'request')}${span}${skipped}${cut}`;
}

function toAccountRow(usage: AccountUsage): readonly string[] {
  const tokens = Object.entries(KINDS).flatMap(([kind, word]) => {
    const count = usage.tokens[kind as TokenKind];
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return [
    `${usage.namespace}/${usage.name}`,
    String(usage.requests),
    String(usage.forbidden),
    formatTime(usage.lastAt),
    tokens.join(', '),
    usage.pods.size === 0 ? 'not known' : joinSome([...usage.pods].toSorted()),
  ];
}

function toTokenRow({ caller, account, seconds, audiences, count }: TokenRequestUsage): readonly string[] {
  const lifetime =
    audiences === undefined ? 'not in the log' : seconds === undefined ? '1h (default)' : formatDuration(seconds);
  const wanted = audiences === undefined ? 'not in the log' : audiences.length === 0 ? 'the API' : audiences.join(', ');
  return [caller, account, lifetime, wanted, String(count)];
}

function formatSilent(known: KnownAccounts, tally: UsageTally): string {
  if (tally.hasLostAccounts) return formatRows([['not known, since not every account in the log is kept']]);
  const silent = listSilentHolders(known, tally);
  if (silent.length === 0) return formatRows([['none']]);
  return formatRows([
    ['account', 'pods', 'to opt out'],
    ...silent.map(({ view: { namespace, name }, holders, holderCount }) => [
      `${namespace}/${name}`,
      `${holderCount}: ${joinSome(holders)}`,
      `kubectl patch serviceaccount ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')} --patch '{"automountServiceAccountToken": false}'`,
    ]),
  ]);
}
