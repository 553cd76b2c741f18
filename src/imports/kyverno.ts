/** ClusterPolicy and Policy of `kyverno.io/v1` (also `v2beta1`), and their exceptions. */

import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, stringMembers, valueAt } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import { readCondition } from './cel.ts';
import { readDeny, readForeach } from './conditions.ts';
import type { ImportedException, ImportedMode, ImportedPolicy, ImportedRule, PolicyFault } from './imported-rule.ts';
import { describeWrong, NO_POLICY, nameOfPolicy } from './imported-rule.ts';
import { readMutate } from './kyverno-mutate.ts';
import { readExclude, readScope } from './kyverno-scope.ts';
import { readPattern } from './pattern.ts';
import type { Reading } from './reading.ts';
import { joinReadings, leave } from './reading.ts';
import type { Scope, Untold } from './scope.ts';

const MOST_RULES = 200;
const AUTOGEN = 'pod-policies.kyverno.io/autogen-controllers';
/** What a rule does when it is not `validate` or `mutate`. */
const OTHER_RULES = ['generate', 'verifyImages'] as const;

/** Every rule of a ClusterPolicy or Policy. */
export function readKyvernoPolicy(object: JsonObject): ImportedPolicy {
  const spec = member(object, 'spec');
  const rules = member(spec, 'rules');
  if (!Array.isArray(rules)) {
    return { ...NO_POLICY, faults: [{ at: ['spec', 'rules'], message: 'is not a list of rules' }] };
  }
  if (rules.length > MOST_RULES) {
    const message = `has ${rules.length} rules, and at most ${MOST_RULES} are read`;
    return { ...NO_POLICY, faults: [{ at: ['spec', 'rules'], message }] };
  }
  const read = rules.map((rule: JsonValue, index) => readRule(object, rule, ['spec', 'rules', index]));
  return {
    rules: read.flatMap(({ rule }) => rule ?? []),
    exceptions: [],
    faults: read.flatMap(({ faults }) => faults),
  };
}

type Read = { readonly rule?: ImportedRule; readonly faults: readonly PolicyFault[] };

function readRule(object: JsonObject, rule: JsonValue, at: JsonPath): Read {
  if (!isObject(rule)) return { faults: [{ at, message: 'is not a rule' }] };
  const mode = readMode(object, rule, at);
  if ('message' in mode) return { faults: [mode] };
  const ownNamespace =
    member(object, 'kind') === 'Policy' ? asString(valueAt(object, ['metadata', 'namespace'])) : undefined;
  const scope = readScope(rule, at, ownNamespace ?? (member(object, 'kind') === 'Policy' ? 'default' : undefined));
  return {
    faults: [],
    rule: {
      policy: nameOfPolicy(object),
      rule: asString(member(rule, 'name')) ?? '',
      at,
      mode: mode.mode,
      judgesTemplates: hasAutogen(object, rule, scope),
      scope,
      reading: readJudgement(rule, at, scope.names),
      untold: mode.untold,
    },
  };
}

/**
 * Rules for pods alone are for what makes pods too, unless the policy says otherwise or the rule names or selects single
 * objects (Kyverno, auto-gen rules; pkg/autogen, CanAutoGen).
 */
function hasAutogen(object: JsonObject, rule: JsonObject, { kinds, names, narrowed }: Scope): boolean {
  const isOff = stringMembers(valueAt(object, ['metadata', 'annotations'])).get(AUTOGEN) === 'none';
  const isForSome = names !== undefined || narrowed.some(({ what }) => what === 'match by selector');
  return kinds.join() === 'Pod' && !isOff && !isForSome && valueAt(rule, ['validate', 'deny']) === undefined;
}

type ModeOfRule = { readonly mode: ImportedMode; readonly untold: readonly Untold[] };

/** `Audit` is what a policy does that says nothing (Kyverno, validate rules). */
function readMode(object: JsonObject, rule: JsonObject, at: JsonPath): ModeOfRule | PolicyFault {
  const places: readonly (readonly [JsonPath, JsonValue | undefined])[] = [
    [[...at, 'validate', 'failureAction'], valueAt(rule, ['validate', 'failureAction'])],
    [['spec', 'validationFailureAction'], valueAt(object, ['spec', 'validationFailureAction'])],
  ];
  const [place, value] = places.find(([, found]) => found !== undefined) ?? [at, 'Audit'];
  const action = asString(value)?.toLowerCase();
  if (action !== 'enforce' && action !== 'audit') return { at: place, message: describeWrong(value, 'Enforce, Audit') };
  const overrides: readonly JsonPath[] = [
    ['spec', 'validationFailureActionOverrides'],
    [...at, 'validate', 'failureActionOverrides'],
  ];
  const untold = overrides
    .filter((path) => asArray(valueAt(object, path)).length > 0)
    .map((path) => ({ at: path, what: 'actions of single namespaces; their label curfew.dev/enforce says it' }));
  const warns = valueAt(object, ['spec', 'emitWarning']) === true;
  // Without admission it only looks at what is stored.
  if (valueAt(object, ['spec', 'admission']) === false) return { mode: 'audit', untold };
  return { mode: action === 'enforce' ? 'enforce' : warns ? 'warn' : 'audit', untold };
}

function readJudgement(rule: JsonObject, at: JsonPath, names: readonly string[] | undefined): Reading {
  const other = OTHER_RULES.find((key) => member(rule, key) !== undefined);
  if (other !== undefined) return leave([...at, other], `Curfew has nothing that does what ${other} does`);
  const mutate = member(rule, 'mutate');
  if (mutate !== undefined) return readMutate(mutate, [...at, 'mutate'], names);
  const validate = member(rule, 'validate');
  if (!isObject(validate)) return leave(at, 'it has neither validate nor mutate');
  if (names !== undefined) return leave([...at, 'match'], 'it is for objects of certain names, and checks are for all');
  return readValidate(validate, [...at, 'validate']);
}

function readValidate(validate: JsonObject, at: JsonPath): Reading {
  const readings: Reading[] = [];
  for (const [key, value] of Object.entries(validate)) {
    const path = [...at, key];
    switch (key) {
      case 'message':
      case 'failureAction':
      case 'failureActionOverrides':
      case 'allowExistingViolations':
        break;
      case 'pattern':
        readings.push(readPattern(value, path));
        break;
      case 'deny':
        readings.push(readDeny(member(value, 'conditions'), [...path, 'conditions']));
        break;
      case 'foreach':
        readings.push(...asArray(value).map((entry, index) => readForeach(entry, [...path, index])));
        break;
      case 'cel':
        readings.push(readCel(value, path));
        break;
      default:
        readings.push(leave(path, `no check is known for ${quote(key)}`));
    }
  }
  return readings.length === 0 ? leave(at, 'it asks for nothing') : joinReadings(readings);
}

function readCel(cel: JsonValue, at: JsonPath): Reading {
  const variables = readVariables(member(cel, 'variables'));
  if (member(cel, 'paramKind') !== undefined) return leave([...at, 'paramKind'], 'parameters are not read');
  const expressions = asArray(member(cel, 'expressions'));
  if (expressions.length === 0) return leave(at, 'it has no expressions');
  return joinReadings(
    expressions.map((entry, index) => {
      const expression = asString(member(entry, 'expression'));
      const path = [...at, 'expressions', index, 'expression'];
      return expression === undefined ? leave(path, 'it is no expression') : readCondition(expression, path, variables);
    }),
  );
}

/** `[{name, expression}]`. */
export function readVariables(list: JsonValue | undefined): ReadonlyMap<string, string> {
  return new Map(
    asArray(list).flatMap((entry) => {
      const [name, expression] = [asString(member(entry, 'name')), asString(member(entry, 'expression'))];
      return name === undefined || expression === undefined ? [] : [[name, expression] as const];
    }),
  );
}

/** A PolicyException of `kyverno.io`: exemptions for the checks that its policies became. */
export function readKyvernoException(object: JsonObject): ImportedPolicy {
  const exceptions = asArray(valueAt(object, ['spec', 'exceptions']));
  if (exceptions.length === 0) {
    return { ...NO_POLICY, faults: [{ at: ['spec', 'exceptions'], message: 'is not a list of policies' }] };
  }
  const left = readExclude(valueAt(object, ['spec', 'match']), ['spec', 'match']);
  const isConditional = valueAt(object, ['spec', 'conditions']) !== undefined;
  const exception: ImportedException = {
    name: nameOfPolicy(object),
    at: ['spec'],
    policies: exceptions.map((entry) => ({
      policy: asString(member(entry, 'policyName')) ?? '',
      rules: asArray(member(entry, 'ruleNames')).flatMap((name) => asString(name) ?? []),
    })),
    scope: isConditional
      ? { exempt: [], unexempt: [{ at: ['spec', 'conditions'], what: 'an exception with conditions' }] }
      : left,
  };
  return { ...NO_POLICY, exceptions: [exception] };
}
