/** Who can obtain a token of whom, as data: the key `access` of an audit, and the answer to one question. */

import type { How, Through } from './graph.ts';
import type { AccessSubject } from './input.ts';

/** What a path ends at. */
export type AccessGoal =
  | { readonly namespace: string; readonly name: string }
  | { readonly everyAccountIn: string }
  | 'every-account'
  | 'cluster-admin';

export type AccessStep = {
  readonly how: How;
  readonly through: Through;
  /** `create serviceaccounts/token in shop`. */
  readonly right: string;
  /** Whom one is then, or what one has: an identity, or words such as `ClusterRole admin in shop`. */
  readonly to: AccessSubject | string;
};

export type AccessPath = {
  readonly from: AccessSubject;
  readonly to: AccessGoal;
  /** Accounts that the same steps lead to, beside the one that is named: those of other pods of a namespace. */
  readonly others?: number;
  readonly steps: readonly AccessStep[];
  /** One line for people. */
  readonly sentence: string;
};

export type BlastRadius = {
  readonly account: { readonly namespace: string; readonly name: string };
  /** Other accounts whose token or powers it can obtain. */
  readonly reaches: number;
  readonly clusterAdmin: boolean;
  /** Identities that can obtain its token or powers; what Kubernetes itself brings is not counted. */
  readonly reachedBy: number;
  /** Namespaces of the accounts that it reaches. */
  readonly namespaces: number;
  readonly podsRunning: number;
};

export type AccessReport = {
  /** False if something could not be listed: then there may be more. */
  readonly complete: boolean;
  /** Why there is no graph at all. */
  readonly reason?: string;
  /** The shortest from each identity to each goal, the most dangerous first. */
  readonly paths: readonly AccessPath[];
  /** Paths that are left out. */
  readonly more: number;
  /** True if the search ended early, so that `more` and the counts of accounts are the least that they can be. */
  readonly atLeast?: true;
  /** Of accounts that reach others or run in pods; the most dangerous first. */
  readonly blastRadius: readonly BlastRadius[];
  /** Accounts that are left out there. */
  readonly blastRadiusMore: number;
  readonly subjects: number;
  readonly bindings: number;
  readonly rules: number;
};

/** An audit that did not look. */
export function leaveOutAccess(reason: string): AccessReport {
  return {
    complete: false,
    reason,
    paths: [],
    more: 0,
    blastRadius: [],
    blastRadiusMore: 0,
    subjects: 0,
    bindings: 0,
    rules: 0,
  };
}
