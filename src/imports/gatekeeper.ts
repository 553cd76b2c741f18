/**
 * Constraints of Gatekeeper, and the templates that give them their meaning. A template that is there is read: its CEL as
 * such, its Rego by the fields and values that it compares. Without it the kind of the constraint has to do.
 */

import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import type { ExemptionMatch } from '../policy/exemption.ts';
import { readCondition } from './cel.ts';
import type { ImportedMode, ImportedPolicy, PolicyFault } from './imported-rule.ts';
import { describeWrong, NO_POLICY, nameOfPolicy } from './imported-rule.ts';
import { readVariables } from './kyverno.ts';
import { namesOfSelector } from './kyverno-scope.ts';
import type { Form, Reading } from './reading.ts';
import { claim, claimSubject, joinReadings, leave } from './reading.ts';
import { readRoleShapes } from './role-shape.ts';
import type { Scope, Untold } from './scope.ts';
import { areExact, fitsExemption, kindOf } from './scope.ts';

const MOST_REGO = 64 * 1024;
const ACTIONS: ReadonlyMap<string, ImportedMode> = new Map([
  ['deny', 'enforce'],
  ['warn', 'warn'],
  ['dryrun', 'audit'],
]);

/** Templates by the kind of constraint that they define. */
export type Templates = ReadonlyMap<string, JsonObject>;

export function kindOfTemplate(template: JsonObject): string | undefined {
  return asString(valueAt(template, ['spec', 'crd', 'spec', 'names', 'kind']));
}

export function readConstraint(object: JsonObject, templates: Templates): ImportedPolicy {
  const spec = member(object, 'spec');
  const mode = readAction(spec);
  if (typeof mode !== 'string') return { ...NO_POLICY, faults: [mode] };
  const kind = asString(member(object, 'kind')) ?? '';
  const template = templates.get(kind);
  const parameters = member(spec, 'parameters');
  const reading = template === undefined ? readByKind(kind, parameters) : readTemplate(template, kind, parameters);
  const { scope, untold } = readMatch(member(spec, 'match'));
  const rule = {
    policy: nameOfPolicy(object),
    rule: undefined,
    at: ['spec'],
    mode,
    judgesTemplates: false,
    scope,
    reading,
    untold,
  };
  return { ...NO_POLICY, rules: [rule] };
}

/** `deny` is what a constraint does that says nothing; with `scoped` it is what it says for the webhook. */
function readAction(spec: JsonValue | undefined): ImportedMode | PolicyFault {
  const at: JsonPath = ['spec', 'enforcementAction'];
  const action = member(spec, 'enforcementAction') ?? 'deny';
  if (action !== 'scoped') {
    return ACTIONS.get(asString(action) ?? '') ?? { at, message: describeWrong(action, 'deny, warn, dryrun, scoped') };
  }
  const scoped = asArray(member(spec, 'scopedEnforcementActions')).flatMap((entry) => {
    const points = asArray(member(entry, 'enforcementPoints')).map((point) => asString(member(point, 'name')));
    const isForAdmission = points.some(
      (point) => point === '*' || point?.includes('admission') || point?.includes('webhook'),
    );
    return isForAdmission ? [ACTIONS.get(asString(member(entry, 'action')) ?? '')] : [];
  });
  return (['enforce', 'warn'] as const).find((mode) => scoped.includes(mode)) ?? 'audit';
}

/** Constraints of the Gatekeeper library and of Google's Policy Controller. */
const KNOWN_KINDS: Readonly<Record<string, (at: JsonPath, by: string) => Reading>> = {
  K8sPSPAutomountServiceAccountTokenPod: (at, by) => claim('podOptOut', at, by),
  K8sRestrictAutomountServiceAccountTokens: (at, by) =>
    joinReadings([claim('podOptOut', at, by), claim('accountOptOut', at, by)]),
  K8sDisallowAnonymous: claimAnonymous,
  K8sBlockCreationWithDefaultServiceAccount: (at, by) => claim('defaultAccount', at, by),
  K8sProhibitRoleWildcardAccess: (at) => readRoleShapes([{ resources: ['*'] }], at),
};

function claimAnonymous(at: JsonPath): Reading {
  return joinReadings(['system:anonymous', 'system:unauthenticated'].map((name) => claimSubject(name, at)));
}

function readByKind(kind: string, parameters: JsonValue | undefined): Reading {
  const known = Object.hasOwn(KNOWN_KINDS, kind) ? KNOWN_KINDS[kind] : undefined;
  if (known === undefined)
    return leave(['kind'], `no check is known for ${quote(kind)}; give its ConstraintTemplate too`);
  return joinReadings([known(['kind'], `the kind ${kind}, without its template`), readParameters(parameters)]);
}

function readParameters(parameters: JsonValue | undefined): Reading {
  const names = isObject(parameters) ? Object.keys(parameters) : [];
  return joinReadings(
    names.map((name) => leave(['spec', 'parameters', name], `the parameter ${quote(name)} has no words in Curfew`)),
  );
}

function readTemplate(template: JsonObject, kind: string, parameters: JsonValue | undefined): Reading {
  const target = asArray(valueAt(template, ['spec', 'targets']))[0];
  const code = asArray(member(target, 'code'));
  const native = code.find((one) => asString(member(one, 'engine')) === 'K8sNativeValidation');
  if (native !== undefined) return joinReadings([readNative(native), readParameters(parameters)]);
  const rego = asString(member(target, 'rego')) ?? asString(valueAt(code[0], ['source', 'rego']));
  if (rego === undefined) return leave(['kind'], `the template of ${quote(kind)} has neither Rego nor CEL`);
  if (rego.length > MOST_REGO)
    return leave(['kind'], `the Rego of ${quote(kind)} has more than ${MOST_REGO} characters`);
  return joinReadings([readRego(rego, kind), readParameters(parameters)]);
}

/** Places are those of the constraint: what is in the template is told in words. */
function readNative(code: JsonValue): Reading {
  const source = member(code, 'source');
  const variables = readVariables(member(source, 'variables'));
  const validations = asArray(member(source, 'validations'));
  if (validations.length === 0) return leave(['kind'], 'its template has no validations');
  return joinReadings(
    validations.map((entry) => readCondition(asString(member(entry, 'expression')) ?? '', ['kind'], variables)),
  );
}

type RegoForm = { readonly form: Form; readonly has: readonly RegExp[] };

/** Comparisons that make a violation; all of a row must be in the Rego. */
const REGO_FORMS: readonly RegoForm[] = [
  { form: 'tokenSecret', has: [/\.type == "kubernetes\.io\/service-account-token"/] },
  {
    form: 'podOptOut',
    has: [/\.automountServiceAccountToken == true/, /"\/var\/run\/secrets\/kubernetes\.io\/serviceaccount"/],
  },
  { form: 'podOptOut', has: [/not [\w.]*spec\.automountServiceAccountToken == false/] },
  { form: 'podNotTrue', has: [/spec\.automountServiceAccountToken == true/] },
  { form: 'accountOptOut', has: [/not [\w.]*object\.automountServiceAccountToken == false/] },
  { form: 'defaultAccount', has: [/\.serviceAccountName == "default"/] },
  { form: 'clusterAdmin', has: [/\.roleRef\.name == "cluster-admin"/] },
];

/**
 * Rego is a language, and this no interpreter: a comparison that stands in it says what it is about. Whoever has
 * written something else around it finds it named.
 */
function readRego(rego: string, kind: string): Reading {
  const at: JsonPath = ['kind'];
  const text = rego.replaceAll(/#.*$/gm, '').replaceAll(/[ \t]+/g, ' ');
  const found = REGO_FORMS.find(({ has }) => has.every((pattern) => pattern.test(text)));
  if (found !== undefined) return claim(found.form, at, `the Rego of its template (${kind})`);
  const subjects = [...text.matchAll(/\.name == "(system:[a-z:]+)"/g)].flatMap(([, name]) => name ?? []);
  if (subjects.length > 0) return joinReadings([...new Set(subjects)].map((name) => claimSubject(name, at)));
  const lists = [...text.matchAll(/\.(verbs|resources|apiGroups)\[_\] == "([^"]+)"/g)];
  const shapes = lists.flatMap(([, list, entry]) =>
    list === undefined || entry === undefined ? [] : [{ [list]: [entry] }],
  );
  if (shapes.length === 1) return readRoleShapes(shapes, at);
  return leave(at, `no check is known for the Rego of ${quote(kind)}`);
}

function strings(value: JsonValue | undefined): readonly string[] {
  return asArray(value).flatMap((one) => asString(one) ?? []);
}

function readMatch(match: JsonValue | undefined): { readonly scope: Scope; readonly untold: readonly Untold[] } {
  const at: JsonPath = ['spec', 'match'];
  const kinds = asArray(member(match, 'kinds')).flatMap((entry) => strings(member(entry, 'kinds')));
  const exempt: ExemptionMatch[] = [];
  const unexempt: Untold[] = [];
  const narrowed: Untold[] = [];
  const namespaces = strings(member(match, 'namespaces'));
  const excluded = strings(member(match, 'excludedNamespaces'));
  if (excluded.length > 0) {
    if (fitsExemption('namespaces', excluded)) exempt.push({ namespaces: excluded });
    else unexempt.push({ at: [...at, 'excludedNamespaces'], what: 'an exception for namespaces' });
  }
  const isExact = areExact(namespaces);
  if (!isExact) narrowed.push({ at: [...at, 'namespaces'], what: 'match by patterns of namespaces' });
  const selector = member(match, 'namespaceSelector');
  if (selector !== undefined) {
    const left = namesOfSelector(selector, 'NotIn');
    if (left !== undefined && fitsExemption('namespaces', left)) exempt.push({ namespaces: left });
    else narrowed.push({ at: [...at, 'namespaceSelector'], what: 'match by labels of namespaces' });
  }
  for (const key of ['labelSelector', 'name', 'scope', 'source']) {
    const value = member(match, key);
    if (value !== undefined && value !== '*' && value !== 'All' && value !== 'Original')
      narrowed.push({ at: [...at, key], what: `match by ${key}` });
  }
  const scope: Scope = {
    kinds: kinds.flatMap((kind) => kindOf(kind) ?? []),
    names: undefined,
    namespaces: namespaces.length === 0 || !isExact ? undefined : namespaces,
    narrowed,
    exempt,
    unexempt,
  };
  return { scope, untold: [] };
}
