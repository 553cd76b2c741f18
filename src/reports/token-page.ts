/** `curfew explain-token`: what a token is, what somebody who stole it could do, and what to delete. Never the token. */

import type { BoundObject, TokenFacts } from '../objects/pasted-tokens/token-facts.ts';
import { nameForCommand, toOneLine } from '../objects/text.ts';
import { formatTime } from './format-time.ts';

export type TokenPageOptions = {
  /** In ms since the epoch. */
  readonly now: number;
  /** Audiences that the API server accepts. */
  readonly apiAudiences: readonly string[];
  /** True if nobody said which they are, and these are the usual ones. */
  readonly isAssumed: boolean;
  /** One sentence of what the cluster says, if it was asked. */
  readonly verdict?: string;
};

const YEAR_DAYS = 365;

/** Several paragraphs, the table of claims first. */
export function renderTokenPage(facts: TokenFacts, options: TokenPageOptions): string {
  const rows: readonly (readonly [string, string])[] = [
    ['issuer', facts.isLegacy ? `${facts.issuer}, which is that of every cluster` : facts.issuer],
    ['subject', `service account ${facts.namespace}/${facts.account}`],
    ['audience', describeAudiences(facts, options)],
    ['bound to', describeBound(facts)],
    ['issued', describeIssue(facts, options)],
    ['expires', describeEnd(facts, options)],
    ...(options.verdict === undefined ? [] : [['the cluster', options.verdict] as const]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return [
    describeKind(facts),
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}${toOneLine(value)}`),
    '',
    describeDanger(facts, options),
    '',
    ...(hasExpired(facts, options) ? [] : [...describeRevocation(facts), '']),
  ].join('\n');
}

function describeKind({ isLegacy, boundTo, expiresAt }: TokenFacts): string {
  if (isLegacy) return 'A long-lived service account token, from a Secret.';
  const bound = boundTo === undefined ? 'bound to nothing but its account' : `bound to a ${boundTo.kind}`;
  return `A service account token, ${bound}${expiresAt === undefined ? ', without an end' : ''}.`;
}

function isForApi({ audiences, issuer }: TokenFacts, { apiAudiences }: TokenPageOptions): boolean {
  // The API server's own audience is its issuer, unless it is told otherwise.
  return audiences.length === 0 || audiences.some((one) => one === issuer || apiAudiences.includes(one));
}

function describeAudiences(facts: TokenFacts, options: TokenPageOptions): string {
  if (facts.audiences.length === 0) return 'none: the Kubernetes API alone accepts it';
  const assumed = options.isAssumed ? ' (assumed; no cluster was asked)' : '';
  const who = isForApi(facts, options)
    ? `the Kubernetes API accepts it${assumed}`
    : `not for the Kubernetes API${assumed}`;
  return `${facts.audiences.join(', ')}: ${who}`;
}

function describeBound({ boundTo, namespace, node }: TokenFacts): string {
  if (boundTo === undefined) return 'nothing: it outlives whatever it was made for';
  const where = boundTo.kind === 'Node' ? boundTo.name : `${namespace}/${boundTo.name}`;
  const ran = node === undefined || boundTo.kind === 'Node' ? '' : ` on node ${node}`;
  return `${boundTo.kind} ${where}${ran}`;
}

function describeIssue({ issuedAt }: TokenFacts, { now }: TokenPageOptions): string {
  return issuedAt === undefined
    ? 'not known'
    : `${formatTime(issuedAt * 1000)}, ${formatSpan(now / 1000 - issuedAt)} ago`;
}

function describeEnd(facts: TokenFacts, { now }: TokenPageOptions): string {
  const { expiresAt, issuedAt, warnAfter } = facts;
  if (expiresAt === undefined) return 'never';
  const left = expiresAt - now / 1000;
  const when = left > 0 ? `in ${formatSpan(left)}` : `${formatSpan(-left)} ago`;
  const life = issuedAt === undefined ? '' : `; it lives ${formatSpan(expiresAt - issuedAt)}`;
  const asked = issuedAt === undefined || warnAfter === undefined ? '' : formatSpan(warnAfter - issuedAt);
  const extended =
    asked === '' ? '' : `, and not ${asked}: the API server extends tokens of exactly 3607 s to ${YEAR_DAYS} days`;
  return `${formatTime(expiresAt * 1000)}, ${when}${life}${extended}`;
}

function hasExpired({ expiresAt }: TokenFacts, { now }: TokenPageOptions): boolean {
  return expiresAt !== undefined && expiresAt <= now / 1000;
}

function describeDanger(facts: TokenFacts, options: TokenPageOptions): string {
  const { namespace, account, expiresAt, audiences, issuer } = facts;
  if (hasExpired(facts, options)) {
    return 'It has expired: whoever looks at the clock refuses it (the API server a minute later).';
  }
  const until = expiresAt === undefined ? 'for as long as nobody deletes it' : `until ${formatTime(expiresAt * 1000)}`;
  if (isForApi(facts, options)) {
    return [
      `Whoever holds it is service account ${namespace}/${account} for the Kubernetes API, from anywhere that reaches it,`,
      `${until}. What that allows: kubectl auth can-i --list --as system:serviceaccount:${namespace}:${account}`,
    ].join('\n');
  }
  return [
    `Whoever holds it is service account ${namespace}/${account} for every service that trusts issuer ${toOneLine(issuer)}`,
    `and takes audience ${toOneLine(audiences.join(' or '))}, ${until}. The Kubernetes API refuses it.`,
  ].join('\n');
}

function describeRevocation(facts: TokenFacts): readonly string[] {
  const { expiresAt } = facts;
  const elsewhere =
    expiresAt === undefined
      ? 'A service that checks nothing but the signature goes on accepting it for ever, whatever is deleted.'
      : `A service that checks nothing but signature and expiry goes on accepting it until then, whatever is deleted.`;
  return [`To revoke it: ${describeDeletion(facts)}`, elsewhere];
}

function describeDeletion({ namespace, account, boundTo }: TokenFacts): string {
  const where = `--namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
  const ofAccount = `kubectl delete serviceaccount ${nameForCommand(account, 'ACCOUNT')} ${where}`;
  if (boundTo === undefined) {
    return `${ofAccount}\nNothing less does it, and every other token of the account goes with it; one that is made again has another uid.`;
  }
  return `${nameDeletion(boundTo, where)}\nThe API server refuses it as soon as that is gone, and a minute after its deletion began at the latest.`;
}

function nameDeletion({ kind, name }: BoundObject, where: string): string {
  const known = nameForCommand(name, 'NAME');
  return kind === 'Node' ? `kubectl delete node ${known}` : `kubectl delete ${kind.toLowerCase()} ${known} ${where}`;
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** The two largest units: `1 hour 50 minutes`, `365 days`. */
function formatSpan(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    if (parts.length > 0 && (count === 0 || parts.length === 2)) break;
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}
