/** The configuration of Curfew that does what the rules of other engines did, and denies nothing that they did not. */

import type { Check } from '../checks/define-check.ts';
import { startLevel } from '../checks/define-check.ts';
import { CHECKS } from '../checks/registry.ts';
import { ASKED_FOR } from '../mutations/define-mutation.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString } from '../objects/json.ts';
import type { Level } from '../objects/level.ts';
import { LEVELS } from '../objects/level.ts';
import { API_VERSION, KIND } from '../policy/configuration-schema.ts';
import type { ExemptionMatch } from '../policy/exemption.ts';
import type { ImportedException, ImportedMode, ImportedRule } from './imported-rule.ts';
import type { Outcome, Settled, Shared, Sourced } from './outcome.ts';
import { isFor, isTemplate, listExempt, NEVER_CHANGED, refusesTemplates, settleRule } from './outcome.ts';
import { areExact } from './scope.ts';

export type Imported = {
  /** Undefined if no rule could be replaced. */
  readonly configuration: JsonObject | undefined;
  /** One of every rule and exception. */
  readonly outcomes: readonly Outcome[];
};

const STRICTEST: readonly ImportedMode[] = ['enforce', 'warn', 'audit'];
const CLUSTER_KINDS: readonly string[] = ['ClusterRole', 'ClusterRoleBinding', '*'];
const MOST_EXEMPTIONS = 500;

export function toConfiguration(
  rules: readonly (ImportedRule & Sourced)[],
  exceptions: readonly (ImportedException & Sourced)[],
): Imported {
  const namespaces = findCommonNamespaces(rules);
  const shared = {
    namespaces,
    excluded: namespaces === undefined ? listExcluded(rules, exceptions) : [],
    templates: areTemplatesRefused(rules),
  };
  const settled = rules.map((rule) => settleRule(rule, exceptions, shared));
  const outcomes = [...settled.map(({ outcome }) => outcome), ...listIdleExceptions(rules, exceptions)];
  const used = settled.filter(({ claims }) => claims.length > 0);
  if (used.length === 0) return { configuration: undefined, outcomes };
  const modes = listModes(used);
  const exemptions = listExemptions(used, modes, shared.excluded);
  return {
    configuration: build(used, { ...shared, modes, exemptions: exemptions.slice(0, MOST_EXEMPTIONS) }),
    outcomes: [...outcomes, ...exemptions.slice(MOST_EXEMPTIONS).map(leaveExemption)],
  };
}

/** One more than are written: without it more is refused than was. */
function leaveExemption({ name, match, reason }: JsonObject): Outcome {
  return {
    name: `exemption ${asString(name) ?? ''} ${JSON.stringify(match)}`,
    place: asString(reason) ?? '',
    state: 'left over',
    does: [],
    by: [],
    lost: [`at most ${MOST_EXEMPTIONS} exemptions are written`],
    differs: [],
  };
}

function listModes(used: readonly Settled[]): ReadonlyMap<string, ImportedMode> {
  return new Map(
    CHECKS.flatMap(({ id }) => {
      const mode = strictestOf(used, id);
      return mode === undefined ? [] : [[id, mode] as const];
    }),
  );
}

function listIdleExceptions(
  rules: readonly ImportedRule[],
  exceptions: readonly (ImportedException & Sourced)[],
): readonly Outcome[] {
  return exceptions
    .filter((exception) => !rules.some((rule) => rule.reading.claims.length > 0 && isFor(exception, rule)))
    .map(({ name, at, locate }) => ({
      name,
      place: locate(at),
      state: 'left over',
      does: [],
      by: [],
      lost: ['it is for no rule that was replaced'],
      differs: [],
    }));
}

/** The namespaces that all rules are for, if they are the same ones. */
function findCommonNamespaces(rules: readonly ImportedRule[]): readonly string[] | undefined {
  const known = rules.filter(({ reading }) => reading.claims.length > 0).map(({ scope }) => scope.namespaces);
  const texts = new Set(known.map((namespaces) => JSON.stringify(namespaces?.toSorted())));
  return texts.size === 1 ? known[0] : undefined;
}

type Parts = Shared & {
  readonly modes: ReadonlyMap<string, ImportedMode>;
  readonly exemptions: readonly JsonObject[];
};

function build(used: readonly Settled[], parts: Parts): JsonObject {
  const { namespaces: common, excluded, templates, modes, exemptions } = parts;
  const enforced = CHECKS.filter(({ id }) => modes.get(id) === 'enforce');
  const clusterWide = enforced.filter(({ id }) => used.some((one) => isOfCluster(one, id)));
  const mutations = MUTATIONS.filter(({ id }) => isAskedFor(used, id));
  const applied = mutations.filter(({ id }) =>
    isAskedFor(
      used.filter(({ isHeld }) => !isHeld),
      id,
    ),
  );
  const mutate = highest(mutations.map(({ level }) => (level === ASKED_FOR ? 'off' : level)));
  const levels = {
    enforce: highest(enforced.map(startLevel)),
    warn: 'restricted',
    audit: 'restricted',
    ...(mutations.length === 0 ? {} : { mutate }),
  };
  const off = { enforce: 'off', warn: 'off', audit: 'off', ...(mutations.length === 0 ? {} : { mutate: 'off' }) };
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    levels: {
      ...(common === undefined ? levels : off),
      clusterScoped: {
        enforce: common === undefined ? highest(clusterWide.map(startLevel)) : 'off',
        warn: 'restricted',
        audit: 'restricted',
      },
    },
    ...(common === undefined ? {} : { namespaces: Object.fromEntries(common.map((name) => [name, levels])) }),
    ...(applied.length === 0 ? {} : { mutateMode: 'apply' }),
    ...(templates ? { enforceTemplates: true } : {}),
    ...(excluded.length === 0 ? {} : { excludedNamespaces: excluded }),
    checks: Object.fromEntries(CHECKS.map(({ id }) => [id, { mode: modes.get(id) ?? 'warn' }])),
    ...(mutations.length === 0 ? {} : { mutations: holdOthers(applied.map(({ id }) => id)) }),
    ...(exemptions.length === 0 ? {} : { exemptions: { rules: exemptions } }),
  };
}

function isAskedFor(used: readonly Settled[], id: string): boolean {
  return used.some(({ claims }) => claims.some((claim) => claim.id === id));
}

function strictestOf(used: readonly Settled[], id: string): ImportedMode | undefined {
  const modes = used.filter((one) => isAskedFor([one], id)).map(({ mode }) => mode);
  return STRICTEST.find((mode) => modes.includes(mode));
}

function isOfCluster({ claims, mode, rule }: Settled, id: Check['id']): boolean {
  return (
    mode === 'enforce' &&
    claims.some((claim) => claim.id === id) &&
    rule.scope.kinds.some((kind) => CLUSTER_KINDS.includes(kind))
  );
}

function highest(levels: readonly Level[]): Level {
  return LEVELS.findLast((level) => levels.includes(level)) ?? 'off';
}

/** Mutations of the level that nobody has asked for only say what they would do. */
function holdOthers(ids: readonly string[]): JsonObject {
  const others = MUTATIONS.filter(({ id, level }) => level !== ASKED_FOR && !ids.includes(id));
  return Object.fromEntries(others.map(({ id }) => [id, { mode: 'report' }]));
}

/** One key says it for every check, so every rule that refuses pods must. */
function areTemplatesRefused(rules: readonly ImportedRule[]): boolean {
  const ofPods = rules.filter(
    ({ mode, scope, reading }) =>
      mode === 'enforce' &&
      reading.claims.some(({ does }) => does === 'check') &&
      scope.kinds.some((kind) => kind === 'Pod' || isTemplate(kind)),
  );
  return ofPods.length > 0 && ofPods.every(refusesTemplates);
}

/** Namespaces that every rule leaves out, by exact names. The warnings of kube-system stay. */
function listExcluded(rules: readonly ImportedRule[], exceptions: readonly ImportedException[]): readonly string[] {
  const lists = rules
    .filter(({ reading }) => reading.claims.length > 0)
    .map((rule) => listExempt(rule, exceptions).filter(isOfNamespaces))
    .map((exempt) => new Set(exempt.flatMap(({ namespaces = [] }) => namespaces)));
  const [first = new Set<string>()] = lists;
  return [...first].filter(
    (name) => name !== NEVER_CHANGED && areExact([name]) && lists.every((list) => list.has(name)),
  );
}

function isOfNamespaces(match: ExemptionMatch): boolean {
  return Object.keys(match).join() === 'namespaces';
}

type Written = { readonly match: ExemptionMatch; readonly checks: string[]; readonly policies: Set<string> };

/**
 * What every rule behind a check leaves out, of those rules that it has its mode from: an exemption of one of two rules
 * would let pass what the other one refuses.
 */
function listExemptions(
  used: readonly Settled[],
  modes: ReadonlyMap<string, ImportedMode>,
  excluded: readonly string[],
): readonly JsonObject[] {
  const written = new Map<string, Written>();
  for (const [id, mode] of modes) {
    const behind = used.filter((one) => one.mode === mode && isAskedFor([one], id));
    const keys = behind.map(({ exempt }) => new Set(exempt.flatMap((match) => listKeys(match, excluded))));
    for (const key of keys[0] ?? []) {
      if (!keys.every((set) => set.has(key))) continue;
      const entry = written.get(key) ?? { match: JSON.parse(key) as ExemptionMatch, checks: [], policies: new Set() };
      entry.checks.push(id);
      for (const { rule } of behind) entry.policies.add(rule.policy);
      written.set(key, entry);
    }
  }
  return [...written.values()].map(({ match, checks, policies }, index) => ({
    name: `imported-${index + 1}`,
    match: { ...match },
    checks,
    reason: `left out by ${[...policies].join(', ')}`.slice(0, 500).trimEnd(),
    owner: 'not named yet',
    permanent: true,
  }));
}

/** One key a namespace, so that lists of two rules have in common what they have in common. */
function listKeys(match: ExemptionMatch, excluded: readonly string[]): readonly string[] {
  if (!isOfNamespaces(match)) return [JSON.stringify(match)];
  const left = (match.namespaces ?? []).filter((name) => !excluded.includes(name));
  return left.map((name) => JSON.stringify({ namespaces: [name] }));
}
