/** The words a person reads: the denial, the one-line warning, the audit annotation. One shape everywhere. */

import type { Finding, Note, RuleWords, Undecided } from '../checks/define-check.ts';
import type { Subject } from '../objects/subject.ts';
import { formatSubject } from '../objects/subject.ts';
import { countOf, cutToBytes, joinNames, toOneLine } from '../objects/text.ts';
import type { Exemption } from '../policy/exemption.ts';
import { formatEnd } from '../policy/exemption.ts';

/** Most problems told in full; the rest is counted. */
const MOST_PROBLEMS = 10;
/** A message is no longer than this, in bytes of UTF-8, however the object is made. */
const MOST_BYTES = 4_096;

export type CheckFindings = { readonly check: RuleWords; readonly findings: readonly Finding[] };

/** What a denial says of one problem, whichever rule found it. */
export type Problem = {
  /** Of the check, or of the mutation that could not do what was asked for. */
  readonly id: string;
  readonly path: string;
  readonly detail: string;
  readonly fix: string;
  /** The containers it is about, where it is about some of them alone. */
  readonly containers: readonly string[];
};

/** Findings of one check that differ in nothing but their container. */
type Group = {
  readonly check: RuleWords;
  readonly path: string;
  readonly reason: string;
  readonly detail: string;
  readonly fix: string | undefined;
  readonly containers: readonly string[];
};

/** What a denial by checks says, problem by problem. */
export function listProblems(subject: Subject, denials: readonly CheckFindings[]): readonly Problem[] {
  const groups = denials.flatMap(groupFindings);
  return groups.map(({ check, fix = check.fix(subject), ...problem }) => ({ id: check.id, fix, ...problem }));
}

/**
 * The text of a denial: what, where, why, what to do, where to read more. Starts on a line of its own, because kubectl
 * writes `admission webhook "…" denied the request: ` before it.
 */
export function formatProblems(subject: Subject, problems: readonly Problem[]): string {
  const lines = [`${toOneLine(formatSubject(subject))}: ${countOf(problems.length, 'problem')}`];
  for (const { id, path, containers, detail, fix } of problems.slice(0, MOST_PROBLEMS)) {
    const who = containers.length === 0 ? '' : `${joinNames('container', containers)}: `;
    lines.push(
      '',
      `  ${id} at ${toOneLine(path)}`,
      `    ${who}${toOneLine(detail)}`,
      `    Fix: ${toOneLine(fix)}`,
      `    More: curfew explain ${id}`,
    );
  }
  if (problems.length > MOST_PROBLEMS) lines.push('', `  and ${problems.length - MOST_PROBLEMS} more`);
  return bound(`\n${lines.join('\n')}`);
}

/**
 * One line for all findings of one check. The API server drops a warning with a control character and may cut one
 * after 256 characters (apiserver, pkg/endpoints/filters/warning.go).
 */
export function formatWarning(subject: Subject, { check, findings }: CheckFindings, wouldDeny: boolean): string {
  const [reason = '', ...others] = new Set(findings.map((finding) => finding.reason));
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const containers = [...new Set(findings.flatMap(({ container }) => (container === undefined ? [] : [container])))];
  const where = containers.length === 0 ? '' : ` in ${joinNames('container', containers)}`;
  const [shortFix = check.shortFix(subject)] = findings.flatMap((finding) => finding.shortFix ?? []);
  const what = toOneLine(`${reason}${more}${where}; ${shortFix}`);
  return `curfew ${check.id}${wouldDeny ? ' (would deny)' : ''}: ${what}`;
}

/** One line for a check that could not know. */
export function formatUndecided(check: RuleWords, outcome: Undecided): string {
  return toOneLine(`curfew ${check.id}: not judged: ${outcome.detail}`);
}

/** One line for the audit log: every check with the places it found. */
export function formatAudit(results: readonly CheckFindings[]): string {
  const parts = results
    .flatMap(groupFindings)
    .map(({ check, path, reason, containers }) =>
      toOneLine(
        `${check.id} at ${path}: ${reason}${containers.length === 0 ? '' : ` (${joinNames('container', containers)})`}`,
      ),
    );
  return bound(parts.join('; '));
}

/** One line for the audit log: why API tokens were allowed, in the words of those who wrote it down. */
export function formatNotes(notes: readonly Note[]): string {
  return bound(notes.map(({ where, reason }) => toOneLine(`${where}: ${reason}`)).join('; '));
}

/** One line for the audit log: what each exemption removed, and the whole of its excuse. */
export function formatExempted(
  exempted: readonly { readonly check: RuleWords; readonly exemption: Exemption }[],
): string {
  const parts = exempted.map(({ check, exemption }) => {
    const { name, owner, ticket, reason } = exemption;
    const more = ticket === undefined ? '' : `, ticket ${ticket}`;
    return toOneLine(`${check.id} by exemption ${name} (owner ${owner}, ${formatEnd(exemption)}${more}): ${reason}`);
  });
  return bound(parts.join('; '));
}

function groupFindings({ check, findings }: CheckFindings): readonly Group[] {
  const problems: (Group & { readonly containers: string[] })[] = [];
  // By the sentence, which is hardly ever shared by two of them: of tens of thousands no key is made for each.
  const byDetail = new Map<string, typeof problems>();
  for (const { path, reason, detail, fix, container } of findings) {
    const alike = byDetail.get(detail) ?? [];
    let problem = alike.find((one) => one.reason === reason && one.fix === fix);
    if (problem === undefined) {
      problem = { check, path, reason, detail, fix, containers: [] };
      problems.push(problem);
      alike.push(problem);
      byDetail.set(detail, alike);
    }
    if (container !== undefined) problem.containers.push(container);
  }
  return problems;
}

function bound(text: string): string {
  return cutToBytes(text, MOST_BYTES);
}
