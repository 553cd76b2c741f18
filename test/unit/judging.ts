/** Judging in tests: real configuration, real scope, real checks; only the lookups are given. */

import type { Check } from '../../src/checks/define-check.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { type Judgement, judge } from '../../src/engine/evaluate.ts';
import { toVerdict, type Verdict } from '../../src/engine/verdict.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import type { RuleContext } from '../../src/objects/rule-context.ts';
import type { Subject } from '../../src/objects/subject.ts';
import {
  type Lookup,
  type NamespaceView,
  type ServiceAccountView,
  toServiceAccountView,
} from '../../src/objects/views.ts';
import { type Configuration, EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { effectiveLevels } from '../../src/policy/level.ts';
import { scopeOf } from '../../src/policy/scope.ts';

export const API_AUDIENCE = 'https://kubernetes.default.svc';

/** A service account `shop/web` that says nothing. */
export const PLAIN_ACCOUNT: Lookup<ServiceAccountView> = account({});

export type Setting = {
  readonly configuration?: JsonObject;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccount?: Lookup<ServiceAccountView>;
  readonly checks?: readonly Check[];
  readonly ownNamespace?: string;
  /** Wins over everything above. */
  readonly context?: Partial<RuleContext>;
};

export function account(fields: JsonObject, annotations: JsonObject = {}): Lookup<ServiceAccountView> {
  const view = toServiceAccountView({ metadata: { name: 'web', namespace: 'shop', annotations }, ...fields });
  if (view === undefined) throw new Error('the account has a name');
  return { state: 'found', value: view };
}

/** Compiling the schema takes milliseconds, and properties ask hundreds of times for the same few configurations. */
const configurations = new Map<string, Configuration>();

/** The configuration of a file with these keys beside apiVersion and kind. */
export function configure(keys: JsonObject = {}): Configuration {
  const text = JSON.stringify(keys);
  const known = configurations.get(text);
  if (known !== undefined) return known;
  const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  configurations.set(text, result.configuration);
  return result.configuration;
}

export function found(name: string, labels: Readonly<Record<string, string>> = {}): Lookup<NamespaceView> {
  return { state: 'found', value: { name, labels: new Map(Object.entries(labels)), annotations: new Map() } };
}

export function contextOf(subject: Subject, setting: Setting): Omit<RuleContext, 'level'> {
  return {
    now: 0,
    cluster: { apiAudiences: [API_AUDIENCE], issuers: [API_AUDIENCE] },
    namespace: found(subject.namespace, setting.labels),
    serviceAccount: () => setting.serviceAccount ?? PLAIN_ACCOUNT,
    tokenSecret: () => ({ state: 'absent' }),
    mutatingWebhooks: { state: 'found', value: [] },
    acceptApiAccessFrom: configure(setting.configuration).apiAccess.acceptFrom,
    ...setting.context,
  };
}

/** The whole way of the checks, as the server goes it. */
export function judgeWith(
  subject: Subject,
  setting: Setting = {},
): { readonly judgement: Judgement; readonly verdict: Verdict } {
  const configuration = configure(setting.configuration);
  const context = contextOf(subject, setting);
  const levels = effectiveLevels(configuration, subject.namespace, context.namespace);
  const scope = scopeOf(configuration, subject, setting.ownNamespace ?? '');
  const judgement = judge(subject, { checks: setting.checks ?? CHECKS, configuration, scope, levels, context });
  return { judgement, verdict: toVerdict(subject, judgement, levels.notes) };
}
