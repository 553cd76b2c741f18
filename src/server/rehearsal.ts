/**
 * Reviews that nobody sees, before the first real one. Code that never ran is slow: the first review of a process takes
 * twenty times as long as the next, and ten times that on a busy node, while the API server waits and creates nothing.
 */

import { CHECKS } from '../checks/registry.ts';
import { toExampleSubject } from '../engine/example-subject.ts';
import { createUnknownReader } from '../kube/cluster-index.ts';
import { createUnknownLister } from '../kube/pod-lister.ts';
import { createSilentRecorder } from '../metrics/recorder.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import { composeReview } from '../review/compose.ts';
import { createAfterTurn } from './after-turn.ts';
import { buildApp } from './app.ts';
import { postInMemory } from './in-memory.ts';
import type { ReviewDeps } from './judge-review.ts';
import { endListening } from './listen.ts';

/** After the third time there is little left to gain. */
const ROUNDS = 3;
const REHEARSAL = 'rehearsal';
const UNKNOWN = 'it is a rehearsal';
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Reviews an example of every check and mutation, as the policy in force says. Nothing is counted, logged or looked up. */
export async function rehearse({ policy, clock }: Pick<ReviewDeps, 'policy' | 'clock'>): Promise<void> {
  const server = buildApp({
    policy,
    clock,
    reader: createUnknownReader(UNKNOWN),
    listPods: createUnknownLister(UNKNOWN),
    recorder: createSilentRecorder(),
    log: SILENT,
    isDraining: () => false,
    afterTurn: createAfterTurn(),
  });
  const reviews = listReviews();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [path, review] of reviews) await postInMemory(server, path, review);
    }
  } finally {
    await endListening(server);
  }
}

function listReviews(): readonly (readonly [path: string, review: string])[] {
  return [
    ...CHECKS.flatMap(({ examples }) => examples.slice(0, 1).map((example) => ['/validate/review', example] as const)),
    ...MUTATIONS.flatMap(({ examples }) => examples.slice(0, 1).map((example) => ['/mutate/pods', example] as const)),
  ].map(([path, example]) => [
    path,
    JSON.stringify(composeReview(toExampleSubject(example), { uid: REHEARSAL, username: REHEARSAL })),
  ]);
}
