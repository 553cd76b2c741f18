/** Runs the mutations on one draft and makes the one patch of them. */

import type { InjectionSettings } from '../injection/asks.ts';
import type {
  Change,
  Mutation,
  MutationOutcome,
  MutationSettings,
  Note,
  Refusal,
} from '../mutations/define-mutation.ts';
import { ASKED_FOR, isChange, isNote, isRefusal } from '../mutations/define-mutation.ts';
import type { Draft, PatchOperation } from '../objects/draft.ts';
import { createDraft } from '../objects/draft.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, valueAt } from '../objects/json.ts';
import { isAtLeast } from '../objects/level.ts';
import { mayHoldAnnotations } from '../objects/metadata.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { toOneLine } from '../objects/text.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { Exemption } from '../policy/exemption.ts';
import { findExemption } from '../policy/exemption.ts';
import { AUDIT_KEYS, MOST_NOTE_CHARACTERS, MUTATED_BY_ANNOTATION } from '../policy/labels.ts';
import type { EffectiveLevels } from '../policy/level.ts';
import type { Scope } from '../policy/scope.ts';
import { isRead } from './evaluate.ts';
import { toHeededLifetimes } from './heeded-lifetimes.ts';
import { formatProblems } from './message.ts';
import { toMutationSettings } from './mutation-settings.ts';
import type { Verdict } from './verdict.ts';

/** `deny`: the mutation was asked for and cannot be made. `would_…`: it was held back, by `report` or by `dryRun`. */
export type MutationDecision = 'mutate' | 'would_mutate' | 'deny' | 'would_deny';

export type MutationResult = {
  readonly mutation: Mutation;
  readonly decision: MutationDecision;
  readonly changes: readonly Change[];
  readonly refusals: readonly Refusal[];
};

export type MutationsOutcome = {
  readonly results: readonly MutationResult[];
  readonly notes: readonly (Note & { readonly id: string })[];
  /** Empty if the request is denied. */
  readonly patch: readonly PatchOperation[];
  /** The object with the patch applied. */
  readonly object: JsonObject;
};

export type MutateOptions = {
  readonly mutations: readonly Mutation[];
  readonly configuration: Configuration;
  readonly scope: Scope;
  readonly levels: EffectiveLevels;
  readonly context: Omit<RuleContext, 'level'>;
};

/**
 * Applies every mutation that reads `subject` and whose level is in force; what may only be reported is not applied. If
 * one that was asked for cannot be made, nothing is applied and only the refusals are told.
 */
export function mutate(subject: Subject, options: MutateOptions): MutationsOutcome {
  const { configuration, levels } = options;
  const injectionFor = foreseeSettings(subject, options);
  const applied = createDraft(subject.object);
  /** The object with reported changes too; thrown away. It starts from the subject, which no draft changes. */
  let reported: Draft | undefined;
  const earlier: Ready[] = [];
  const results: MutationResult[] = [];
  const notes: (Note & { readonly id: string })[] = [];
  const context: RuleContext = { ...options.context, level: levels.mutate === 'off' ? 'baseline' : levels.mutate };
  for (const mutation of options.mutations) {
    const force = forceOf(mutation, subject, options);
    if (force === 'off') continue;
    const isApplied = force === 'apply';
    const settings = toMutationSettings(mutation, {
      context,
      options: configuration.mutations.get(mutation.id)?.options,
      checkOptions: configuration.checks.get(mutation.mends ?? '')?.options,
      injection: injectionFor(force),
    });
    const ready: Ready = { mutation, settings };
    const exemption = exemptionFrom(mutation, subject, options);
    if (exemption !== undefined) {
      if (run(ready, subject, createDraft(applied.current())).some(isChange))
        notes.push(toExemptNote(mutation, exemption));
      continue;
    }
    // A reported mutation sees what all before it would have made, so that it reports what would be applied.
    if (!isApplied && reported === undefined) {
      reported = createDraft(subject.object);
      for (const again of earlier) run(again, subject, reported);
    }
    earlier.push(ready);
    const wouldBe = reported === undefined ? [] : run(ready, subject, reported);
    const outcomes = isApplied ? run(ready, subject, applied) : wouldBe;
    // Most mutations have nothing to do with most objects.
    if (outcomes.length === 0) continue;
    const result = toResult(mutation, outcomes, { isApplied, mayDeny: isApplied && !options.scope.isDryRun });
    if (result !== undefined) results.push(result);
    notes.push(...outcomes.filter(isNote).map((note) => ({ ...note, id: mutation.id })));
  }

  const denials = results.filter(({ decision }) => decision === 'deny');
  if (denials.length > 0) return { results: denials, notes: [], patch: [], object: subject.object };

  const ids = results.filter(({ decision }) => decision === 'mutate').map(({ mutation }) => mutation.id);
  // The API server refuses an object whose metadata or annotations are of another type, so none gets here from it. The
  // patch is what was asked for, so it is made all the same; only the note on it has no place, and the audit has both.
  if (ids.length > 0 && mayHoldAnnotations(applied.current())) {
    const path = ['metadata', 'annotations', MUTATED_BY_ANNOTATION];
    const before = asString(valueAt(subject.object, path));
    const after = noteChanges(before ?? '', ids);
    if (after !== before) applied.set(path, after);
  }
  return { results, notes, patch: applied.operations(), object: applied.current() };
}

/** A mutation with all that it goes by. */
type Ready = { readonly mutation: Mutation; readonly settings: MutationSettings<unknown> };

function run({ mutation, settings }: Ready, subject: Subject, draft: Draft): readonly MutationOutcome[] {
  return mutation.mutate({ ...subject, object: draft.current() }, draft, settings);
}

/** The ids of all that has changed the object, each once; `before` may be anybody's, and `ids` are not the same twice. */
function noteChanges(before: string, ids: readonly string[]): string {
  if (before === '') return ids.join(',');
  const earlier = Array.from(before).length > MOST_NOTE_CHARACTERS ? [] : before.split(',').filter((id) => id !== '');
  return [...new Set([...earlier, ...ids])].join(',');
}

/** How tokens are injected into this subject, for a mutation that is made or only reported. */
function foreseeSettings(subject: Subject, options: MutateOptions): (force: Force) => InjectionSettings | undefined {
  const injecting = options.mutations.find(({ injects }) => injects !== undefined);
  const force = injecting === undefined ? 'off' : forceOf(injecting, subject, options);
  if (injecting === undefined || force === 'off') return () => undefined;
  const settings = injecting.injects?.(
    options.configuration.mutations.get(injecting.id)?.options ?? injecting.defaults,
    toHeededLifetimes(subject, options),
  );
  return (ofOther) => (ofOther === 'apply' && force === 'report' ? undefined : settings);
}

/** The exemption from the check that `mutation` mends: who may hold a token is not to lose it. */
function exemptionFrom({ mends }: Mutation, subject: Subject, options: MutateOptions): Exemption | undefined {
  const { now } = options.context;
  return mends === undefined
    ? undefined
    : findExemption(options.configuration.exemptions, subject, { check: mends, now });
}

function toExemptNote({ id, mends }: Mutation, { name }: Exemption): Note & { readonly id: string } {
  return { id, note: `nothing is changed: exemption ${name} is from ${mends}` };
}

type Force = 'off' | 'report' | 'apply';

/** Whether a mutation runs on this subject, and whether what it makes is applied or only reported. */
function forceOf(mutation: Mutation, subject: Subject, options: MutateOptions): Force {
  const { configuration, scope, levels } = options;
  const ceiling = configuration.mutations.get(mutation.id)?.mode ?? 'apply';
  if (scope.ceiling === 'off' || ceiling === 'off' || !isRead(mutation.reads, subject)) return 'off';
  if (mutation.level === ASKED_FOR) return scope.mayInject && ceiling === 'apply' ? 'apply' : 'report';
  if (!isAtLeast(levels.mutate, mutation.level)) return 'off';
  const wanted = levels.mutateByLabel ? 'apply' : configuration.mutateMode;
  return scope.mayMutate && ceiling === 'apply' && wanted === 'apply' ? 'apply' : 'report';
}

function toResult(
  mutation: Mutation,
  outcomes: readonly MutationOutcome[],
  { isApplied, mayDeny }: { readonly isApplied: boolean; readonly mayDeny: boolean },
): MutationResult | undefined {
  const refusals = outcomes.filter(isRefusal);
  if (refusals.length > 0) return { mutation, decision: mayDeny ? 'deny' : 'would_deny', changes: [], refusals };
  const changes = outcomes.filter(isChange);
  if (changes.length === 0) return undefined;
  return { mutation, decision: isApplied ? 'mutate' : 'would_mutate', changes, refusals };
}

/** What the API server is told about mutations: the denial or the patch, warnings, and what was or would be changed. */
export function toMutationVerdict(subject: Subject, outcome: MutationsOutcome, levelNotes: readonly string[]): Verdict {
  const auditAnnotations = new Map<string, string>();
  for (const { mutation, decision, changes, refusals } of outcome.results) {
    const key = DECISION_KEYS[decision];
    let text = auditAnnotations.get(key) ?? '';
    // One of the two is empty.
    for (const { path, detail } of refusals.length > 0 ? refusals : changes) {
      text += `${text === '' ? '' : '; '}${mutation.id} at ${path}: ${detail}`;
    }
    auditAnnotations.set(key, text);
  }
  const notes = [...levelNotes, ...outcome.notes.map(({ id, note }) => toOneLine(`${id}: ${note}`))];
  if (notes.length > 0) auditAnnotations.set(AUDIT_KEYS.note, notes.join('; '));

  const denials = outcome.results.filter(({ decision }) => decision === 'deny');
  const problems = denials.flatMap(({ mutation, refusals }) =>
    refusals.map(({ path, detail, fix }) => ({ id: mutation.id, path, detail, fix, containers: [] })),
  );
  return {
    denial: problems.length === 0 ? undefined : formatProblems(subject, problems),
    problems,
    warnings: listWarnings(outcome),
    auditAnnotations,
    patch: outcome.patch,
  };
}

const DECISION_KEYS: Readonly<Record<MutationDecision, string>> = {
  mutate: AUDIT_KEYS.mutate,
  would_mutate: AUDIT_KEYS.wouldMutate,
  deny: AUDIT_KEYS.deny,
  would_deny: AUDIT_KEYS.wouldDeny,
};

/** One line each, no two alike: what is doubtful about what was done, and what would have been denied. */
function listWarnings({ results, notes }: MutationsOutcome): readonly string[] {
  const warnings = new Set<string>();
  const warn = (who: string, what: string): void => void warnings.add(toOneLine(`curfew ${who}: ${what}`));
  for (const { mutation, decision, changes, refusals } of results) {
    if (decision === 'would_deny') for (const { detail } of refusals) warn(`${mutation.id} (would deny)`, detail);
    if (decision !== 'mutate') continue;
    for (const { warnings = [] } of changes) for (const warning of warnings) warn(mutation.id, warning);
  }
  for (const { id, note, isWarning } of notes) if (isWarning === true) warn(id, note);
  return [...warnings];
}
