/**
 * The way of one review from its body to the answer. Everything that waits is here, and it waits once: what the rules
 * need is looked up together; the rest is pure.
 */

import type { Check } from '../checks/define-check.ts';
import { CHECKS } from '../checks/registry.ts';
import type { Judgement } from '../engine/evaluate.ts';
import { indexByRequest, judge, NO_JUDGEMENT } from '../engine/evaluate.ts';
import { mutate, toMutationVerdict } from '../engine/mutate.ts';
import { listRefusals } from '../engine/refusal.ts';
import type { Verdict } from '../engine/verdict.ts';
import { toVerdict } from '../engine/verdict.ts';
import { Fault } from '../errors.ts';
import type { ClusterReader, Eventual, PodLister } from '../kube/api.ts';
import type { Mutation } from '../mutations/define-mutation.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { ClusterFacts, RuleContext } from '../objects/rule-context.ts';
import type { Configuration } from '../policy/configuration.ts';
import { effectiveLevels } from '../policy/level.ts';
import type { Scope } from '../policy/scope.ts';
import { scopeOf } from '../policy/scope.ts';
import type { Entry } from '../review/entries.ts';
import type { Review } from '../review/parse.ts';
import { respond, respondAllowed } from '../review/respond.ts';
import type { Changes } from './changes.ts';
import type { LookedUp, LookUps } from './look-up.ts';
import { lookUp } from './look-up.ts';
import type { RecordDeps, ReviewInHand } from './record-review.ts';
import { recordJudgement, recordMutations } from './record-review.ts';
import type { RefusalEvents } from './refusal-events.ts';
import { lookUpsOf } from './rule-needs.ts';

/** What is in force at this moment. */
export type Policy = {
  readonly configuration: Configuration;
  readonly cluster: ClusterFacts;
  /** The namespace Curfew runs in; empty outside a cluster. */
  readonly ownNamespace: string;
  /** What its objects in the cluster are called, such as the ClusterRoles that the chart brings. */
  readonly release: string;
};

export type ReviewDeps = RecordDeps & {
  readonly policy: () => Policy;
  readonly reader: ClusterReader;
  readonly listPods: PodLister;
  readonly clock: ReviewClock;
  /** Absent where there is no cluster to write them in. */
  readonly events?: RefusalEvents | undefined;
  /** Absent where nobody goes by what was before a change. */
  readonly changes?: Changes | undefined;
};

export type ReviewClock = {
  /** Wall clock, in ms since the epoch: for dates. */
  readonly now: () => number;
  /** In ms with fractions, from any start: for durations and deadlines, since the wall clock may jump. */
  readonly monotonic: () => number;
};

/** A request that is there whole. Times are in ms, moments those of the monotonic clock. */
export type Received = {
  readonly body: unknown;
  /** When Curfew came to it. */
  readonly started: number;
  /** When the answer is worth nothing any more. */
  readonly until: number;
  /** From its arrival until then. */
  readonly timeoutMs: number;
};

export type JudgedReview = {
  /** JSON. */
  readonly answer: string;
  readonly isAllowed: boolean;
};

const checksFor = indexByRequest(CHECKS);
const mutationsFor = indexByRequest(MUTATIONS);

/**
 * Judges one review that came in through `entry`; at once where nothing has to be looked up elsewhere than in memory.
 *
 * @param received - when it was there
 * @throws Fault for everything that is not a verdict
 */
export function judgeReview(
  deps: ReviewDeps,
  { entry, review }: { readonly entry: Entry; readonly review: Review },
  received: Received,
): Eventual<JudgedReview> {
  const { subject } = review;
  const policy = deps.policy();
  const scope = scopeOf(policy.configuration, subject, policy.ownNamespace);
  const isMutating = entry.type === 'mutating';
  const mutations = isMutating ? mutationsFor(subject) : [];
  const checks = isMutating ? [] : checksFor(subject);
  const rules = isMutating ? mutations : checks;
  if (scope.ceiling === 'off' || rules.length === 0) return allowPlainly(review);

  const prepared = { received, report: { review, entry, started: received.started }, policy, scope, mutations, checks };
  return lookUpAndDecide(deps, prepared, lookUpsOf(rules, policy.configuration, scope));
}

function lookUpAndDecide(deps: ReviewDeps, prepared: Prepared, lookUps: LookUps): Eventual<JudgedReview> {
  const { received, report } = prepared;
  const known = lookUp(deps.reader, report.review.subject, lookUps);
  if (!(known instanceof Promise)) return decide(deps, prepared, { known, lookUps });
  const wait = within(received.until - deps.clock.monotonic(), known, () => toFault(received));
  return wait.then((answered) => decide(deps, prepared, { known: answered, lookUps }));
}

/** What a review is judged with, but for what is looked up. */
type Prepared = {
  readonly received: Received;
  readonly report: ReviewInHand;
  readonly policy: Policy;
  readonly scope: Scope;
  readonly mutations: readonly Mutation[];
  readonly checks: readonly Check[];
};

/** What was looked up, and how. */
type Known = { readonly known: LookedUp; readonly lookUps: LookUps };

/** What a pod asks for by itself may be completed by what its account says since a moment ago: it is not refused before that was asked. */
const ONCE_MORE: LookUps = { namespace: 'now', accounts: 'now' };

function decide(deps: ReviewDeps, prepared: Prepared, { known, lookUps }: Known): Eventual<JudgedReview> {
  const { received, report, policy, scope, mutations, checks } = prepared;
  // A timer that is due comes late too where the event loop is behind.
  if (deps.clock.monotonic() >= received.until) throw toFault(received);
  const ruling: Ruling = { report, policy, scope, known };
  if (report.entry.type !== 'mutating') return answerChecks(deps, ruling, checks);
  const options = toOptions(deps, ruling);
  const outcome = mutate(report.review.subject, { ...options, mutations });
  if (lookUps.accounts === 'onMiss' && isDenied(outcome) && mayBeOld(known)) {
    return lookUpAndDecide(deps, prepared, ONCE_MORE);
  }
  return answerMutations(deps, report, { outcome, notes: options.levels.notes });
}

/** Where the API server was asked and did not answer, asking again takes time that is not there. */
function mayBeOld({ namespace, accounts }: LookedUp): boolean {
  return [namespace, ...accounts.map(({ lookup }) => lookup)].every(
    (lookup) => lookup.state === 'found' && lookup.stale === undefined,
  );
}

function isDenied({ results }: Mutated): boolean {
  return results.some(({ decision }) => decision === 'deny');
}

/** The whole time is named and not what was left of it: it is what an operator can look up, and change. */
function toFault({ timeoutMs }: Received): Fault {
  return new Fault('CURFEW_E_DEADLINE', String(timeoutMs));
}

type Mutated = ReturnType<typeof mutate>;

type Ruling = Pick<Prepared, 'report' | 'policy' | 'scope'> & { readonly known: LookedUp };

const NOT_LOOKED_UP = { state: 'unknown', why: 'it was not looked up' } as const;

function toOptions(deps: ReviewDeps, { report, policy, scope, known }: Ruling) {
  const { configuration, cluster } = policy;
  const { namespace, accounts } = known;
  const { subject } = report.review;
  const context: Omit<RuleContext, 'level'> = {
    now: deps.clock.now(),
    cluster,
    namespace,
    serviceAccount: (name) => accounts.find((account) => account.name === name)?.lookup ?? NOT_LOOKED_UP,
    tokenSecret: (name) => deps.reader.tokenSecret(subject.namespace, name),
    mutatingWebhooks: deps.reader.mutatingWebhooks(),
    acceptApiAccessFrom: configuration.apiAccess.acceptFrom,
  };
  return { configuration, scope, levels: effectiveLevels(configuration, subject.namespace, namespace), context };
}

function answerMutations(
  deps: ReviewDeps,
  report: ReviewInHand,
  { outcome, notes: ofLevels }: { readonly outcome: Mutated; readonly notes: readonly string[] },
): JudgedReview {
  const { review } = report;
  const { results, notes, patch } = outcome;
  if (results.length + notes.length + patch.length + ofLevels.length === 0) return allowPlainly(review);
  recordMutations(deps, report, outcome);
  const verdict = toMutationVerdict(review.subject, outcome, ofLevels);
  tellOwner(deps, review, verdict);
  return toAnswer(review, verdict);
}

function answerChecks(deps: ReviewDeps, ruling: Ruling, checks: readonly Check[]): JudgedReview {
  const { report } = ruling;
  const { subject } = report.review;
  const options = toOptions(deps, ruling);
  return answerJudgement(deps, report, {
    judgement: judge(subject, { ...options, checks }),
    notes: options.levels.notes,
  });
}

/** The answer that a judgement makes, counted and logged. */
export function answerJudgement(
  deps: RecordDeps & Pick<ReviewDeps, 'policy' | 'events'>,
  report: ReviewInHand,
  {
    judgement,
    notes,
    warnings = [],
  }: { readonly judgement: Judgement; readonly notes: readonly string[]; readonly warnings?: readonly string[] },
): JudgedReview {
  const { review } = report;
  const { subject } = review;
  if (judgement === NO_JUDGEMENT && notes.length + warnings.length === 0) return allowPlainly(review);
  const judged = toVerdict(subject, judgement, notes);
  const verdict = { ...judged, warnings: [...judged.warnings, ...warnings] };
  recordJudgement(deps, report, judgement);
  tellOwner(deps, review, verdict);
  return toAnswer(review, verdict);
}

/** Of what nothing is to be said about, which is nearly everything. */
function allowPlainly({ uid }: Review): JudgedReview {
  return { answer: respondAllowed(uid), isAllowed: true };
}

function toAnswer({ uid }: Review, verdict: Verdict): JudgedReview {
  return { answer: respond(uid, verdict), isAllowed: verdict.denial === undefined };
}

/** Has the owner of a refused pod told, if the configuration wants that; nothing is waited for. */
function tellOwner(
  { policy, events }: Pick<ReviewDeps, 'policy' | 'events'>,
  { subject, isDryRun }: Review,
  { problems }: Verdict,
): void {
  if (isDryRun || events === undefined || !policy().configuration.events.enabled) return;
  events.refused(listRefusals(subject, problems));
}

/** What `work` resolves to, or `toFault()` if that takes longer than `ms`: nobody is listening by then. */
async function within<T>(ms: number, work: Promise<T>, toFault: () => Fault): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(toFault()), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
