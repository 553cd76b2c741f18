/** What one entry answers to a review: the object is judged, or the guard's question is, and either is counted. */

import type { Eventual } from '../kube/api.ts';
import type { Entry } from '../review/entries.ts';
import type { Review } from '../review/parse.ts';
import { parseReview } from '../review/parse.ts';
import { judgeGuarded } from './judge-guard.ts';
import type { JudgedReview, Received, ReviewDeps } from './judge-review.ts';
import { judgeReview } from './judge-review.ts';

/**
 * At once where nothing has to be looked up elsewhere than in memory, which is nearly always.
 *
 * @throws Fault for everything that is not a verdict
 */
export function judgeEntry(deps: ReviewDeps, entry: Entry, received: Received): Eventual<JudgedReview> {
  const record = (outcome: 'allowed' | 'denied' | 'fault'): void =>
    deps.recorder.review({
      entry: entry.path,
      outcome,
      seconds: (deps.clock.monotonic() - received.started) / 1000,
    });
  const succeed = (judged: JudgedReview): JudgedReview => {
    record(judged.isAllowed ? 'allowed' : 'denied');
    return judged;
  };
  const fail = (error: unknown): never => {
    record('fault');
    throw error;
  };
  let told: Promise<void> | undefined;
  let judged: Eventual<JudgedReview>;
  try {
    const review = parseReview(received.body);
    told = tellChange(deps, entry, review);
    judged = judgeParsed(deps, { entry, review }, received);
  } catch (error) {
    if (told === undefined) return fail(error);
    judged = Promise.reject(error);
  }
  if (told !== undefined) judged = afterTold(told, judged);
  return judged instanceof Promise ? judged.then(succeed, fail) : succeed(judged);
}

function judgeParsed(
  deps: ReviewDeps,
  { entry, review }: { readonly entry: Entry; readonly review: Review },
  received: Received,
): Eventual<JudgedReview> {
  const { guard } = entry;
  return guard === undefined
    ? judgeReview(deps, { entry, review }, received)
    : judgeGuarded(deps, { entry, guard, review }, received);
}

/** Once it is as it will be stored: mutating reviews come before those of others. */
function tellChange(
  { changes }: ReviewDeps,
  { type }: Entry,
  { subject, isDryRun }: Review,
): Promise<void> | undefined {
  return type === 'mutating' || isDryRun ? undefined : changes?.tell(subject);
}

/**
 * Nobody makes a pod by what is not stored yet, so whoever was told of a change before its answer was told in time. A fault is an answer
 * too: an entry that fails open lets the change in.
 */
async function afterTold(told: Promise<void>, judged: Eventual<JudgedReview>): Promise<JudgedReview> {
  const [answer] = await Promise.allSettled([judged, told]);
  if (answer.status === 'rejected') throw answer.reason;
  return answer.value;
}
