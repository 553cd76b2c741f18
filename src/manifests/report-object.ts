/** What was said of one object, as reports have it: of a manifest with its place in a file, of a live object without. */

import type { Finding } from '../checks/define-check.ts';
import type { Effect, Result } from '../engine/evaluate.ts';
import { asString, member } from '../objects/json.ts';
import type { ActiveLevel } from '../objects/level.ts';
import type { Subject } from '../objects/subject.ts';
import { toOneLine } from '../objects/text.ts';
import type { PlacelessFinding, PlacelessUndecided, ReportedFinding, ReportedObject } from './check-report.ts';
import type { JudgedManifest } from './judge-manifest.ts';

const MODES: Readonly<Record<Effect, ReportedFinding['mode']>> = {
  deny: 'enforce',
  would_deny: 'enforce',
  warn: 'warn',
  audit: 'audit',
};

/** True if there is nothing to say about it. */
export function isSilent({ judgement, verdict }: JudgedManifest): boolean {
  return judgement.results.length + judgement.undecided.length + verdict.warnings.length === 0;
}

/**
 * Each finding once, in the strongest mode that has it.
 *
 * @param toPlace - where a JSON pointer leads
 */
export function reportFindings<Place>(
  judged: JudgedManifest,
  toPlace: (pointer: string) => Place,
): readonly (PlacelessFinding & Place)[] {
  const order: readonly Effect[] = ['deny', 'would_deny', 'warn', 'audit'];
  const seen = new Set<string>();
  return order.flatMap((effect) =>
    judged.judgement.results
      .filter((result) => result.effect === effect)
      .flatMap((result) => result.findings.map((finding) => ({ result, finding })))
      .filter(({ result, finding }) => {
        const id = JSON.stringify([result.check.id, finding.key]);
        return !seen.has(id) && seen.add(id);
      })
      .map(({ result, finding }) => toReported(judged, toPlace(finding.path), { result, finding })),
  );
}

function toReported<Place>(
  { subject, levels }: JudgedManifest,
  place: Place,
  { result, finding }: { readonly result: Result; readonly finding: Finding },
): PlacelessFinding & Place {
  const { check, effect } = result;
  const mode = MODES[effect];
  return {
    check: check.id,
    level: toActive(levels[mode]),
    mode,
    denied: effect === 'deny',
    ...place,
    object: reportObject(subject),
    path: toOneLine(finding.path),
    ...(finding.container === undefined ? {} : { container: toOneLine(finding.container) }),
    reason: finding.reason,
    detail: toOneLine(finding.detail),
    fix: toOneLine(finding.fix ?? check.fix(subject)),
  };
}

/** What is asked for by annotation is made and refused at every level; the lowest one stands for that. */
function toActive(level: 'off' | ActiveLevel): ActiveLevel {
  return level === 'off' ? 'baseline' : level;
}

export function reportUndecided<Place>(
  judged: JudgedManifest,
  toPlace: (pointer: string) => Place,
): readonly (PlacelessUndecided & Place)[] {
  return judged.judgement.undecided.map(({ check, outcome }) => ({
    check: check.id,
    ...toPlace(''),
    object: reportObject(judged.subject),
    couldDeny: judged.mayDeny.has(check.id),
    detail: toOneLine(outcome.detail),
  }));
}

/** `Deployment shop/web`, as `formatSubject` says it of a subject. */
export function nameReported({ kind, namespace, name }: ReportedObject): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

export function reportObject({ object, kind, namespace, name }: Subject): ReportedObject {
  return {
    apiVersion: asString(member(object, 'apiVersion')) ?? '',
    kind,
    namespace: toOneLine(namespace),
    name: toOneLine(name),
  };
}
