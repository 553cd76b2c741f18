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
import type { ClusterReader, PodLister } from '../kube/api.ts';
import type { Logger } from '../log/logger.ts';
import type { Recorder } from '../metrics/recorder.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import type { ClusterFacts, Need, RuleContext } from '../objects/rule-context.ts';
import type { Configuration } from '../policy/configuration.ts';
import { effectiveLevels } from '../policy/level.ts';
import type { Scope } from '../policy/scope.ts';
import { scopeOf } from '../policy/scope.ts';
import type { Entry } from '../review/entries.ts';
import type { Review } from '../review/parse.ts';
import { parseReview } from '../review/parse.ts';
import { respond } from '../review/respond.ts';
import { lookUp } from './look-up.ts';
import type { ReviewInHand } from './record-review.ts';
import { recordJudgement, recordMutations } from './record-review.ts';
import type { RefusalEvents } from './refusal-events.ts';

/** What is in force at this moment. */
export type Policy = {
  readonly configuration: Configuration;
  readonly cluster: ClusterFacts;
  /** The namespace Curfew runs in; empty outside a cluster. */
  readonly ownNamespace: string;
  /** What its objects in the cluster are called, such as the ClusterRoles that the chart brings. */
  readonly release: string;
};

export type ReviewDeps = {
  readonly policy: () => Policy;
  readonly reader: ClusterReader;
  readonly listPods: PodLister;
  readonly recorder: Recorder;
  readonly log: Logger;
  readonly clock: ReviewClock;
  /** Absent where there is no cluster to write them in. */
  readonly events?: RefusalEvents | undefined;
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

export type JudgedReview = { readonly answer: JsonObject; readonly isAllowed: boolean };

const checksFor = indexByRequest(CHECKS);
const mutationsFor = indexByRequest(MUTATIONS);

const PLAIN_ALLOW: Verdict = { denial: undefined, problems: [], warnings: [], auditAnnotations: new Map(), patch: [] };

/**
 * Judges one review that came in through `entry`.
 *
 * @param received - the body, and when it was there
 * @throws Fault for everything that is not a verdict
 */
export async function judgeReview(
  deps: ReviewDeps,
  entry: Entry,
  { body, started, until, timeoutMs }: Received,
): Promise<JudgedReview> {
  const review = parseReview(body);
  const { subject } = review;
  const policy = deps.policy();
  const scope = scopeOf(policy.configuration, subject, policy.ownNamespace);
  const rules: readonly Pick<Check, 'id' | 'needs'>[] =
    entry.type === 'mutating' ? mutationsFor(subject) : checksFor(subject);
  if (scope.ceiling === 'off' || rules.length === 0) return allowPlainly(review);

  const needs = new Set<Need>();
  for (const rule of rules) for (const need of needsOf(rule, policy, scope)) needs.add(need);
  // The whole time is named and not what was left of it: it is what an operator can look up, and change.
  const toFault = () => new Fault('CURFEW_E_DEADLINE', String(timeoutMs));
  const known = lookUp(deps.reader, subject, needs);
  const left = until - deps.clock.monotonic();
  const { namespace, accounts } = known instanceof Promise ? await within(left, known, toFault) : known;
  // A timer that is due comes late too where the event loop is behind.
  if (deps.clock.monotonic() >= until) throw toFault();

  const context: Omit<RuleContext, 'level'> = {
    now: deps.clock.now(),
    cluster: policy.cluster,
    namespace,
    serviceAccount: (name) => accounts.get(name) ?? { state: 'unknown', why: 'it was not looked up' },
    tokenSecret: (name) => deps.reader.tokenSecret(subject.namespace, name),
    mutatingWebhooks: deps.reader.mutatingWebhooks(),
    acceptApiAccessFrom: policy.configuration.apiAccess.acceptFrom,
  };
  const levels = effectiveLevels(policy.configuration, subject.namespace, namespace);
  const options = { configuration: policy.configuration, scope, levels, context };
  const report = { review, entry, started };

  if (entry.type === 'mutating') {
    const outcome = mutate(subject, { ...options, mutations: MUTATIONS });
    const { results, notes, patch } = outcome;
    if (results.length + notes.length + patch.length + levels.notes.length === 0) return allowPlainly(review);
    recordMutations(deps, report, outcome);
    const verdict = toMutationVerdict(subject, outcome, levels.notes);
    tellOwner(deps, review, verdict);
    return { answer: respond(review.uid, verdict), isAllowed: verdict.denial === undefined };
  }

  return answerJudgement(deps, report, {
    judgement: judge(subject, { ...options, checks: checksFor(subject) }),
    notes: levels.notes,
  });
}

/** The answer that a judgement makes, counted and logged. */
export function answerJudgement(
  deps: Pick<ReviewDeps, 'policy' | 'recorder' | 'log' | 'clock' | 'events'>,
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
  return { answer: respond(review.uid, verdict), isAllowed: verdict.denial === undefined };
}

/** Of what nothing is to be said about, which is nearly everything. */
function allowPlainly({ uid }: Review): JudgedReview {
  return { answer: respond(uid, PLAIN_ALLOW), isAllowed: true };
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

/** What a rule looks up; the API server is not asked anew for a mutation that changes nothing here. */
function needsOf(rule: Pick<Check, 'id' | 'needs'>, { configuration }: Policy, scope: Scope): readonly Need[] {
  const isIdle = !scope.mayInject || configuration.mutations.get(rule.id)?.mode === 'off';
  if (!isIdle) return rule.needs;
  const held = rule.needs.filter((need) => need !== 'freshNamespace');
  return held.map((need) => (need === 'freshServiceAccount' ? 'serviceAccount' : need));
}
