/** Examples as subjects: how a manifest becomes what a rule judges when no API server stands between. */

import type { Check, Example } from '../checks/define-check.ts';
import type { Mutation, MutationExample, MutationSettings } from '../mutations/define-mutation.ts';
import { ASKED_FOR } from '../mutations/define-mutation.ts';
import injectToken from '../mutations/inject-token.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, member, valueAt } from '../objects/json.ts';
import { resourceOf } from '../objects/manifest.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import type { Lookup, NamespaceView, ServiceAccountView, TokenSecretView } from '../objects/views.ts';
import { toNamespaceView, toServiceAccountView } from '../objects/views.ts';
import { asAdmitted } from './as-admitted.ts';
import { toMutationSettings } from './mutation-settings.ts';

/** The subject that the API server would make of this example's manifest, before its own plugins. */
export function toExampleSubject(example: Pick<Example, 'subject'>): Subject {
  const { object, oldObject, operation, caller } = example.subject;
  const kind = asString(member(object, 'kind')) ?? '';
  return {
    operation: operation ?? 'CREATE',
    resource: resourceOf(object, example.subject.subresource),
    kind,
    namespace: asString(valueAt(object, ['metadata', 'namespace'])) ?? '',
    name: asString(valueAt(object, ['metadata', 'name'])) ?? '',
    object,
    ...(oldObject === undefined ? {} : { oldObject }),
    ...(caller === undefined ? {} : { caller: { groups: [], ...caller } }),
  };
}

/** The moment at which examples are judged, in ms since the epoch. */
export const EXAMPLE_NOW = Date.UTC(2026, 0, 1);

/** Issuer and API audience of the cluster in which examples are judged, as nearly every cluster has them. */
export const EXAMPLE_ISSUER = 'https://kubernetes.default.svc';

export type PreparedExample = {
  /** As webhooks see it: with what the API server's own plugins add. */
  readonly subject: Subject;
  readonly context: Omit<RuleContext, 'level'>;
  readonly settings: { readonly options: JsonObject; readonly limits: unknown };
};

export type PreparedMutationExample = {
  readonly subject: Subject;
  readonly settings: MutationSettings<unknown>;
};

/** All that `check.evaluate` is given for this example: what the example says, else a plain account and no Secrets. */
export function prepareExample(check: Pick<Check, 'levels' | 'defaults'>, example: Example): PreparedExample {
  const limits = check.levels[example.level] ?? check.levels.restricted;
  return { ...prepare(example), settings: { options: { ...check.defaults, ...example.options }, limits } };
}

/** All that `mutation.mutate` is given for this example, but the draft. */
export function prepareMutationExample(mutation: Mutation, example: MutationExample): PreparedMutationExample {
  const { subject, context } = prepare(example);
  const options = { ...mutation.defaults, ...example.options };
  const settings = toMutationSettings(mutation, {
    context: { ...context, level: mutation.level === ASKED_FOR ? 'baseline' : mutation.level },
    options,
    checkOptions: example.checkOptions,
    injection: injectToken.injects?.(mutation === injectToken ? options : injectToken.defaults),
  });
  return { subject, settings };
}

function prepare(example: Pick<Example, 'subject' | 'context'>): Pick<PreparedExample, 'subject' | 'context'> {
  const { context = {} } = example;
  const account = toExampleAccount(context.serviceAccount);
  const subject = asAdmitted(toExampleSubject(example), account);
  return {
    subject,
    context: {
      now: EXAMPLE_NOW,
      cluster: { apiAudiences: [EXAMPLE_ISSUER], issuers: [EXAMPLE_ISSUER] },
      namespace: toExampleNamespace(context.namespace, subject.namespace),
      serviceAccount: () => account,
      tokenSecret: (name) => toExampleSecret(context.tokenSecrets, { namespace: subject.namespace, name }),
      mutatingWebhooks: { state: 'found', value: context.mutatingWebhooks ?? [] },
      acceptApiAccessFrom: context.acceptApiAccessFrom ?? ['ServiceAccount'],
    },
  };
}

function toExampleAccount(given: JsonObject | 'absent' | undefined): Lookup<ServiceAccountView> {
  if (given === 'absent') return { state: 'absent' };
  const plain = { metadata: { name: 'web', namespace: 'shop' } };
  const value = toServiceAccountView(given ?? plain);
  return value === undefined
    ? { state: 'unknown', why: 'the example is not a service account' }
    : { state: 'found', value };
}

function toExampleNamespace(given: JsonObject | undefined, name: string): Lookup<NamespaceView> {
  const value = toNamespaceView(given ?? { metadata: { name } });
  return value === undefined ? { state: 'absent' } : { state: 'found', value };
}

function toExampleSecret(
  given: Readonly<Record<string, string>> | 'unknown' | undefined,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Lookup<TokenSecretView> {
  if (given === 'unknown') return { state: 'unknown', why: 'the index of token Secrets is off' };
  const account = given !== undefined && Object.hasOwn(given, name) ? given[name] : undefined;
  return account === undefined ? { state: 'absent' } : { state: 'found', value: { namespace, name, account } };
}
