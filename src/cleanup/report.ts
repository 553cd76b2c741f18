/** What `curfew cleanup` found and did, as data. */

import type { Hold, PlannedSecret, TokenState } from './plan.ts';
import type { Step } from './take-step.ts';
import { idOf } from './token-secret.ts';

export type ReportedSecret = {
  readonly namespace: string;
  readonly name: string;
  /** The service account whose token it holds. */
  readonly account: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly lastUsed: string | undefined;
  readonly invalidSince: string | undefined;
  /** Before this run. */
  readonly state: TokenState;
  readonly next: PlannedSecret['next'];
  readonly holds: readonly Hold[];
  /** What this run did with it. */
  readonly done: Step | undefined;
};

export type CleanupReport = {
  readonly apiVersion: 'curfew.dev/v1alpha1';
  readonly kind: 'CleanupReport';
  /** Address of the API server. */
  readonly cluster: string;
  readonly step: 'plan' | Step;
  readonly secrets: readonly ReportedSecret[];
  readonly faults: readonly { readonly message: string }[];
  /** Where the run ended before its end, and why. */
  readonly stopped: { readonly secret: string; readonly message: string } | undefined;
  readonly summary: {
    readonly secrets: number;
    readonly toInvalidate: number;
    readonly toDelete: number;
    readonly held: number;
    readonly done: number;
    /** Those that are left, but for the exempted and those of namespaces that Curfew leaves alone. */
    readonly remaining: number;
  };
};

export type ReportOptions = {
  readonly cluster: string;
  readonly step: CleanupReport['step'];
  readonly faults: readonly string[];
  /** Ids of those of which the step was taken. */
  readonly done: ReadonlySet<string>;
  readonly stopped: CleanupReport['stopped'];
};

export function toReport(
  plan: readonly PlannedSecret[],
  { cluster, step, faults, done, stopped }: ReportOptions,
): CleanupReport {
  const isDone = ({ secret }: PlannedSecret) => done.has(idOf(secret));
  const count = (isCounted: (planned: PlannedSecret) => boolean) => plan.filter(isCounted).length;
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'CleanupReport',
    cluster,
    step,
    secrets: plan.map((planned) => toReported(planned, isDone(planned) && step !== 'plan' ? step : undefined)),
    faults: faults.map((message) => ({ message })),
    stopped,
    summary: {
      secrets: plan.length,
      toInvalidate: count(({ next }) => next === 'invalidate'),
      toDelete: count(({ next }) => next === 'delete'),
      held: count(({ holds }) => holds.length > 0),
      done: count(isDone),
      remaining: count((planned) => isToGo(planned) && !(step === 'delete' && isDone(planned))),
    },
  };
}

function isToGo({ holds }: PlannedSecret): boolean {
  return !holds.some(({ guard }) => guard === 'exempted' || guard === 'platform' || guard === 'leaving');
}

function toReported({ secret, state, holds, next }: PlannedSecret, done: Step | undefined): ReportedSecret {
  const { namespace, name, account, createdAt, lastUsed, invalidSince } = secret;
  return { namespace, name, account, createdAt, lastUsed, invalidSince, state, next, holds, done };
}
