/** What a mutation is: one module, one default export. Mutations of one object share a draft and make one patch. */

import type { Static, TObject } from 'typebox';
import type { InjectionSettings } from '../injection/asks.ts';
import type { Draft } from '../objects/draft.ts';
import type { ExampleContext } from '../objects/example-context.ts';
import type { JsonObject } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import type { Need, Reads, RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import type { HeededLifetimes } from '../objects/token-limits.ts';

/** One thing that was changed, for the audit annotation and the log. */
export type Change = {
  /** JSON pointer into the object. */
  readonly path: string;
  /** One line: before and after. */
  readonly detail: string;
  /** What the author should know about it: kubectl prints them. Sentences without a full stop. */
  readonly warnings?: readonly string[];
};

/** What was asked for cannot be done: the request is denied, as by a check. Then nothing of the mutation is applied. */
export type Refusal = {
  readonly refused: true;
  /** JSON pointer into the object. */
  readonly path: string;
  /** One sentence: the place, the value seen, what is allowed. */
  readonly detail: string;
  readonly fix: string;
};

/** Something that was not done, for the audit annotation. */
export type Note = {
  readonly note: string;
  /** Also printed by kubectl. */
  readonly isWarning?: boolean;
  /** Counted as `stand_back`: the object is left to a foreign webhook that does the same. */
  readonly standsBack?: boolean;
};

export type MutationOutcome = Change | Refusal | Note;

export function isRefusal(outcome: MutationOutcome): outcome is Refusal {
  return 'refused' in outcome;
}

export function isNote(outcome: MutationOutcome): outcome is Note {
  return 'note' in outcome;
}

export function isChange(outcome: MutationOutcome): outcome is Change {
  return !isRefusal(outcome) && !isNote(outcome);
}

/** `asked for`: an author asked for this very change, so it is made whatever the levels and `mutateMode` say. */
export const ASKED_FOR = 'asked for';

export type MutationExample = {
  readonly title: string;
  /** As an author would write it: the API server's defaults and its token volume are filled in. */
  readonly subject: { readonly object: JsonObject };
  /** Options other than the mutation's defaults. */
  readonly options?: JsonObject;
  /** Options of the check that it mends, other than that check's defaults. */
  readonly checkOptions?: JsonObject;
  readonly context?: ExampleContext;
  /**
   * What stands at which JSON pointer in the result, null for nothing; `unchanged` if nothing may be patched; `refused`
   * if the request is denied.
   */
  readonly expect: 'unchanged' | 'refused' | Readonly<Record<string, string | number | boolean | null>>;
};

/** All that a mutation may know beside its subject. */
export type MutationSettings<Options, Mended = unknown> = {
  readonly options: Options;
  readonly context: RuleContext;
  /**
   * What the check that it mends goes by: its options, and its limits at the level of the context. A mutation that asks
   * here cannot make what that check refuses. Undefined if it mends none.
   */
  readonly mended: Mended;
  /**
   * How tokens are injected into the object, by this mutation or once it has run; undefined where none will be, for a change that
   * is made must not count on one that is only reported.
   */
  readonly injection: InjectionSettings | undefined;
};

export type MutationDefinition<Options extends TObject, Mended = unknown> = {
  /** The file's name. Final: never renamed, never reused. */
  readonly id: string;
  readonly since: string;
  /** The mutate level at which it starts. */
  readonly level: ActiveLevel | typeof ASKED_FOR;
  /** JSON schema of the options under `mutations.<id>` of the configuration, beside `mode`. */
  readonly options: Options;
  readonly defaults: Static<Options>;
  readonly reads: readonly Reads[];
  readonly needs: readonly Need[];
  readonly title: string;
  readonly why: string;
  /**
   * The check whose finding it mends, if there is one: an exemption from that check keeps the mutation away too, or a pod
   * that is allowed its token would lose it all the same.
   */
  readonly mends?: string;
  /**
   * Changes the draft and says what it changed; nothing to change gives an empty list. Applied to its own result it
   * must change nothing. Synchronous and deterministic, as a check is.
   */
  readonly mutate: (
    subject: Subject,
    draft: Draft,
    settings: MutationSettings<Static<Options>, Mended>,
  ) => readonly MutationOutcome[];
  /**
   * How it injects tokens, if that is what it does; `lifetimes` are what the check `token-lifetime` goes by there, which
   * must not refuse what was injected. That is not to mend it: an exemption from the check does not keep a token away.
   */
  readonly injects?: (options: Static<Options>, lifetimes?: HeededLifetimes) => InjectionSettings;
  /** What is wrong with options that the schema lets through; paths below those of the mutation. */
  readonly listOptionProblems?: (options: Static<Options>) => readonly OptionProblem[];
  /** Keys of service accounts and namespaces that these options make it read, beyond SCHEME_KEYS: the index keeps them. */
  readonly listSchemeKeys?: (options: Static<Options>) => readonly string[];
  readonly examples: readonly MutationExample[];
};

export type OptionProblem = { readonly path: string; readonly problem: string };

/** A mutation whose type of options is no longer visible; options were validated with its own schema. */
export type Mutation = Omit<
  MutationDefinition<TObject>,
  'mutate' | 'defaults' | 'injects' | 'listOptionProblems' | 'listSchemeKeys'
> & {
  readonly defaults: JsonObject;
  readonly mutate: (subject: Subject, draft: Draft, settings: MutationSettings<unknown>) => readonly MutationOutcome[];
  readonly injects?: (options: unknown, lifetimes?: HeededLifetimes) => InjectionSettings;
  readonly listOptionProblems?: (options: unknown) => readonly OptionProblem[];
  readonly listSchemeKeys?: (options: unknown) => readonly string[];
};

/** Gives a definition its types; the one place where they are forgotten again. */
export function defineMutation<Options extends TObject, Mended = unknown>(
  definition: MutationDefinition<Options, Mended>,
): Mutation {
  return definition as unknown as Mutation;
}
