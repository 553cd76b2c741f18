/** Two audits of the same objects by two configurations: what one says and the other does not. */

import type { PlacelessFinding } from '../manifests/check-report.ts';
import type { AuditReport } from './audit-report.ts';

/** What becomes of a finding; `none` where there is none. */
export type Outcome = 'refused' | 'would be refused' | 'warned about' | 'audited' | 'none';

export type FindingChange = {
  readonly namespace: string;
  readonly check: string;
  /** `Deployment web`. */
  readonly object: string;
  readonly path: string;
  readonly before: Outcome;
  readonly after: Outcome;
  /** One sentence, as the configuration has it that finds it. */
  readonly detail: string;
};

type Findings = Pick<AuditReport, 'findings'>;

/** Every finding that is new, gone, or has another outcome; by namespace, check and object. */
export function compareFindings(before: Findings, after: Findings): readonly FindingChange[] {
  const [old, now] = [index(before.findings), index(after.findings)];
  const changes = [...new Set([...old.keys(), ...now.keys()])].flatMap((key): readonly FindingChange[] => {
    const [was, is] = [old.get(key), now.get(key)];
    const one = is ?? was;
    if (one === undefined || outcomeOf(was) === outcomeOf(is)) return [];
    const { object, check, path, detail } = one;
    const { namespace, kind, name } = object;
    const outcomes = { before: outcomeOf(was), after: outcomeOf(is) };
    return [{ namespace, check, object: `${kind} ${name}`, path, ...outcomes, detail }];
  });
  return sortChanges(changes);
}

/** By namespace, check and object. */
export function sortChanges(changes: readonly FindingChange[]): readonly FindingChange[] {
  return changes.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ namespace, check, object, path }: FindingChange): string {
  return JSON.stringify([namespace, check, object, path]);
}

/** The sentence of a finding is no part of what it is: a limit that changes stands in it. */
function index(findings: readonly PlacelessFinding[]): ReadonlyMap<string, PlacelessFinding> {
  return new Map(
    findings
      .map((finding) => [identityOf(finding), finding] as const)
      // The strongest of two that are alike is told.
      .toSorted(([, a], [, b]) => STRENGTH.indexOf(outcomeOf(a)) - STRENGTH.indexOf(outcomeOf(b))),
  );
}

function identityOf({ check, object, path, container, reason }: PlacelessFinding): string {
  return JSON.stringify([check, object.kind, object.namespace, object.name, path, container, reason]);
}

const STRENGTH: readonly Outcome[] = ['none', 'audited', 'warned about', 'would be refused', 'refused'];

function outcomeOf(finding: PlacelessFinding | undefined): Outcome {
  if (finding === undefined) return 'none';
  switch (finding.mode) {
    case 'enforce':
      return finding.denied ? 'refused' : 'would be refused';
    case 'warn':
      return 'warned about';
    case 'audit':
      return 'audited';
  }
}
