/** The way of a review of what Curfew itself is steered by: labels of namespaces, documented access. */

import type { Judgement } from '../engine/evaluate.ts';
import { NO_JUDGEMENT } from '../engine/evaluate.ts';
import type { GuardOptions } from '../engine/guards.ts';
import { guardApiAccess, guardLevels, guardNamespaceLabels } from '../engine/guards.ts';
import type { Subject } from '../objects/subject.ts';
import { toNamespaceView } from '../objects/views.ts';
import { findRaisedLevel } from '../policy/namespace-labels.ts';
import { isLeftAlone } from '../policy/scope.ts';
import type { Entry } from '../review/entries.ts';
import type { Review } from '../review/parse.ts';
import { warnOfExistingPods } from './existing-pods.ts';
import type { JudgedReview, Policy, Received, ReviewDeps } from './judge-review.ts';
import { answerJudgement } from './judge-review.ts';

/** Of the time there is for an answer, so much may go into looking at pods. */
const SHARE_FOR_PODS = 0.5;

type Guarding = {
  /** Of the core group; anything else that comes in is allowed. */
  readonly resources: readonly string[];
  readonly judge: (subject: Subject, options: GuardOptions) => Judgement;
};

const GUARDING: Readonly<Record<NonNullable<Entry['guard']>, Guarding>> = {
  levels: { resources: ['namespaces'], judge: guardLevels },
  namespaces: { resources: ['namespaces'], judge: guardNamespaceLabels },
  apiAccess: { resources: ['serviceaccounts', 'namespaces'], judge: guardApiAccess },
};

/**
 * Judges one review that came in through an entry of guard `guard`. What a guard refuses it sees in the request alone.
 *
 * @throws Fault for everything that is not a verdict
 */
export async function judgeGuarded(
  deps: ReviewDeps,
  {
    entry,
    guard,
    review,
  }: { readonly entry: Entry; readonly guard: NonNullable<Entry['guard']>; readonly review: Review },
  { started, until }: Received,
): Promise<JudgedReview> {
  const policy = deps.policy();
  const { subject } = review;
  const { resources, judge } = GUARDING[guard];
  if (subject.resource.group !== '' || !resources.includes(subject.resource.name)) {
    return answerJudgement(deps, { review, entry, started }, { judgement: NO_JUDGEMENT, notes: [] });
  }
  const judgement = judge(subject, policy);
  const isDenied = judgement.results.some(({ effect }) => effect === 'deny');
  const left = until - deps.clock.monotonic();
  const warnings =
    guard === 'namespaces' && !isDenied
      ? await warnOfRaisedLevel(deps, subject, { policy, budgetMs: left * SHARE_FOR_PODS })
      : [];
  return answerJudgement(deps, { review, entry, started }, { judgement, notes: [], warnings });
}

async function warnOfRaisedLevel(
  deps: ReviewDeps,
  subject: Subject,
  { policy, budgetMs }: { readonly policy: Policy; readonly budgetMs: number },
): Promise<readonly string[]> {
  const { configuration, ownNamespace } = policy;
  if (!configuration.namespaceWarnings.enabled) return [];
  if (isLeftAlone(configuration, subject.name, ownNamespace)) return [];
  const level = findRaisedLevel(subject, configuration);
  const namespace = toNamespaceView(subject.object);
  if (level === undefined || namespace === undefined) return [];
  return await warnOfExistingPods(deps, { policy, namespace, level, budgetMs });
}
