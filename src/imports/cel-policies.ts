/**
 * Policies whose conditions are CEL: ValidatingPolicy and MutatingPolicy of `policies.kyverno.io`, which are made as
 * those of Kubernetes are (`admissionregistration.k8s.io`), with actions and exceptions of their own.
 */

import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import { KINDS } from '../objects/kinds.ts';
import type { ExemptionMatch } from '../policy/exemption.ts';
import { normalize, parseList, readCondition } from './cel.ts';
import type { ImportedMode, ImportedPolicy, ImportedRule, PolicyFault } from './imported-rule.ts';
import { describeWrong, NO_POLICY, nameOfPolicy } from './imported-rule.ts';
import { readVariables } from './kyverno.ts';
import { readCelMutation } from './kyverno-mutate.ts';
import { namesOfSelector } from './kyverno-scope.ts';
import type { Reading } from './reading.ts';
import { joinReadings, leave } from './reading.ts';
import type { Scope, Untold } from './scope.ts';
import { areExact, fitsExemption } from './scope.ts';

const MOST_EXPRESSIONS = 200;
const ACTIONS: ReadonlyMap<string, ImportedMode> = new Map([
  ['Deny', 'enforce'],
  ['Warn', 'warn'],
  ['Audit', 'audit'],
]);

/** One rule: its validations stand together, each with a reading of its own. */
export function readValidatingPolicy(object: JsonObject): ImportedPolicy {
  const spec = member(object, 'spec');
  const validations = asArray(member(spec, 'validations'));
  if (validations.length === 0 || validations.length > MOST_EXPRESSIONS) {
    const message = `is not a list of 1 to ${MOST_EXPRESSIONS} validations`;
    return { ...NO_POLICY, faults: [{ at: ['spec', 'validations'], message }] };
  }
  const mode = readActions(spec);
  if (typeof mode !== 'string') return { ...NO_POLICY, faults: [mode] };
  const variables = readVariables(member(spec, 'variables'));
  const scope = readConstraints(object);
  const reading = joinReadings(
    validations.map((entry, index): Reading => {
      const path: JsonPath = ['spec', 'validations', index, 'expression'];
      const expression = asString(member(entry, 'expression'));
      return expression === undefined ? leave(path, 'it is no expression') : readCondition(expression, path, variables);
    }),
  );
  return { ...NO_POLICY, rules: [toRule(object, { scope, reading, mode })] };
}

export function readMutatingPolicy(object: JsonObject): ImportedPolicy {
  const mutations = asArray(valueAt(object, ['spec', 'mutations']));
  if (mutations.length === 0 || mutations.length > MOST_EXPRESSIONS) {
    const message = `is not a list of 1 to ${MOST_EXPRESSIONS} mutations`;
    return { ...NO_POLICY, faults: [{ at: ['spec', 'mutations'], message }] };
  }
  const scope = readConstraints(object);
  const reading = joinReadings(
    mutations.map((entry, index) => readCelMutation(entry, ['spec', 'mutations', index], scope.names)),
  );
  return { ...NO_POLICY, rules: [toRule(object, { scope, reading, mode: 'enforce' })] };
}

function toRule(object: JsonObject, parts: Pick<ImportedRule, 'scope' | 'reading' | 'mode'>): ImportedRule {
  const isForPods = parts.scope.kinds.join() === 'Pod' && member(object, 'kind') !== 'MutatingPolicy';
  const untold: Untold[] = [];
  if (valueAt(object, ['spec', 'evaluation', 'mutateExisting', 'enabled']) === true) {
    const at = ['spec', 'evaluation', 'mutateExisting'];
    untold.push({ at, what: 'changes of objects that exist already' });
  }
  return {
    policy: nameOfPolicy(object),
    rule: undefined,
    at: ['spec'],
    judgesTemplates: isForPods && hasAutogen(object),
    untold,
    ...parts,
  };
}

/** With a list it is for the controllers named; without one for all (Kyverno, autogen of ValidatingPolicy). */
function hasAutogen(object: JsonObject): boolean {
  const controllers = valueAt(object, ['spec', 'autogen', 'podControllers', 'controllers']);
  return controllers === undefined || asArray(controllers).length > 0;
}

/** The strictest of the actions; a policy that names none denies. */
function readActions(spec: JsonValue | undefined): ImportedMode | PolicyFault {
  const at: JsonPath = ['spec', 'validationActions'];
  const given = member(spec, 'validationActions');
  const actions = given === undefined ? ['Deny'] : asArray(given);
  const modes: ImportedMode[] = [];
  for (const [index, action] of actions.entries()) {
    const mode = ACTIONS.get(asString(action) ?? '');
    if (mode === undefined)
      return { at: [...at, index], message: describeWrong(action, [...ACTIONS.keys()].join(', ')) };
    modes.push(mode);
  }
  const strictest = (['enforce', 'warn', 'audit'] as const).find((mode) => modes.includes(mode));
  // Without admission it only looks at what is stored.
  if (valueAt(spec, ['evaluation', 'admission', 'enabled']) === false) return 'audit';
  return strictest ?? { at, message: 'is an empty list' };
}

function strings(value: JsonValue | undefined): readonly string[] {
  return asArray(value).flatMap((one) => asString(one) ?? []);
}

/** `matchConstraints` and `matchConditions`. */
function readConstraints(object: JsonObject): Scope {
  const at: JsonPath = ['spec', 'matchConstraints'];
  const constraints = valueAt(object, at);
  const rules = asArray(member(constraints, 'resourceRules'));
  const resources = rules.flatMap((rule) => strings(member(rule, 'resources')));
  const kinds = resources.flatMap((name) =>
    name === '*' ? ['*'] : (KINDS.find(({ resource }) => resource === name)?.kind ?? [`resource ${name}`]),
  );
  const narrowed: Untold[] = [];
  const exempt: ExemptionMatch[] = [];
  const selector = member(constraints, 'namespaceSelector');
  const own = asString(valueAt(object, ['metadata', 'namespace']));
  let namespaces = own === undefined ? undefined : [own];
  let names = rules.length === 1 ? strings(member(rules[0], 'resourceNames')) : [];
  if (selector !== undefined) {
    const included = namesOfSelector(selector);
    const excluded = namesOfSelector(selector, 'NotIn');
    if (included !== undefined && areExact(included)) namespaces = [...included];
    else if (excluded !== undefined && fitsExemption('namespaces', excluded)) exempt.push({ namespaces: excluded });
    else narrowed.push({ at: [...at, 'namespaceSelector'], what: 'match by labels of namespaces' });
  }
  if (member(constraints, 'objectSelector') !== undefined)
    narrowed.push({ at: [...at, 'objectSelector'], what: 'match by labels' });
  if (asArray(member(constraints, 'excludeResourceRules')).length > 0)
    narrowed.push({ at: [...at, 'excludeResourceRules'], what: 'resources that are left out' });
  for (const [index, entry] of asArray(valueAt(object, ['spec', 'matchConditions'])).entries()) {
    const found = readMatchCondition(asString(member(entry, 'expression')) ?? '');
    if (found === undefined) narrowed.push({ at: ['spec', 'matchConditions', index], what: 'a match condition' });
    else if ('isDefault' in found) names = ['default'];
    else exempt.push(found);
  }
  return { kinds, names: names.length === 0 ? undefined : names, namespaces, narrowed, exempt, unexempt: [] };
}

const NAMESPACE = '(?:object\\.metadata\\.namespace|request\\.namespace|namespaceObject\\.metadata\\.name)';
const NOT_IN = new RegExp(`^!\\(${NAMESPACE} in ?(\\[[^\\]]*\\])\\)$`);
const NOT_ONE = new RegExp(`^${NAMESPACE}!='([^']*)'$`);

/** Namespaces that a condition leaves out, or that it is for the account `default` alone. */
function readMatchCondition(expression: string): ExemptionMatch | { readonly isDefault: true } | undefined {
  if (expression.length > 2_048) return undefined;
  const text = normalize(expression);
  if (text === "object.metadata.name=='default'") return { isDefault: true };
  const [, list] = NOT_IN.exec(text) ?? [];
  const [, one] = NOT_ONE.exec(text) ?? [];
  const namespaces = list === undefined ? (one === undefined ? undefined : [one]) : parseList(list);
  return namespaces !== undefined && fitsExemption('namespaces', namespaces) ? { namespaces } : undefined;
}
