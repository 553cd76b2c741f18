/** From what the rules said to what the API server is told. */

import type { PatchOperation } from '../objects/draft.ts';
import type { Subject } from '../objects/subject.ts';
import { formatEnding } from '../policy/exemption.ts';
import { AUDIT_KEYS } from '../policy/labels.ts';
import type { Effect, Judgement, Result } from './evaluate.ts';
import type { Problem } from './message.ts';
import {
  formatAudit,
  formatExempted,
  formatNotes,
  formatProblems,
  formatUndecided,
  formatWarning,
  listProblems,
} from './message.ts';

export type Verdict = {
  /** The text of the denial; undefined if the request is allowed. */
  readonly denial: string | undefined;
  /** What the denial tells, for whoever tells it elsewhere; empty if the request is allowed. */
  readonly problems: readonly Problem[];
  /** One line each, no control characters. */
  readonly warnings: readonly string[];
  /** Keys without the webhook's name; what is sent of each text is one line of bounded length. */
  readonly auditAnnotations: ReadonlyMap<string, string>;
  readonly patch: readonly PatchOperation[];
};

const EFFECT_KEYS: readonly (readonly [Effect, string])[] = [
  ['deny', AUDIT_KEYS.deny],
  ['would_deny', AUDIT_KEYS.wouldDeny],
  ['warn', AUDIT_KEYS.warn],
  ['audit', AUDIT_KEYS.audit],
];

/** The verdict of the checks on `subject`; `notes` are sentences about levels that could not be read. */
export function toVerdict(subject: Subject, judgement: Judgement, notes: readonly string[]): Verdict {
  const of = (effect: Effect) => judgement.results.filter((result) => result.effect === effect);
  const denials = of('deny');
  const denied = new Set(denials.map(({ check }) => check.id));
  const wouldDeny = of('would_deny');
  const wouldBeDenied = new Set(wouldDeny.map(({ check }) => check.id));

  // A warning that repeats a denial tells the author nothing, and a check says at most one thing about one object.
  const warned = of('warn').filter(({ check }) => !denied.has(check.id) && !wouldBeDenied.has(check.id));
  const spoken = [...denials, ...wouldDeny, ...warned];
  const warnings = [
    ...withoutTold(wouldDeny, spoken).map((result) => formatWarning(subject, result, true)),
    ...withoutTold(warned, spoken).map((result) => formatWarning(subject, result, false)),
    ...judgement.undecided
      .filter(({ isWarned }) => isWarned)
      .map(({ check, outcome }) => formatUndecided(check, outcome)),
    ...new Set(
      judgement.exempted.filter(({ isEndingWarned }) => isEndingWarned).map(({ exemption }) => formatEnding(exemption)),
    ),
  ];

  const auditAnnotations = new Map<string, string>();
  for (const [effect, key] of EFFECT_KEYS) {
    const results = of(effect);
    if (results.length > 0) auditAnnotations.set(key, formatAudit(results));
  }
  if (judgement.undecided.length > 0) {
    auditAnnotations.set(
      AUDIT_KEYS.undecided,
      judgement.undecided.map(({ check, outcome }) => formatUndecided(check, outcome)).join('; '),
    );
  }
  if (judgement.notes.length > 0) auditAnnotations.set(AUDIT_KEYS.apiAccess, formatNotes(judgement.notes));
  if (judgement.exempted.length > 0) auditAnnotations.set(AUDIT_KEYS.exempt, formatExempted(judgement.exempted));
  if (notes.length > 0) auditAnnotations.set(AUDIT_KEYS.note, notes.join('; '));

  const problems = listProblems(subject, withoutTold(denials, denials));
  return {
    denial: problems.length === 0 ? undefined : formatProblems(subject, problems),
    problems,
    warnings,
    auditAnnotations,
    patch: [],
  };
}

/** Leaves out what another check of `spoken` tells about the same place. */
function withoutTold(results: readonly Result[], spoken: readonly Result[]): readonly Result[] {
  const isTold = ({ findings }: Result) => findings.some(({ toldBy }) => toldBy !== undefined);
  if (!results.some(isTold)) return results;
  const pathsOf = new Map<string, Set<string>>();
  for (const { check, findings } of spoken) {
    const paths = pathsOf.get(check.id) ?? new Set();
    for (const { path } of findings) paths.add(path);
    pathsOf.set(check.id, paths);
  }
  return results.flatMap((result) => {
    if (!isTold(result)) return [result];
    const findings = result.findings.filter(
      ({ path, toldBy = [] }) => !toldBy.some((id) => pathsOf.get(id)?.has(path) ?? false),
    );
    return findings.length === 0 ? [] : [{ ...result, findings }];
  });
}
