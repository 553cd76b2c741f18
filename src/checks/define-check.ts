/**
 * What a check is: one module, one default export, everything about it in one place. The examples are the unit tests,
 * the documentation, `curfew explain` and the end-to-end cases at once.
 */

import type { Static, TObject } from 'typebox';
import type { ExampleContext } from '../objects/example-context.ts';
import type { JsonObject, JsonPath } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import type { Need, Reads, RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';

/** One value that makes a finding go away, where nobody has to decide what it should be. */
export type Repair = {
  /** From the root of the object; what is above the last step is there. */
  readonly path: JsonPath;
  readonly value: boolean | number;
};

/** Something wrong with a subject. */
export type Finding = {
  /** JSON pointer into the object. */
  readonly path: string;
  /** Survives reordering: a container's name, a granted triple. Two findings of one check never share it. */
  readonly key: string;
  /** A few stable words. */
  readonly reason: string;
  /**
   * One sentence: the field, the value seen (a redacted summary of anything that may be secret), the value wanted.
   * Findings with the same sentence and the same fix are told once, with all their containers.
   */
  readonly detail: string;
  readonly container?: string;
  /** What to do about this finding, where it is not what the check's own `fix` says. */
  readonly fix?: string;
  /** The same in a few words, for one-line warnings. */
  readonly shortFix?: string;
  /** What `curfew check --fix` writes. */
  readonly repair?: Repair;
  /**
   * Ids of checks that say it all: where one of them speaks about the same path, people read that one alone. What is
   * decided, audited and counted stays the same.
   */
  readonly toldBy?: readonly string[];
  /** Catalogue version of the revision of the check that brought it, where that is later than the check itself. */
  readonly since?: string;
};

/** The rule could not know. It warns and never denies. */
export type Undecided = {
  readonly undecided: true;
  /** What could not be looked up; nothing if the object itself is more than a rule looks at. */
  readonly needs?: Need;
  /** One sentence: what could not be read and why. */
  readonly detail: string;
};

/** Nothing is wrong, because somebody wrote down why it is needed: the reason goes into the audit log. */
export type Note = {
  readonly documented: true;
  /** What it is written on, in words: `service account shop/web`. */
  readonly where: string;
  /** One line, bounded (`objects/api-access.ts`). */
  readonly reason: string;
};

export type Outcome = Finding | Undecided | Note;

/** One executed example. */
export type Example = {
  readonly title: string;
  readonly level: ActiveLevel;
  readonly subject: {
    /** As an author would write it: the API server's defaults and its token volume are filled in. */
    readonly object: JsonObject;
    readonly oldObject?: JsonObject;
    readonly operation?: 'CREATE' | 'UPDATE';
    /** Such as `ephemeralcontainers`; a TokenRequest is always one of `serviceaccounts/token`. */
    readonly subresource?: string;
    /** By default nobody in particular. */
    readonly caller?: { readonly username: string; readonly groups?: readonly string[] };
  };
  /** Options other than the check's defaults. */
  readonly options?: JsonObject;
  readonly context?: ExampleContext;
  /** Keys of the findings in any order; `allowed` for none; `undecided` if the rule must say that it cannot know. */
  readonly expect: 'allowed' | 'undecided' | readonly string[];
};

export type CheckDefinition<Options extends TObject, Limits> = {
  /** The file's name. Final: never renamed, never reused. */
  readonly id: string;
  /** Catalogue version that brought it: `0.1`. */
  readonly since: string;
  /** What is judged at each level; a check without `baseline` starts at restricted. */
  readonly levels: { readonly baseline?: Limits; readonly restricted: Limits };
  /** JSON schema of the options under `checks.<id>` of the configuration, beside `mode`. */
  readonly options: Options;
  readonly defaults: Static<Options>;
  readonly reads: readonly Reads[];
  readonly needs: readonly Need[];
  /** For tables: what it refuses, without a full stop. */
  readonly title: string;
  /** For `curfew explain`: why anyone should care. */
  readonly why: string;
  /** What to do now, in words that can be pasted into a terminal or a manifest. */
  readonly fix: (subject: Subject) => string;
  /** The same in a few words, for one-line warnings. */
  readonly shortFix: (subject: Subject) => string;
  /** Synchronous, total, deterministic: no I/O, clock, randomness, environment, logging or throwing. */
  readonly evaluate: (
    subject: Subject,
    settings: { readonly options: Static<Options>; readonly limits: Limits },
    context: RuleContext,
  ) => readonly Outcome[];
  readonly examples: readonly Example[];
};

/** A check whose types of options and limits are no longer visible; options were validated with its own schema. */
export type Check = Omit<CheckDefinition<TObject, unknown>, 'evaluate' | 'defaults'> & {
  readonly defaults: JsonObject;
  readonly evaluate: (
    subject: Subject,
    settings: { readonly options: unknown; readonly limits: unknown },
    context: RuleContext,
  ) => readonly Outcome[];
};

/** What a message needs of a rule: checks have it, and so do the guards of Curfew's own labels and annotations. */
export type RuleWords = Pick<Check, 'id' | 'fix' | 'shortFix'>;

/** The level at which a check starts. */
export function startLevel(check: Check): ActiveLevel {
  return check.levels.baseline === undefined ? 'restricted' : 'baseline';
}

export function isUndecided(outcome: Outcome): outcome is Undecided {
  return 'undecided' in outcome;
}

export function isNote(outcome: Outcome): outcome is Note {
  return 'documented' in outcome;
}

export function isFinding(outcome: Outcome): outcome is Finding {
  return !isUndecided(outcome) && !isNote(outcome);
}

/** Gives a definition its types; the one place where they are forgotten again. */
export function defineCheck<Options extends TObject, Limits>(definition: CheckDefinition<Options, Limits>): Check {
  return definition as unknown as Check;
}
