/** What a mutation is: one module, one default export. Mutations of one object share a draft and make one patch. */

import type { Static, TObject } from 'typebox';
import type { Draft } from '../objects/draft.ts';
import type { ExampleContext } from '../objects/example-context.ts';
import type { JsonObject } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import type { Need, Reads, RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';

/** One thing that was changed, for the audit annotation and the log. */
export type Change = {
  /** JSON pointer into the object. */
  readonly path: string;
  /** One line: before and after. */
  readonly detail: string;
};

export type MutationExample = {
  readonly title: string;
  /** As an author would write it: the API server's defaults and its token volume are filled in. */
  readonly subject: { readonly object: JsonObject };
  /** Options other than the mutation's defaults. */
  readonly options?: JsonObject;
  readonly context?: ExampleContext;
  /** What stands at which JSON pointer in the result, null for nothing; `unchanged` if nothing may be patched. */
  readonly expect: 'unchanged' | Readonly<Record<string, string | number | boolean | null>>;
};

export type MutationDefinition<Options extends TObject> = {
  /** The file's name. Final: never renamed, never reused. */
  readonly id: string;
  readonly since: string;
  /** The mutate level at which it starts. */
  readonly level: ActiveLevel;
  /** JSON schema of the options under `mutations.<id>` of the configuration, beside `mode`. */
  readonly options: Options;
  readonly defaults: Static<Options>;
  readonly reads: readonly Reads[];
  readonly needs: readonly Need[];
  readonly title: string;
  readonly why: string;
  /**
   * Changes the draft and says what it changed; nothing to change gives an empty list. Applied to its own result it
   * must change nothing. Synchronous and deterministic, as a check is.
   */
  readonly mutate: (
    subject: Subject,
    draft: Draft,
    settings: { readonly options: Static<Options>; readonly context: RuleContext },
  ) => readonly Change[];
  readonly examples: readonly MutationExample[];
};

/** A mutation whose type of options is no longer visible; options were validated with its own schema. */
export type Mutation = Omit<MutationDefinition<TObject>, 'mutate' | 'defaults'> & {
  readonly defaults: JsonObject;
  readonly mutate: (
    subject: Subject,
    draft: Draft,
    settings: { readonly options: unknown; readonly context: RuleContext },
  ) => readonly Change[];
};

/** Gives a definition its types; the one place where they are forgotten again. */
export function defineMutation<Options extends TObject>(definition: MutationDefinition<Options>): Mutation {
  return definition as unknown as Mutation;
}
