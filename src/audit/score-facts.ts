/** What the lines of the scorecard are judged by. */

import type { AccountAccess } from './account-access.ts';
import type { ForeignPolicy } from './foreign-parts.ts';
import type { LongLivedSecret } from './long-lived-secrets.ts';
import type { MountedToken } from './mounted-tokens.ts';
import type { PodSecurity } from './pod-security.ts';
import type { TokenLimits } from './token-limits.ts';

export type ScoredObject = { readonly kind: string; readonly namespace: string; readonly name: string };

export type Finding = {
  readonly verdict: 'pass' | 'fail' | 'not-visible';
  /** One sentence. */
  readonly detail: string;
  readonly objects?: readonly ScoredObject[];
};

/** Of the graph of who can come to whose token. */
export type ScoredAccess = {
  /** False: something could not be listed. */
  readonly complete: boolean;
  readonly blastRadius: readonly {
    readonly account: { readonly namespace: string; readonly name: string };
    readonly clusterAdmin: boolean;
  }[];
};

export type ScoreFacts = {
  readonly accounts: readonly AccountAccess[];
  readonly tokens: readonly MountedToken[];
  readonly longLivedSecrets: readonly LongLivedSecret[];
  readonly podSecurity: readonly PodSecurity[];
  readonly limits: TokenLimits;
  /** Ids of the checks that find something in what people bound to an account. */
  readonly risksOf: (account: ScoredObject) => ReadonlySet<string>;
  /** Namespaces that belong to the platform: nobody is asked to mend them. */
  readonly isOfPlatform: (namespace: string) => boolean;
  /** Plurals of what could not be listed, or was not looked at. */
  readonly unread: ReadonlySet<string>;
  /** How Curfew's own webhook judges Secrets. */
  readonly secretsEntry: 'absent' | 'ignores failures' | 'enforced' | 'unknown';
  /** Namespaces whose label turns enforcement off. */
  readonly exempted: readonly string[];
  readonly policies: readonly ForeignPolicy[];
  /** Pods of API servers, where they run in pods that can be seen. */
  readonly apiServers: readonly { readonly name: string; readonly hasAuditPolicy: boolean }[];
  /** CronJobs that run an audit. */
  readonly auditJobs: readonly ScoredObject[];
  /** PrometheusRules about tokens; undefined: could not be looked at. */
  readonly alerts: readonly ScoredObject[] | undefined;
  /** Namespaces with a NetworkPolicy for egress; undefined: could not be looked at. */
  readonly egressNamespaces: ReadonlySet<string> | undefined;
  /** Namespaces with live pods. */
  readonly podNamespaces: ReadonlySet<string>;
  /** Undefined while nobody made the graph. */
  readonly access: ScoredAccess | undefined;
};
