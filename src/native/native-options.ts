/** What policies are rendered of. */

import type { ActiveLevel } from '../objects/level.ts';
import type { ClusterFacts } from '../objects/rule-context.ts';
import type { Configuration } from '../policy/configuration.ts';

/**
 * `native`: policies alone, which deny, warn, annotate and change. `both`: policies that stand behind the webhook, and deny;
 * what they would say beside it is left to the webhook, which says it better.
 */
export const POLICY_ENGINES = ['native', 'both'] as const;
export type PolicyEngine = (typeof POLICY_ENGINES)[number];

/** What policies do about tokens that kubelets ask for: nothing, write audit annotations, or deny too. */
export const NODE_TOKEN_MODES = ['off', 'audit', 'enforce'] as const;
export type NodeTokenMode = (typeof NODE_TOKEN_MODES)[number];

export type NativeOptions = {
  readonly engine: PolicyEngine;
  readonly nodeTokens: NodeTokenMode;
  readonly configuration: Configuration;
  readonly cluster: ClusterFacts;
  /** The namespace Curfew itself runs in; empty if it runs in none. */
  readonly ownNamespace: string;
  /** Judges at this level, whatever labels and configuration say. */
  readonly level: ActiveLevel | undefined;
  /** In ms since the epoch: exemptions that have ended by then are left out. */
  readonly now: number;
  /** The minor version of the oldest Kubernetes that the policies are for: 30 for 1.30. */
  readonly minor: number;
};

/** Something that the policies do not do. */
export type Left = {
  /** Of the check or mutation; empty if it is not about one. */
  readonly id: string;
  /** A sentence without a full stop. */
  readonly why: string;
};
