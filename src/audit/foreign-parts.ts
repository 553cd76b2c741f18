/** What others have in the cluster that changes or judges the same objects. */

import type { Static } from 'typebox';
import { matchesAny } from '../objects/glob.ts';
import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import { toOneLine } from '../objects/text.ts';
import { BUILT_IN_PRESETS } from '../presets/registry.ts';
import { findOverlaps } from './policy-overlaps.ts';
import { closed, list, oneOf, perhaps, text } from './schema-parts.ts';

const InjectorSchema = closed({
  name: text('Of the MutatingWebhookConfiguration.'),
  webhook: text('Of the entry in it.'),
  knownAs: perhaps(text('What it is, if it is known.')),
});

const PolicySchema = closed({
  engine: oneOf(['kyverno', 'gatekeeper', 'validating-admission-policy', 'mutating-admission-policy', 'other']),
  name: text('`KIND name`, or `KIND namespace/name`.'),
  overlaps: list(text(), 'Ids of the checks that judge what it judges.'),
  detail: text('One sentence.'),
});

export const ForeignPartsSchema = closed({
  injectors: list(InjectorSchema),
  policies: list(PolicySchema),
  unread: perhaps(text('One sentence, if not all of it could be read.')),
});

export type ForeignParts = Static<typeof ForeignPartsSchema>;
export type ForeignInjector = ForeignParts['injectors'][number];
export type ForeignPolicy = ForeignParts['policies'][number];

/** Of meshes and agents, which no preset stands back from; names of their charts' MutatingWebhookConfigurations. */
const KNOWN_INJECTORS: readonly (readonly [knownAs: string, patterns: readonly string[]])[] = [
  ['Istio', ['istio-sidecar-injector*', 'istio-revision-tag-*']],
  ['Linkerd', ['linkerd-proxy-injector-webhook-config']],
  ['Consul', ['*consul*-connect-injector*']],
  ['Kuma', ['kuma-admission-mutating-webhook-configuration']],
  ['Dapr', ['dapr-sidecar-injector']],
  ['Vault agent injector', ['vault-agent-injector-cfg', '*-agent-injector-cfg']],
  ['GCS FUSE', ['gcsfuse-sidecar-injector*', 'gke-gcsfuse*']],
  ['Kyverno', ['kyverno-*']],
  ['Gatekeeper', ['gatekeeper-*']],
  ['cert-manager', ['cert-manager-webhook']],
];

/** What a webhook of this configuration is, if it is known. */
function nameInjector(configuration: string): string | undefined {
  const presets = [...BUILT_IN_PRESETS].flatMap(([id, { foreignWebhooks = [] }]) =>
    matchesAny(foreignWebhooks, configuration) ? [id] : [],
  );
  if (presets.length > 0) return `the scheme of preset ${presets.join(', ')}`;
  return KNOWN_INJECTORS.find(([, patterns]) => matchesAny(patterns, configuration))?.[0];
}

/** The entries of a MutatingWebhookConfiguration that may change new pods. */
export function listInjectors(configuration: JsonValue): readonly ForeignInjector[] {
  const name = toOneLine(asString(valueAt(configuration, ['metadata', 'name'])) ?? '');
  const knownAs = nameInjector(name);
  return asArray(member(configuration, 'webhooks'))
    .filter((webhook) => asArray(member(webhook, 'rules')).some(isOnPods))
    .map((webhook) => ({
      name,
      webhook: toOneLine(asString(member(webhook, 'name')) ?? ''),
      ...(knownAs === undefined ? {} : { knownAs }),
    }));
}

/** True if a rule of a webhook is about new pods. */
export function isOnPods(rule: JsonValue): boolean {
  const has = (key: string, values: readonly string[]) =>
    asArray(member(rule, key)).some((value) => values.includes(asString(value) ?? ''));
  return (
    has('apiGroups', ['', '*']) &&
    has('resources', ['pods', 'pods/*', '*', '*/*']) &&
    has('operations', ['CREATE', '*'])
  );
}

/** Of a ValidatingAdmissionPolicy or MutatingAdmissionPolicy. @param actions - of its bindings: `Deny`, `Warn`, `Audit` */
export function describeAdmissionPolicy(
  engine: 'validating-admission-policy' | 'mutating-admission-policy',
  policy: JsonValue,
  actions: readonly string[],
): ForeignPolicy | undefined {
  const kind = engine === 'validating-admission-policy' ? 'ValidatingAdmissionPolicy' : 'MutatingAdmissionPolicy';
  const rules = asArray(valueAt(policy, ['spec', 'matchConstraints', 'resourceRules']));
  const resources = rules.flatMap((rule) => asArray(member(rule, 'resources')).map((one) => asString(one) ?? ''));
  const doing =
    actions.length === 0 ? 'it has no binding, so it does nothing' : `its bindings say ${actions.join(', ')}`;
  return toPolicy({ engine, name: `${kind} ${nameOf(policy)}`, resources, policy: member(policy, 'spec'), doing });
}

/** Of any kind of the groups kyverno.io and policies.kyverno.io. */
export function describeKyverno(kind: string, policy: JsonValue): ForeignPolicy | undefined {
  const namespace = asString(valueAt(policy, ['metadata', 'namespace']));
  const spec = member(policy, 'spec');
  const rules = asArray(member(spec, 'rules'));
  const matches = rules.map((rule) => member(rule, 'match'));
  const filters = matches.flatMap((match) => [
    match,
    ...asArray(member(match, 'any')),
    ...asArray(member(match, 'all')),
  ]);
  const kinds = filters.flatMap((filter) => asArray(valueAt(filter, ['resources', 'kinds'])));
  const resourceRules = asArray(valueAt(spec, ['matchConstraints', 'resourceRules']));
  const resources = [...kinds, ...resourceRules.flatMap((rule) => asArray(member(rule, 'resources')))].map(
    // A kind may have its group and version before it.
    (one) => (asString(one) ?? '').replace(/^.*\/([A-Z])/, '$1'),
  );
  const actions = [
    asString(member(spec, 'validationFailureAction')),
    ...rules.map((rule) => asString(valueAt(rule, ['validate', 'failureAction']))),
    ...asArray(member(spec, 'validationActions')).map(asString),
  ].filter((action) => action !== undefined);
  const doing =
    actions.length === 0 ? 'it says nothing of an action' : `its action is ${[...new Set(actions)].join(', ')}`;
  const place = namespace === undefined ? '' : `${namespace}/`;
  return toPolicy({ engine: 'kyverno', name: `${kind} ${place}${nameOf(policy)}`, resources, policy: spec, doing });
}

/** @param template - the ConstraintTemplate of its kind, where the rules are */
export function describeConstraint(
  kind: string,
  constraint: JsonValue,
  template: JsonValue | undefined,
): ForeignPolicy | undefined {
  const matches = asArray(valueAt(constraint, ['spec', 'match', 'kinds']));
  const kinds = matches.flatMap((match) => asArray(member(match, 'kinds')).map((one) => asString(one) ?? ''));
  return toPolicy({
    engine: 'gatekeeper',
    name: `${kind} ${nameOf(constraint)}`,
    // Without kinds it is about everything.
    resources: kinds.length === 0 ? ['*', ...EVERYTHING] : kinds,
    policy: [member(constraint, 'spec') ?? null, valueAt(template, ['spec', 'targets']) ?? null],
    doing: `its enforcementAction is ${asString(valueAt(constraint, ['spec', 'enforcementAction'])) ?? 'deny'}`,
  });
}

const EVERYTHING = ['pods', 'secrets', 'serviceaccounts', 'roles', 'rolebindings'];

function nameOf(object: JsonValue): string {
  return toOneLine(asString(valueAt(object, ['metadata', 'name'])) ?? '');
}

type FoundPolicy = Pick<ForeignPolicy, 'engine' | 'name'> & {
  readonly resources: readonly string[];
  readonly policy: unknown;
  readonly doing: string;
};

function toPolicy({ engine, name, resources, policy, doing }: FoundPolicy): ForeignPolicy | undefined {
  const overlaps = findOverlaps(resources, policy);
  if (overlaps.length === 0) return undefined;
  const detail = toOneLine(
    `It names what ${overlaps.join(', ')} ${overlaps.length === 1 ? 'judges' : 'judge'}; ${doing}.`,
  );
  return { engine, name, overlaps, detail };
}
