/**
 * An audit report as its renderers read it. Every section that was not there from the beginning may be absent: in a report
 * that an older Curfew wrote, and where a section was not asked for. What is absent is left out and never told as empty.
 */

import type { PlacelessFinding, PlacelessUndecided } from '../manifests/check-report.ts';

export type AuditView = {
  readonly apiVersion: 'curfew.dev/v1alpha1';
  readonly kind: 'AuditReport';
  /** Address of the API server. */
  readonly cluster: string;
  readonly findings: readonly PlacelessFinding[];
  readonly undecided: readonly PlacelessUndecided[];
  readonly faults: readonly { readonly message: string }[];
  /** When the report was made (RFC 3339). */
  readonly takenAt?: string | undefined;
  readonly curfewVersion?: string | undefined;
  readonly kubernetesVersion?: string | undefined;
  readonly summary: SummaryView;
  readonly longLivedSecrets: readonly SecretView[];
  readonly limits?: LimitsView | undefined;
  readonly tokens?: readonly TokenView[] | undefined;
  readonly accounts?: readonly AccountView[] | undefined;
  readonly restarts?: readonly RestartView[] | undefined;
  readonly access?: AccessView | undefined;
  readonly podSecurity?: readonly PodSecurityView[] | undefined;
  readonly foreign?: ForeignView | undefined;
  readonly scorecard?: readonly ScoreLineView[] | undefined;
};

/** The counts that renderers tell. */
export type SummaryView = {
  readonly namespaces: number;
  readonly judged: number;
  readonly denied: number;
  readonly enforce: number;
  readonly warn: number;
  readonly audit: number;
  readonly exempted: number;
  readonly undecided: number;
  readonly longLivedSecrets: number;
  readonly faults: number;
};

export type SecretView = {
  readonly namespace: string;
  readonly name: string;
  readonly account: string;
  readonly createdAt: string;
  readonly lastUsed?: string | undefined;
  readonly invalidSince?: string | undefined;
  readonly ageDays?: number | undefined;
  /** Pods and templates that mount or read it, and accounts that list it. */
  readonly usedBy?:
    | readonly { readonly kind: string; readonly namespace: string; readonly name: string; readonly how: string }[]
    | undefined;
  /** Whether the cleaner of Kubernetes will ever take it (KEP-2799). */
  readonly cleaning?: 'in-tree' | 'never' | undefined;
  readonly cleaningReason?: string | undefined;
};

/** What the API server really gives, measured. */
export type LimitsView = {
  readonly measured: boolean;
  /** Why it could not be measured. */
  readonly reason?: string | undefined;
  readonly issuer?: string | undefined;
  readonly apiAudiences?: readonly string[] | undefined;
  /** In seconds. */
  readonly maximumSeconds?: number | undefined;
  /** What a token asked for 3607 s is valid for, in seconds. */
  readonly extendsTo?: number | undefined;
};

export type OwnerView = { readonly kind: string; readonly name: string };

export type TokenView = {
  readonly namespace: string;
  readonly owner: OwnerView;
  readonly account: string;
  readonly pods: number;
  readonly containers: readonly string[];
  readonly source: 'default' | 'projected' | 'secret';
  readonly volume?: string | undefined;
  readonly secret?: string | undefined;
  readonly audience?: string | undefined;
  readonly reachesApi: boolean;
  /** In seconds, as it is written. */
  readonly askedSeconds?: number | undefined;
  /** In seconds; undefined if it never expires, or is not known. */
  readonly trueSeconds?: number | undefined;
  readonly never: boolean;
  /** True of pods whose token Curfew would shorten or take away if they were made today. */
  readonly fromBefore: boolean;
};

export type AccountView = {
  readonly namespace: string;
  readonly name: string;
  readonly automount: boolean | 'unset';
  readonly podsWithToken: number;
  readonly documented?: string | undefined;
  readonly hasRights: boolean;
  readonly identities: readonly string[];
};

export type RestartView = {
  readonly order: number;
  readonly namespace: string;
  readonly owner: OwnerView;
  readonly pods: number;
  readonly why: string;
  readonly command: string;
};

export type SubjectView = {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly namespace?: string | undefined;
  readonly name: string;
};

type Named = { readonly namespace?: string | undefined; readonly name: string };

export type PathView = {
  readonly from: SubjectView;
  readonly to:
    | { readonly namespace: string; readonly name: string }
    | 'every-account'
    | 'cluster-admin'
    | { readonly everyAccountIn: string };
  readonly steps: readonly {
    readonly how: string;
    readonly through: Named & { readonly kind: string; readonly binding: Named & { readonly kind: string } };
    /** Such as `create serviceaccounts/token in shop`. */
    readonly right: string;
    readonly to: SubjectView | string;
  }[];
  readonly sentence: string;
};

export type AccessView = {
  readonly complete: boolean;
  readonly paths: readonly PathView[];
  /** Paths that were left out. */
  readonly more: number;
  readonly blastRadius: readonly {
    readonly account: { readonly namespace: string; readonly name: string };
    /** Other accounts. */
    readonly reaches: number;
    readonly clusterAdmin: boolean;
    readonly reachedBy: number;
    readonly namespaces: number;
    readonly podsRunning: number;
  }[];
  readonly subjects: number;
  readonly bindings: number;
  readonly rules: number;
};

export type PodSecurityView = {
  readonly namespace: string;
  readonly enforce?: string | undefined;
  readonly warn?: string | undefined;
  readonly audit?: string | undefined;
  readonly ok: boolean;
};

export type ForeignView = {
  readonly injectors: readonly {
    readonly name: string;
    readonly webhook: string;
    readonly knownAs?: string | undefined;
  }[];
  readonly policies: readonly {
    readonly engine: string;
    readonly name: string;
    /** Ids of checks. */
    readonly overlaps: readonly string[];
    readonly detail: string;
  }[];
};

export type ScoreLineView = {
  readonly line: number;
  readonly title: string;
  readonly verdict: 'pass' | 'fail' | 'not-visible';
  readonly detail: string;
  readonly objects: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
  readonly more: number;
};

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
