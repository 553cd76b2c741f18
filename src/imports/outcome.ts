/** What becomes of each rule: the checks that replace it, what they do otherwise, and what is left over. */

import { CHECKS } from '../checks/registry.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { JsonPath } from '../objects/json.ts';
import { KINDS } from '../objects/kinds.ts';
import { TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import type { Reads } from '../objects/rule-context.ts';
import type { ExemptionMatch } from '../policy/exemption.ts';
import type { ImportedException, ImportedMode, ImportedRule } from './imported-rule.ts';
import type { Claim } from './reading.ts';

/** Of a rule whose file is known. */
export type Sourced = {
  /** `policies/tokens.yaml:12:5`. */
  readonly locate: (at: JsonPath) => string;
};

export type State = 'replaced' | 'replaced in part' | 'left over';

export type Outcome = {
  /** `ClusterPolicy restrict-automount-sa-token, rule validate`. */
  readonly name: string;
  readonly place: string;
  readonly state: State;
  /** `check pod-automount, enforce`. */
  readonly does: readonly string[];
  /** What it was recognised by, with places. */
  readonly by: readonly string[];
  /** What it did and Curfew does not: these make it replaced in part. */
  readonly lost: readonly string[];
  readonly differs: readonly string[];
};

/** A rule with what it becomes. */
export type Settled = {
  readonly rule: ImportedRule;
  readonly claims: readonly Claim[];
  /** After what cannot be carried over: a rule that would do more than it did is held at warn, or only reports. */
  readonly mode: ImportedMode;
  readonly isHeld: boolean;
  readonly exempt: readonly ExemptionMatch[];
  readonly outcome: Outcome;
};

/** What all rules have in common, and the configuration says once. */
export type Shared = {
  /** The namespaces that all rules are for; undefined for all. */
  readonly namespaces: readonly string[] | undefined;
  /** Those that every rule leaves out. */
  readonly excluded: readonly string[];
  /** Deployments and their like are refused for what their pods would be. */
  readonly templates: boolean;
};

/** What a rule leaves out, by itself and by exceptions. */
export function listExempt(rule: ImportedRule, exceptions: readonly ImportedException[]): readonly ExemptionMatch[] {
  const own = exceptions.filter((exception) => isFor(exception, rule));
  return [...rule.scope.exempt, ...own.flatMap(({ scope }) => scope.exempt)];
}

export function settleRule(
  rule: ImportedRule & Sourced,
  exceptions: readonly (ImportedException & Sourced)[],
  shared: Shared,
): Settled {
  const { scope, reading, locate } = rule;
  const claims = reading.claims.filter((claim) => isPlaced(claim, scope.kinds));
  const exempt = listExempt(rule, exceptions);
  const narrowed = scope.narrowed.map(({ at, what }) => `${what} (${locate(at)})`);
  if (scope.namespaces !== undefined && shared.namespaces === undefined)
    narrowed.push(`it is for the namespaces ${scope.namespaces.join(', ')} alone`);
  const wider = isMutation(claims) ? [...narrowed, ...listPatchedToo(exempt, shared)] : narrowed;
  const isHeld = wider.length > 0 && (isMutation(claims) || rule.mode === 'enforce');
  const mode = isHeld ? 'warn' : rule.mode;
  const held = isMutation(claims) ? 'it only reports what it would change' : 'held at warn';
  const unexempt = [
    ...scope.unexempt.map(({ at, what }) => `${what} (${locate(at)})`),
    ...exceptions
      .filter((exception) => isFor(exception, rule))
      .flatMap((one) => one.scope.unexempt.map(({ at, what }) => `${what} (${one.locate(at)})`)),
  ];
  const lost = [
    ...reading.unread.map(({ at, why }) => `${why} (${locate(at)})`),
    ...reading.claims
      .filter((claim) => !isPlaced(claim, scope.kinds))
      .map((claim) => `${claim.id} does not judge ${scope.kinds.join(', ')} (${locate(claim.at)})`),
    ...(claims.length === 0 ? [] : rule.untold.map(({ at, what }) => `${what} (${locate(at)})`)),
    ...unique(claims.flatMap(({ loses }) => loses)),
    ...claims.flatMap((claim) => listUnjudged(claim, scope.kinds)),
    ...(mode === 'enforce' && refusesTemplates(rule) && !shared.templates && claims.some(({ does }) => does === 'check')
      ? ['templates of Deployments and their like are warned about: other rules are for pods alone']
      : []),
    ...(isHeld ? [`${held}, since Curfew would ask more objects: ${wider.join('; ')}`] : []),
    ...(claims.length === 0 ? [] : unexempt.map((text) => `${text} has no words in Curfew`)),
  ];
  const differs = [
    ...claims.flatMap((one) => one.differs),
    ...claims.flatMap((claim) => listJudgedToo(claim, scope.kinds)),
    ...(isHeld ? [] : narrowed.map((text) => `Curfew asks more objects: ${text}`)),
  ];
  const replaced = lost.length === 0 ? 'replaced' : 'replaced in part';
  return {
    rule,
    claims,
    mode,
    isHeld,
    exempt,
    outcome: {
      name: rule.rule === undefined ? rule.policy : `${rule.policy}, rule ${rule.rule}`,
      place: locate(rule.at),
      state: claims.length === 0 ? 'left over' : replaced,
      does: unique(
        claims.map(({ does, id }) =>
          does === 'check' ? `check ${id}, ${mode}` : `mutation ${id}, ${isHeld ? 'report' : 'apply'}`,
        ),
      ),
      by: unique(claims.map(({ by, at }) => `${by} (${locate(at)})`)),
      lost,
      differs: claims.length === 0 ? [] : unique(differs),
    },
  };
}

export function isTemplate(kind: string): boolean {
  return TEMPLATE_KINDS.some((known) => known.kind === kind);
}

export function refusesTemplates({ judgesTemplates, scope }: ImportedRule): boolean {
  return judgesTemplates || scope.kinds.some(isTemplate);
}

/** A rule judges or changes, never both. */
function isMutation(claims: readonly Claim[]): boolean {
  return claims.some(({ does }) => does === 'mutation');
}

function isPlaced(claim: Claim, kinds: readonly string[]): boolean {
  return kinds.includes('*') || kindsOf(claim).some((kind) => kinds.includes(kind));
}

/** Curfew patches nothing in kube-system, and in excluded namespaces; elsewhere an exemption would be one of a check too. */
function listPatchedToo(exempt: readonly ExemptionMatch[], { excluded }: Shared): readonly string[] {
  const isLeft = ({ namespaces, ...rest }: ExemptionMatch) =>
    Object.keys(rest).length === 0 &&
    namespaces?.every((name) => name === NEVER_CHANGED || excluded.includes(name)) === true;
  return exempt.every(isLeft) ? [] : ['what it leaves out'];
}

/** Nothing is denied or patched there. */
export const NEVER_CHANGED = 'kube-system';

/** `policy` of an exception is a name, or namespace/name of a Policy; its rules may be patterns, and generated ones. */
export function isFor({ policies }: ImportedException, { policy, rule }: ImportedRule): boolean {
  const name = policy.split(' ').at(-1);
  return policies.some(
    (one) =>
      one.policy === name &&
      (one.rules.length === 0 || one.rules.some((pattern) => pattern === '*' || pattern === rule)),
  );
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

/** Kinds that the check or the mutation judges; templates count as what their pods are. */
function kindsOf({ id, does }: Claim): readonly string[] {
  const reads: readonly Reads[] = (does === 'check' ? CHECKS : MUTATIONS).find((rule) => rule.id === id)?.reads ?? [];
  return unique(
    reads.flatMap(
      ({ group, resource }) => KINDS.find((kind) => kind.group === group && kind.resource === resource)?.kind ?? [],
    ),
  );
}

function listUnjudged(claim: Claim, kinds: readonly string[]): readonly string[] {
  const known = kindsOf(claim);
  const left = kinds.filter((kind) => kind !== '*' && !known.includes(kind));
  return left.length === 0 ? [] : [`${claim.id} does not judge ${left.join(', ')}`];
}

/** Not of templates: they are what their pods are. */
function listJudgedToo(claim: Claim, kinds: readonly string[]): readonly string[] {
  const known = kindsOf(claim);
  if (kinds.includes('*')) return [];
  const isOfPods = known.includes('Pod');
  const more = known.filter((kind) => !kinds.includes(kind) && !(isOfPods && kind !== 'Pod'));
  return more.length === 0 ? [] : [`${claim.id} judges ${more.join(', ')} too`];
}
