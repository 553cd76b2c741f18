/** All that a rule may know beside its subject. It comes in as data, so a rule is a function of its arguments. */

import type { ApiAccessSource } from './api-access.ts';
import type { ActiveLevel } from './level.ts';
import type { Lookup, NamespaceView, ServiceAccountView, TokenSecretView } from './views.ts';

export type ClusterFacts = {
  /** Audiences the API server accepts; a token without an audience gets all of them. */
  readonly apiAudiences: readonly string[];
  /** `iss` of this cluster's tokens. */
  readonly issuers: readonly string[];
};

export type RuleContext = {
  /** In ms since the epoch. */
  readonly now: number;
  /** The level this evaluation is for; a rule may be stricter at restricted. */
  readonly level: ActiveLevel;
  readonly cluster: ClusterFacts;
  readonly namespace: Lookup<NamespaceView>;
  /** A service account of the subject's namespace. `unknown` unless the rule declares the need. */
  serviceAccount(name: string): Lookup<ServiceAccountView>;
  /**
   * The token Secret of that name in the subject's namespace. `absent`: no such Secret, or one that holds no service
   * account token. `unknown` while the index of token Secrets is off (the default), and unless the rule declares the need.
   */
  tokenSecret(name: string): Lookup<TokenSecretView>;
  /**
   * Names of the MutatingWebhookConfigurations of the cluster, but for Curfew's own. The last list counts, however old.
   * `unknown` until there is one, and unless the rule declares the need.
   */
  readonly mutatingWebhooks: Lookup<readonly string[]>;
  /** Where the annotation that documents the need of the API counts (`apiAccess.acceptFrom`). */
  readonly acceptApiAccessFrom: readonly ApiAccessSource[];
};

/**
 * What a rule must declare before it can look it up; the namespace is there for all. `freshServiceAccount` and
 * `freshNamespace`: as it is in the API server now, since what the index does not know yet would be missed for good.
 */
export type Need = 'serviceAccount' | 'freshServiceAccount' | 'freshNamespace' | 'tokenSecrets' | 'mutatingWebhooks';

/** Which requests a rule reads. */
export type Reads = {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly operations: readonly ('CREATE' | 'UPDATE')[];
};
