/** What one entry answers to a review: the object is judged, or the guard's question is, and either is counted. */

import type { Eventual } from '../kube/api.ts';
import type { Entry } from '../review/entries.ts';
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
  let judged: Eventual<JudgedReview>;
  try {
    const { guard } = entry;
    judged = guard === undefined ? judgeReview(deps, entry, received) : judgeGuarded(deps, { entry, guard }, received);
  } catch (error) {
    return fail(error);
  }
  return judged instanceof Promise ? judged.then(succeed, fail) : succeed(judged);
}
