/** What `curfew audit` found, as data. */

import type { PlacelessFinding, PlacelessUndecided } from '../manifests/report-object.ts';

/** A Secret with a token that never expires. */
export type LongLivedSecret = {
  readonly namespace: string;
  readonly name: string;
  /** The service account whose token it holds. */
  readonly account: string;
  /** As the API server writes it (RFC 3339). */
  readonly createdAt: string;
  /** The day on which somebody used it last, if the API server has noted one (KEP-2799). */
  readonly lastUsed: string | undefined;
  /** The day since when the API server refuses it; undefined while it is good. */
  readonly invalidSince: string | undefined;
};

export type AuditReport = {
  readonly apiVersion: 'curfew.dev/v1alpha1';
  readonly kind: 'AuditReport';
  /** Address of the API server. */
  readonly cluster: string;
  readonly findings: readonly PlacelessFinding[];
  readonly undecided: readonly PlacelessUndecided[];
  readonly longLivedSecrets: readonly LongLivedSecret[];
  readonly faults: readonly { readonly message: string }[];
  readonly summary: {
    readonly namespaces: number;
    /** Objects that were judged; what controllers made is judged in its template. */
    readonly judged: number;
    /** Objects that would be refused if they were written anew, or whose pods would be. */
    readonly denied: number;
    readonly enforce: number;
    readonly warn: number;
    readonly audit: number;
    readonly exempted: number;
    /** Checks that could not know and might deny. */
    readonly undecided: number;
    readonly longLivedSecrets: number;
    readonly faults: number;
  };
};
