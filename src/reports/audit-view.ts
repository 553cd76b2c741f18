/**
 * An audit report as its renderers read it. Every section that was not there from the beginning may be absent: in a report
 * that an older Curfew wrote, and where a section was not asked for. What is absent is left out and never told as empty.
 */

import type { AccessPath, AccessReport } from '../access/access-report.ts';
import type { AccessSubject } from '../access/input.ts';
import type { AuditReport } from '../audit/audit-report.ts';
import type { LongLivedSecret } from '../audit/long-lived-secrets.ts';

/** With these keys, which came later, absent or undefined. */
type Lately<T, Keys extends keyof T> = Omit<T, Keys> & { readonly [Key in Keys]?: T[Key] | undefined };

type Section = 'limits' | 'tokens' | 'accounts' | 'restarts' | 'access' | 'podSecurity' | 'foreign' | 'scorecard';

export type AuditView = Lately<
  Omit<AuditReport, 'longLivedSecrets' | 'summary'>,
  Section | 'takenAt' | 'curfewVersion' | 'kubernetesVersion'
> & {
  readonly longLivedSecrets: readonly SecretView[];
  readonly summary: SummaryView;
};

/** The counts that renderers tell. */
export type SummaryView = Omit<AuditReport['summary'], LaterCount>;

type LaterCount =
  | 'accounts'
  | 'pods'
  | 'podsWithToken'
  | 'restarts'
  | 'accessPaths'
  | 'passed'
  | 'failed'
  | 'notVisible';

export type SecretView = Lately<LongLivedSecret, 'ageDays' | 'usedBy' | 'cleaning' | 'cleaningReason'>;
export type LimitsView = AuditReport['limits'];
export type TokenView = AuditReport['tokens'][number];
export type OwnerView = TokenView['owner'];
export type AccountView = AuditReport['accounts'][number];
export type PodSecurityView = AuditReport['podSecurity'][number];
export type ForeignView = AuditReport['foreign'];
export type ScoreLineView = AuditReport['scorecard'][number];
export type AccessView = AccessReport;
export type PathView = AccessPath;
export type SubjectView = AccessSubject;

const DAY_SECONDS = 86_400;

/** True of a token that outlives a day: one that never expires, the year of the API server, or a long projection. */
export function isLong({ never, trueSeconds }: Pick<TokenView, 'never' | 'trueSeconds'>): boolean {
  return never || (trueSeconds ?? 0) > DAY_SECONDS;
}

/** `ServiceAccount shop/web`. */
export function nameSubject(subject: SubjectView | string): string {
  if (typeof subject === 'string') return subject;
  const { kind, namespace, name } = subject;
  return `${kind} ${namespace === undefined || namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** Where a path leads, in words. */
export function nameTarget(to: PathView['to']): string {
  if (to === 'every-account') return 'every service account';
  if (to === 'cluster-admin') return 'cluster-admin';
  return 'everyAccountIn' in to ? `every account in ${to.everyAccountIn}` : `ServiceAccount ${to.namespace}/${to.name}`;
}
