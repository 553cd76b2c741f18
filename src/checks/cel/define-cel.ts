/**
 * What a check is in CEL, the language of Kubernetes' own admission policies: the same findings, made by the API server
 * itself. `src/native` puts levels, modes and exemptions around it. What keeps both forms of a check together are tests
 * that ask both about the same objects.
 */

import type { ApiAccessSource } from '../../objects/api-access.ts';
import type { JsonObject } from '../../objects/json.ts';
import type { Reads } from '../../objects/rule-context.ts';

/** All that a rendered policy goes by, known when it is rendered. */
export type CelSettings = {
  /** The check's options, as the configuration has them. */
  readonly options: JsonObject;
  readonly apiAudiences: readonly string[];
  readonly acceptApiAccessFrom: readonly ApiAccessSource[];
};

/** Where a form looks, as CEL. */
export type CelPlace = {
  /** The object: `object`, or `oldObject` for what it was before. */
  readonly object: string;
  /** Its one pod spec, and the JSON pointer to it as a CEL string; of forms for pods and templates alone. */
  readonly spec: string;
  readonly specPath: string;
  /** The name of the service account that the pod runs as, and the names of its default token volumes, a list. */
  readonly account: string;
  readonly defaultVolumes: string;
  /** The names of all volumes, a list: whole volumes take the API server long to compare. */
  readonly volumeNames: string;
  /** A string, `baseline` or `restricted`. */
  readonly level: string;
  /** A variable of the form's own: {@link CelForm.variables}. */
  readonly own: (name: string) => string;
  /** True where the stored object is judged: an update changes nothing there. */
  readonly isOld: boolean;
};

export type CelForm = {
  /** Behind the check's id in the name of the policy, where a check has several forms. */
  readonly part?: string;
  /** Which of the check's reads it is for; default: all. */
  readonly isFor?: (reads: Reads) => boolean;
  /** True if it looks at pod specs: then it is written for pods and for templates. */
  readonly isForPods?: true;
  /** Named expressions that are the same at every level, and are made only where they are used. */
  readonly variables?: (place: CelPlace, settings: CelSettings) => readonly (readonly [string, string])[];
  /**
   * A list of lists of findings; a finding is a map of strings: `key`, `path`, `why` (the check's reason), and `fix`, its
   * short fix if it has one of its own, else empty; `container`, where {@link CelForm.hasContainers}; `wide`, the
   * key of what grants at least the same, where {@link CelForm.hasWideKeys}. Lists in a
   * list, since CEL cannot join them before Kubernetes 1.34. Undefined if these settings leave nothing to find.
   */
  readonly findings: (place: CelPlace, settings: CelSettings) => string | undefined;
  /**
   * The bounds of what is judged: true for what is larger, and the place that is. The API server stops an expression
   * that costs too much, so what is larger is refused unjudged where the check denies.
   */
  readonly bounds?: (place: CelPlace) => readonly CelBound[];
  /** Every reason that a finding of it may have. */
  readonly reasons: readonly string[];
  readonly hasContainers?: true;
  readonly hasWideKeys?: true;
  /** True if two findings may have the same key, so that they are counted. */
  readonly hasRepeats?: true;
  /** What of the check this form does not see, and why: the end of a sentence. */
  readonly left?: string;
};

export type CelBound = {
  /** A CEL number. */
  readonly count: string;
  readonly most: number;
  /** `volumes` */
  readonly noun: string;
};

/** What it is that a policy cannot look at: the end of a sentence that begins with "it". */
export type NoCelForm = { readonly without: string };
