/** Judges the pods of a namespace whose level is raised, for as long as somebody who waits for an answer can wait. */

import { CHECKS } from '../checks/registry.ts';
import { admit } from '../engine/admit.ts';
import type { PodTally, Shortfall } from '../engine/existing-pods.ts';
import { addPod, createPodTally, formatPodTally, toPodSubject } from '../engine/existing-pods.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import { isObject, member } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { serviceAccountOf } from '../objects/pod-spec.ts';
import type { Lookup, NamespaceView, ServiceAccountView } from '../objects/views.ts';
import { effectiveLevels } from '../policy/level.ts';
import { scopeOf } from '../policy/scope.ts';
import type { Policy, ReviewDeps } from './judge-review.ts';

/** As many as Pod Security Admission looks at (pod-security-admission, admission/admission.go). */
const MOST_PODS = 3_000;

export type ScanOptions = {
  readonly policy: Policy;
  /** As it will be. */
  readonly namespace: NamespaceView;
  readonly level: ActiveLevel;
  /** How long it may take, in ms. */
  readonly budgetMs: number;
};

type Scan = Pick<ReviewDeps, 'reader' | 'listPods' | 'clock'> &
  ScanOptions & {
    readonly signal: AbortSignal;
    /** When time is over, in ms of the monotonic clock. */
    readonly until: number;
  };

/** One warning for each check that would refuse pods that are there, and one if not all of them were judged. */
export async function warnOfExistingPods(
  deps: Pick<ReviewDeps, 'reader' | 'listPods' | 'clock'>,
  options: ScanOptions,
): Promise<readonly string[]> {
  const tally = createPodTally();
  const controller = new AbortController();
  const until = deps.clock.monotonic() + options.budgetMs;
  const late = Promise.withResolvers<Shortfall>();
  const timer = setTimeout(() => {
    controller.abort(new Error('no time for more'));
    late.resolve({ reason: 'time' });
  }, options.budgetMs);
  try {
    const scan = judgePods({ ...deps, ...options, signal: controller.signal, until }, tally);
    return formatPodTally(tally, await Promise.race([scan, late.promise]));
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/**
 * Judges pod after pod into `tally`; returns why it did not come to the end, if it did not. The clock is read for every
 * pod: while a page of large ones is judged no timer fires.
 */
async function judgePods(scan: Scan, tally: PodTally): Promise<Shortfall | undefined> {
  const { namespace, signal, clock, until } = scan;
  const isOver = () => signal.aborted || clock.monotonic() >= until;
  const accounts = new Map<string, Lookup<ServiceAccountView>>();
  for await (const page of scan.listPods(namespace.name, signal)) {
    if (isOver()) return { reason: 'time' };
    if (page.state === 'unknown') return { reason: 'error', why: page.why };
    for (const pod of page.pods) {
      if (tally.seen >= MOST_PODS) return { reason: 'number' };
      const spec = member(pod, 'spec');
      if (!isObject(pod) || !isObject(spec)) continue;
      const name = serviceAccountOf(spec);
      const account = accounts.get(name) ?? (await scan.reader.serviceAccount(namespace.name, name));
      if (isOver()) return { reason: 'time' };
      accounts.set(name, account);
      judgePod(scan, tally, { pod, account });
    }
  }
  return undefined;
}

/** As its creation would be judged after the change: with the mutations first, at the new level. */
function judgePod(
  { policy, namespace, level, reader, clock }: Scan,
  tally: PodTally,
  { pod, account }: { readonly pod: JsonObject; readonly account: Lookup<ServiceAccountView> },
): void {
  const { configuration, cluster, ownNamespace } = policy;
  const subject = toPodSubject(namespace.name, pod);
  const found: Lookup<NamespaceView> = { state: 'found', value: namespace };
  const options = {
    configuration,
    scope: scopeOf(configuration, subject, ownNamespace),
    context: {
      now: clock.now(),
      cluster,
      namespace: found,
      serviceAccount: () => account,
      tokenSecret: (name: string) => reader.tokenSecret(namespace.name, name),
      mutatingWebhooks: reader.mutatingWebhooks(),
      acceptApiAccessFrom: configuration.apiAccess.acceptFrom,
    },
  };
  const levels = effectiveLevels(configuration, namespace.name, found);
  const judgedAt = { enforce: level, warn: 'off', audit: 'off' } as const;
  const { judgement } = admit(subject, { ...options, levels, judgedAt, checks: CHECKS, mutations: MUTATIONS });
  addPod(tally, subject, judgement);
}
