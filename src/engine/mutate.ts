/** Runs the mutations on one draft and makes the one patch of them. */

import type { Change, Mutation } from '../mutations/define-mutation.ts';
import type { Draft, PatchOperation } from '../objects/draft.ts';
import { createDraft } from '../objects/draft.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, valueAt } from '../objects/json.ts';
import { isAtLeast } from '../objects/level.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { toOneLine } from '../objects/text.ts';
import type { Configuration } from '../policy/configuration.ts';
import { AUDIT_KEYS, MUTATED_BY_ANNOTATION } from '../policy/labels.ts';
import type { EffectiveLevels } from '../policy/level.ts';
import type { Scope } from '../policy/scope.ts';
import { isRead } from './evaluate.ts';
import type { Verdict } from './verdict.ts';

export type MutationResult = {
  readonly mutation: Mutation;
  readonly decision: 'mutate' | 'would_mutate';
  readonly changes: readonly Change[];
};

export type MutationOutcome = {
  readonly results: readonly MutationResult[];
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

/** Applies every mutation that reads `subject` and whose level is in force; what may only be reported is not applied. */
export function mutate(subject: Subject, options: MutateOptions): MutationOutcome {
  const { configuration, scope, levels } = options;
  const applied = createDraft(subject.object);
  /** The object with reported changes too; thrown away. It starts from the subject, which no draft changes. */
  let reported: Draft | undefined;
  const earlier: ((draft: Draft) => readonly Change[])[] = [];
  const results: MutationResult[] = [];
  for (const mutation of options.mutations) {
    const settings = configuration.mutations.get(mutation.id);
    const ceiling = settings?.mode ?? 'apply';
    if (scope.ceiling === 'off' || ceiling === 'off' || !isAtLeast(levels.mutate, mutation.level)) continue;
    if (!isRead(mutation.reads, subject)) continue;

    const wanted = levels.mutateByLabel ? 'apply' : configuration.mutateMode;
    const isApplied = scope.mayMutate && ceiling === 'apply' && wanted === 'apply';
    const context = { ...options.context, level: levels.mutate };
    const run = (draft: Draft): readonly Change[] =>
      mutation.mutate({ ...subject, object: draft.current() }, draft, {
        options: settings?.options ?? mutation.defaults,
        context,
      });
    // A reported mutation sees what all before it would have made, so that it reports what would be applied.
    if (!isApplied && reported === undefined) {
      reported = createDraft(subject.object);
      for (const again of earlier) again(reported);
    }
    earlier.push(run);
    const wouldBe = reported === undefined ? [] : run(reported);
    const changes = isApplied ? run(applied) : wouldBe;
    if (changes.length > 0) results.push({ mutation, decision: isApplied ? 'mutate' : 'would_mutate', changes });
  }

  const ids = results.filter(({ decision }) => decision === 'mutate').map(({ mutation }) => mutation.id);
  // The API server refuses an object whose metadata or annotations are of another type, so none gets here from it. The
  // patch is what was asked for, so it is made all the same; only the note on it has no place, and the audit has both.
  if (ids.length > 0 && mayHoldAnnotations(applied.current())) {
    const path = ['metadata', 'annotations', MUTATED_BY_ANNOTATION];
    const known = asString(valueAt(subject.object, path))?.split(',') ?? [];
    applied.set(path, [...new Set([...known, ...ids])].join(','));
  }
  return { results, patch: applied.operations(), object: applied.current() };
}

/** True where metadata and annotations are objects, or not set and can be made. */
function mayHoldAnnotations(object: JsonObject): boolean {
  return [['metadata'], ['metadata', 'annotations']].every((path) => {
    const value = valueAt(object, path) ?? null;
    return value === null || isObject(value);
  });
}

/** What the API server is told about a mutation: the patch, and audit annotations of what was or would be changed. */
export function toMutationVerdict(outcome: MutationOutcome, notes: readonly string[]): Verdict {
  const auditAnnotations = new Map<string, string>();
  const describe = (decision: MutationResult['decision']): string =>
    outcome.results
      .filter((result) => result.decision === decision)
      .flatMap(({ mutation, changes }) =>
        changes.map(({ path, detail }) => toOneLine(`${mutation.id} at ${path}: ${detail}`)),
      )
      .join('; ');
  const done = describe('mutate');
  const reported = describe('would_mutate');
  if (done !== '') auditAnnotations.set(AUDIT_KEYS.mutate, done);
  if (reported !== '') auditAnnotations.set(AUDIT_KEYS.wouldMutate, reported);
  if (notes.length > 0) auditAnnotations.set(AUDIT_KEYS.note, notes.join('; '));
  return { denial: undefined, warnings: [], auditAnnotations, patch: outcome.patch };
}
