/** What became of a review: counted, and told in one line of the log, once it is answered. Names, never contents. */

import type { Effect, Judgement } from '../engine/evaluate.ts';
import type { MutationDecision, MutationsOutcome } from '../engine/mutate.ts';
import type { Logger } from '../log/logger.ts';
import { boundName } from '../log/logger.ts';
import type { Decision, Recorder } from '../metrics/recorder.ts';
import type { Subject } from '../objects/subject.ts';
import { formatResource } from '../objects/subject.ts';
import type { Entry } from '../review/entries.ts';
import { ENTRIES, listResources } from '../review/entries.ts';
import type { Review } from '../review/parse.ts';
import type { AfterTurn } from './after-turn.ts';

export type RecordDeps = {
  readonly recorder: Recorder;
  readonly log: Logger;
  /** In ms with fractions, from any start. */
  readonly clock: { readonly monotonic: () => number };
  /** What is recorded waits for the answers of this turn, and no caller for it. */
  readonly afterTurn: Pick<AfterTurn, 'runLast'>;
};

/** A review on its way. */
export type ReviewInHand = { readonly review: Review; readonly entry: Entry; readonly started: number };

/** As the label of a metric has them. */
const RESOURCES: ReadonlySet<string> = new Set(ENTRIES.flatMap(({ rules }) => rules.flatMap(listResources)));

export function recordJudgement(deps: RecordDeps, report: ReviewInHand, judgement: Judgement): void {
  const decided = atThisMoment(deps, report);
  deps.afterTurn.runLast(() => countJudgement(deps, decided, judgement));
}

export function recordMutations(deps: RecordDeps, report: ReviewInHand, outcome: MutationsOutcome): void {
  const decided = atThisMoment(deps, report);
  deps.afterTurn.runLast(() => countMutations(deps, decided, outcome));
}

/** A review that took so many ms until it was decided. */
type Decided = Pick<ReviewInHand, 'review' | 'entry'> & { readonly ms: number };

function atThisMoment({ clock }: RecordDeps, { review, entry, started }: ReviewInHand): Decided {
  return { review, entry, ms: Math.round((clock.monotonic() - started) * 1000) / 1000 };
}

function countJudgement(deps: RecordDeps, decided: Decided, judgement: Judgement): void {
  const { subject } = decided.review;
  for (const { check, effect } of judgement.results) {
    deps.recorder.evaluation({ check: check.id, mode: modeOf(effect), decision: effect, ...labelsOf(subject) });
  }
  for (const { check } of judgement.undecided) {
    deps.recorder.evaluation({ check: check.id, mode: 'warn', decision: 'undecided', ...labelsOf(subject) });
  }
  recordExempted(deps.recorder, subject, judgement.exempted);
  const decision = strongest([
    ...judgement.results.map(({ effect }) => effect),
    ...judgement.undecided.map(() => 'undecided' as const),
    ...judgement.exempted.map(() => 'exempt' as const),
  ]);
  if (decision !== undefined) {
    const judged = [...judgement.results, ...judgement.undecided, ...judgement.exempted];
    const exemptions = [...new Set(judgement.exempted.map(({ exemption }) => exemption.name))];
    writeDecision(deps.log, decided, {
      decision,
      rules: [...new Set(judged.map(({ check }) => check.id))],
      exemptions,
    });
  }
}

function countMutations(deps: RecordDeps, decided: Decided, outcome: MutationsOutcome): void {
  const { subject } = decided.review;
  for (const { mutation, decision } of outcome.results) {
    deps.recorder.mutation({ mutation: mutation.id, decision, ...labelsOf(subject) });
    writeDecision(deps.log, decided, { decision, rules: [mutation.id] });
  }
  for (const { id } of outcome.notes.filter(({ standsBack }) => standsBack === true)) {
    deps.recorder.mutation({ mutation: id, decision: 'stand_back', ...labelsOf(subject) });
  }
}

function strongest(decisions: readonly Decision[]): Decision | undefined {
  const order: readonly Decision[] = ['deny', 'would_deny', 'warn', 'audit', 'undecided', 'exempt'];
  return order.find((decision) => decisions.includes(decision));
}

function recordExempted(recorder: Recorder, subject: Subject, exempted: Judgement['exempted']): void {
  for (const { check, exemption, results } of exempted) {
    recorder.exemption({ exemption: exemption.name, check: check.id });
    const modes = new Set(results.map(({ effect }) => modeOf(effect)));
    for (const mode of modes) {
      recorder.evaluation({ check: check.id, mode, decision: 'exempt', ...labelsOf(subject) });
    }
  }
}

function modeOf(effect: Effect): 'enforce' | 'warn' | 'audit' {
  return effect === 'warn' || effect === 'audit' ? effect : 'enforce';
}

/**
 * The resource is one of the table of entries. A guard looks at the resource alone, so that who reaches the port could
 * make a series with each subresource that he thinks of.
 */
function labelsOf(subject: Subject): { readonly operation: string; readonly resource: string } {
  const resource = formatResource(subject.resource);
  return { operation: subject.operation, resource: RESOURCES.has(resource) ? resource : 'other' };
}

/** One line for a decision that is not a plain allow: names, never contents. */
function writeDecision(
  log: Logger,
  { review, entry, ms }: Decided,
  {
    decision,
    rules,
    exemptions = [],
  }: {
    readonly decision: Decision | MutationDecision;
    readonly rules: readonly string[];
    /** Names of those that were used. */
    readonly exemptions?: readonly string[];
  },
): void {
  const { subject } = review;
  log.info(
    {
      entry: entry.name,
      type: entry.type,
      decision,
      rules,
      exemptions,
      operation: subject.operation,
      resource: formatResource(subject.resource),
      namespace: boundName(subject.namespace),
      name: boundName(subject.name),
      user: boundName(subject.caller?.username ?? ''),
      uid: review.uid,
      ms,
    },
    'decision',
  );
}
