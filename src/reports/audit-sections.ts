/** The sections of an audit as tables for people, each whole or only its beginning. */

import type { AuditReport } from '../audit/audit-report.ts';
import type { MountedToken } from '../audit/mounted-tokens.ts';
import { formatDuration } from '../objects/duration.ts';
import { countOf, joinSome, nameForCommand, toOneLine } from '../objects/text.ts';
import { formatRows } from './text-table.ts';

/** In the order in which they are told. */
export const SECTIONS = [
  'scorecard',
  'findings',
  'secrets',
  'tokens',
  'restarts',
  'access',
  'accounts',
  'limits',
  'pod-security',
  'foreign',
] as const;

export type AuditSection = (typeof SECTIONS)[number];

/** @param most - rows; of more the rest is counted */
export type Extent = { readonly most: number };

const VERDICTS = { pass: 'pass', fail: 'FAIL', 'not-visible': '?' } as const;
const NAMES_OF_A_LINE = 5;

export function formatScorecard({ scorecard }: AuditReport, isWhole: boolean): string {
  const lines = scorecard.map(({ line, title, verdict, detail, objects, more }) => {
    const head = `  ${VERDICTS[verdict].padEnd(4)}  ${String(line).padStart(2)}  ${title}\n`;
    if (verdict === 'pass' && !isWhole) return head;
    const names = objects.map(
      ({ kind, namespace, name }) => `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`,
    );
    const shown = isWhole ? names.length : NAMES_OF_A_LINE;
    const rest = names.length + more - Math.min(shown, names.length);
    const told =
      names.length === 0 ? '' : ` ${joinSome(names.slice(0, shown), shown)}${rest > 0 ? ` and ${rest} more` : ''}`;
    return `${head}            ${toOneLine(`${detail}${told}`)}\n`;
  });
  return `Scorecard (?: cannot be told from here):\n${lines.join('')}`;
}

export function formatSecrets({ longLivedSecrets }: AuditReport, { most }: Extent): string {
  const rows = longLivedSecrets.slice(0, most).map(({ namespace, name, account, invalidSince, ...secret }) => [
    `${namespace}/${name}`,
    account,
    `${secret.createdAt.slice(0, 10)} (${countOf(secret.ageDays, 'day')})`,
    secret.lastUsed ?? 'not noted',
    secret.usedBy.length === 0
      ? 'nobody'
      : joinSome(
          secret.usedBy.map((use) => `${use.kind} ${use.name}`),
          2,
        ),
    secret.cleaning === 'never' ? 'never' : 'yes',
    invalidSince === undefined
      ? `kubectl delete secret ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`
      : `refused by the API server since ${invalidSince}`,
  ]);
  const head = ['secret', 'account', 'made', 'last used', 'referred to by', 'cleaned by Kubernetes', 'to end it'];
  return formatSection('Tokens that never expire', [head, ...rows], longLivedSecrets.length);
}

/** How many pods hold tokens of each lifetime, and then the tokens. */
export function formatTokens({ tokens }: AuditReport, { most }: Extent): string {
  const rows = tokens
    .slice(0, most)
    .map((token) => [
      lifetimeOf(token),
      `${token.namespace}/${token.account}`,
      token.audience ?? (token.reachesApi ? 'the API' : ''),
      `${token.owner.kind} ${token.owner.name}`,
      String(token.pods),
      token.containers.length === 0 ? 'no container' : joinSome(token.containers),
      token.secret === undefined ? token.source : `secret ${token.secret}`,
      token.fromBefore ? 'yes' : '',
    ]);
  const head = ['lives', 'account', 'for', 'workload', 'pods', 'read by', 'from', 'ended by a restart'];
  return formatSection('Tokens in pods', [head, ...rows], tokens.length);
}

export function formatLifetimes({ tokens }: AuditReport): string {
  const groups = Map.groupBy(tokens, (token) => `${lifetimeOf(token)}|${token.reachesApi ? 'the API' : 'others'}`);
  const rows = [...groups].map(([key, all]) => {
    const pods = all.reduce((sum, token) => sum + token.pods, 0);
    return [...key.split('|'), countOf(pods, 'pod'), countOf(all.length, 'entry').replace('entrys', 'entries')];
  });
  return `Tokens in pods by what they are really valid for (--show tokens tells each):\n${formatRows(rows)}`;
}

function lifetimeOf({ never, trueSeconds }: MountedToken): string {
  if (never) return 'for ever';
  return trueSeconds === undefined ? 'not known' : formatSeconds(trueSeconds);
}

/** `365 days`, `1h`. */
function formatSeconds(seconds: number): string {
  return seconds > 172_800 ? `${Math.round(seconds / 86_400)} days` : formatDuration(seconds);
}

export function formatRestarts({ restarts }: AuditReport, { most }: Extent): string {
  const rows = restarts
    .slice(0, most)
    .map(({ order, namespace, owner, pods, why, command }) => [
      `${order}.`,
      `${owner.kind} ${namespace}/${owner.name}`,
      String(pods),
      why,
      command,
    ]);
  const head = ['', 'workload', 'pods', 'why', 'command'];
  return formatSection(
    'Pods with a token that a new pod would not have; restart in this order',
    [head, ...rows],
    restarts.length,
  );
}

export function formatAccounts({ accounts }: AuditReport, { most }: Extent): string {
  const rows = accounts
    .toSorted((a, b) => b.podsWithToken - a.podsWithToken)
    .slice(0, most)
    .map((account) => [
      `${account.namespace}/${account.name}`,
      String(account.automount),
      String(account.podsWithToken),
      account.hasRights ? 'yes' : 'no',
      account.identities.join(', '),
      account.documented ?? 'no reason is written down',
    ]);
  const head = ['account', 'automount', 'pods with a token', 'rights', 'identity of', 'needs the API'];
  return formatSection('Service accounts', [head, ...rows], accounts.length);
}

export function formatLimits({ limits }: AuditReport): string {
  const { measured, issuer, apiAudiences = [], maximumSeconds, extendsTo, reason } = limits;
  const rows = [
    ...(issuer === undefined ? [] : [['issuer', issuer]]),
    ...(apiAudiences.length === 0 ? [] : [['audiences of the API', apiAudiences.join(', ')]]),
    [
      'longest lifetime',
      maximumSeconds === undefined ? (measured ? 'no limit was met' : 'not known') : `${maximumSeconds} s`,
    ],
    ['3607 s, bound to a pod', extendsTo === undefined ? 'not known' : `really ${formatSeconds(extendsTo)}`],
  ];
  return `What the API server makes of lifetimes:\n${formatRows(rows)}${reason === undefined ? '' : `  ${toOneLine(reason)}\n`}`;
}

export function formatPodSecurity({ podSecurity }: AuditReport, { most }: Extent): string {
  const rows = podSecurity
    .slice(0, most)
    .map(({ namespace, enforce = '-', warn = '-', audit = '-' }) => [namespace, enforce, warn, audit]);
  return formatSection(
    'Pod Security by label',
    [['namespace', 'enforce', 'warn', 'audit'], ...rows],
    podSecurity.length,
  );
}

export function formatForeign({ foreign }: AuditReport, { most }: Extent): string {
  const { injectors, policies, unread } = foreign;
  return [
    formatSection(
      'Webhooks of others that may change pods',
      [
        ['configuration', 'webhook', 'known as'],
        ...injectors.slice(0, most).map(({ name, webhook, knownAs = '' }) => [name, webhook, knownAs]),
      ],
      injectors.length,
    ),
    formatSection(
      'Policies of others about the same',
      [['policy', 'about'], ...policies.slice(0, most).map(({ name, detail }) => [name, detail])],
      policies.length,
    ),
    ...(unread === undefined ? [] : [`${unread}\n`]),
  ].join('');
}

/** @param rows - the head and some of the rows; `count` is how many there are */
function formatSection(title: string, rows: readonly (readonly string[])[], count: number): string {
  if (count === 0) return `${title}: none\n`;
  const hidden = count - (rows.length - 1);
  return `${title}:\n${formatRows(rows)}${hidden > 0 ? `  … and ${hidden} more\n` : ''}`;
}
