/**
 * Runs the checks that read a subject, at the level of each mode, and sorts what they say into modes. Pure and
 * synchronous: everything that had to be looked up is in the context.
 */

import type { Check, Finding, Note, RuleWords, Undecided } from '../checks/define-check.ts';
import { isFinding, isNote, isUndecided } from '../checks/define-check.ts';
import type { Level } from '../objects/level.ts';
import type { Reads, RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { toOldSubject } from '../objects/subject.ts';
import { isNewerThan } from '../policy/catalogue.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { Exemption } from '../policy/exemption.ts';
import { findExemption, stateOf } from '../policy/exemption.ts';
import type { Scope } from '../policy/scope.ts';
import type { AskedCheck } from './asked-checks.ts';
import { isWithin, listAskedChecks } from './asked-checks.ts';

/** What a finding leads to. `would_deny`: it would have been denied but for `dryRun`. */
export type Effect = 'deny' | 'would_deny' | 'warn' | 'audit';

/** What one check said, for one effect. */
export type Result = {
  readonly check: RuleWords;
  readonly effect: Effect;
  readonly findings: readonly Finding[];
};

export type UndecidedResult = { readonly check: RuleWords; readonly outcome: Undecided; readonly isWarned: boolean };

/** What one check said and an exemption removed. */
export type ExemptedResult = {
  readonly check: Check;
  readonly exemption: Exemption;
  /** What it would have led to; empty if the check could not know. */
  readonly results: readonly Result[];
  /** True if somebody who was spared a denial or a warning by it should know that it ends soon. */
  readonly isEndingWarned: boolean;
};

export type Judgement = {
  readonly results: readonly Result[];
  readonly undecided: readonly UndecidedResult[];
  /** Documented reasons that something was allowed for, each once. */
  readonly notes: readonly Note[];
  readonly exempted: readonly ExemptedResult[];
};

/** Of what no rule has anything to say about. */
export const NO_JUDGEMENT: Judgement = { results: [], undecided: [], notes: [], exempted: [] };

export type JudgeOptions = {
  readonly checks: readonly Check[];
  readonly configuration: Configuration;
  readonly scope: Scope;
  readonly levels: { readonly enforce: Level; readonly warn: Level; readonly audit: Level };
  readonly context: Omit<RuleContext, 'level'>;
};

type Outcomes = {
  readonly findings: readonly Finding[];
  readonly undecided: readonly Undecided[];
  readonly notes: readonly Note[];
};

const NOTHING: Outcomes = { findings: [], undecided: [], notes: [] };

/** True if a rule that reads `reads` looks at this request. */
export function isRead(reads: readonly Reads[], subject: Subject): boolean {
  for (const read of reads) {
    if (isReading(read, subject)) return true;
  }
  return false;
}

function isReading(read: Reads, { resource, operation }: Subject): boolean {
  const operations: readonly string[] = read.operations;
  return (
    read.group === resource.group &&
    read.resource === resource.name &&
    (read.subresource ?? '') === resource.subresource &&
    operations.includes(operation)
  );
}

/** What can be asked of a resource. */
type Asked = { readonly group: string; readonly subresource: string; readonly operation: string };

/**
 * The rules that read a request, found once for each kind of request and operation: every review asks. The answers are
 * kept for what some rule reads, so there are few; for anything else the answer is the same, none.
 */
export function indexByRequest<Rule extends { readonly reads: readonly Reads[] }>(
  rules: readonly Rule[],
): (subject: Subject) => readonly Rule[] {
  const none: readonly Rule[] = [];
  /** By the resource's name, a text that is there already: one put together would have to be hashed for each review. */
  const known = new Map<string, (Asked & { readonly rules: Rule[] })[]>();
  const all = rules.flatMap((rule) =>
    rule.reads.flatMap(({ group, resource, subresource = '', operations }) =>
      operations.map((operation) => ({ rule, resource, group, subresource, operation })),
    ),
  );
  for (const { rule, resource, ...asked } of all) {
    const readings = known.get(resource) ?? [];
    known.set(resource, readings);
    const reading = readings.find((one) => isSame(one, asked));
    if (reading === undefined) readings.push({ ...asked, rules: [rule] });
    else if (!reading.rules.includes(rule)) reading.rules.push(rule);
  }
  return ({ resource: { group, name, subresource }, operation }) =>
    known.get(name)?.find((one) => isSame(one, { group, subresource, operation }))?.rules ?? none;
}

function isSame(one: Asked, other: Asked): boolean {
  return one.operation === other.operation && one.group === other.group && one.subresource === other.subresource;
}

/** Judges `subject` with every check that reads it. */
export function judge(subject: Subject, options: JudgeOptions): Judgement {
  const results: Result[] = [];
  const undecided: UndecidedResult[] = [];
  let notes: Map<string, Note> | undefined;
  const exempted: ExemptedResult[] = [];
  const levels = toContexts(options);
  for (const asked of listAskedChecks(options.checks, options)) {
    const { check } = asked;
    if (!isRead(check.reads, subject)) continue;
    const judged = judgeWith(subject, { options, levels, asked });
    for (const note of judged.notes) {
      notes ??= new Map();
      notes.set(JSON.stringify([note.where, note.reason]), note);
    }
    if (judged.results.length + judged.undecided.length === 0) continue;
    // After the evaluation, so that every use is on record, and for a whole check: what is left out of one mode and
    // not of another would still deny or warn.
    const { now } = options.context;
    const exemption = findExemption(options.configuration.exemptions, subject, { check: check.id, now });
    if (exemption === undefined) {
      results.push(...judged.results);
      undecided.push(...judged.undecided);
      continue;
    }
    const isEndingWarned =
      stateOf(exemption, now) === 'ending' && judged.results.some(({ effect }) => effect !== 'audit');
    exempted.push({ check, exemption, results: judged.results, isEndingWarned });
  }
  const isNothing = results.length + undecided.length + exempted.length === 0 && notes === undefined;
  return isNothing ? NO_JUDGEMENT : { results, undecided, exempted, notes: [...(notes?.values() ?? [])] };
}

/** Undefined where the level is off. */
type Contexts = Readonly<Record<'enforce' | 'warn' | 'audit', RuleContext | undefined>>;

/** What the checks are asked with in each mode; modes at the same level share it. */
function toContexts({ levels, context }: JudgeOptions): Contexts {
  const at = (level: Level): RuleContext | undefined => (level === 'off' ? undefined : { ...context, level });
  const enforce = at(levels.enforce);
  const warn = levels.warn === levels.enforce ? enforce : at(levels.warn);
  if (levels.audit === levels.warn) return { enforce, warn, audit: warn };
  return { enforce, warn, audit: levels.audit === levels.enforce ? enforce : at(levels.audit) };
}

/** One check, and what it is asked with. */
type Asking = {
  readonly asked: AskedCheck;
  readonly levels: Contexts;
  readonly options: JudgeOptions;
};

function judgeWith(subject: Subject, asking: Asking): Omit<Judgement, 'exempted'> {
  const { enforce, warn, audit } = asking.levels;
  // Two modes at the same level ask the same question, and by default two do: it is answered once.
  const enforced = evaluateAt(subject, asking, enforce);
  const warned = warn === enforce ? enforced : evaluateAt(subject, asking, warn);
  const audited = audit === warn ? warned : audit === enforce ? enforced : evaluateAt(subject, asking, audit);
  // Most checks have nothing to say about most objects.
  if (enforced === NOTHING && warned === NOTHING && audited === NOTHING) return NO_JUDGEMENT;
  const added = dropOld(enforced, () => {
    const old = toOldSubject(subject);
    return old === undefined ? NOTHING : evaluateAt(old, asking, enforce);
  });
  return sortIntoModes({ enforced: added, warned, audited }, asking);
}

function sortIntoModes(
  { enforced, warned, audited }: Readonly<Record<'enforced' | 'warned' | 'audited', Outcomes>>,
  { asked, options }: Asking,
): Omit<Judgement, 'exempted'> {
  const { check, ceiling } = asked;
  const { scope, configuration } = options;
  const mayDeny = ({ since }: Finding) =>
    isWithin('enforce', ceiling) && !(since !== undefined && isNewerThan(since, configuration.catalogue));
  const denied = enforced.findings.filter((finding) => mayDeny(finding));
  const held = enforced.findings.filter((finding) => !mayDeny(finding));
  const mayWarn = isWithin('warn', ceiling);
  const effects: readonly (readonly [Effect, readonly Finding[]])[] = [
    [scope.isDryRun ? 'would_deny' : 'deny', denied],
    // What may not be denied is warned about, what may not be warned about is audited: nothing is lost.
    ['warn', mayWarn ? union(held, warned.findings) : []],
    ['audit', union(mayWarn ? [] : union(enforced.findings, warned.findings), audited.findings)],
  ];
  const [unknown] = [...enforced.undecided, ...warned.undecided, ...audited.undecided];
  const isWarned = mayWarn && enforced.undecided.length + warned.undecided.length > 0;
  return {
    results: effects.flatMap(([effect, findings]) => (findings.length === 0 ? [] : [{ check, effect, findings }])),
    undecided: unknown === undefined ? [] : [{ check, outcome: unknown, isWarned }],
    notes: [enforced, warned, audited].flatMap((outcomes) => outcomes.notes),
  };
}

/** What the check says at the level of `context`; `NOTHING` if that is nothing. */
function evaluateAt(subject: Subject, { asked }: Asking, context: RuleContext | undefined): Outcomes {
  if (context === undefined) return NOTHING;
  const settings = asked.settings[context.level];
  if (settings === undefined) return NOTHING;
  const outcomes = asked.check.evaluate(subject, settings, context);
  if (outcomes.length === 0) return NOTHING;
  return {
    findings: outcomes.filter(isFinding),
    undecided: outcomes.filter(isUndecided),
    notes: outcomes.filter(isNote),
  };
}

/** An update that adds no finding is not denied; the old object is judged only if there is something to drop. */
function dropOld(outcomes: Outcomes, judgeOld: () => Outcomes): Outcomes {
  if (outcomes.findings.length === 0) return outcomes;
  const known = new Set(judgeOld().findings.map(({ key }) => key));
  return { ...outcomes, findings: outcomes.findings.filter(({ key }) => !known.has(key)) };
}

function union(some: readonly Finding[], more: readonly Finding[]): readonly Finding[] {
  const keys = new Set(some.map(({ key }) => key));
  return [...some, ...more.filter(({ key }) => !keys.has(key))];
}
