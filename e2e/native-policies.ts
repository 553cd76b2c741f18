/** Native policies in a cluster, and what the engine says of the same objects. */

import { setTimeout as sleep } from 'node:timers/promises';
import { kubernetesFolder, parseVersion } from '../scripts/tool-versions.ts';
import { CEL_FORMS } from '../src/checks/cel/registry.ts';
import type { Check, Finding } from '../src/checks/define-check.ts';
import { CHECKS } from '../src/checks/registry.ts';
import type { Result } from '../src/engine/evaluate.ts';
import { judge } from '../src/engine/evaluate.ts';
import { formatAudit, formatExempted, formatWarning } from '../src/engine/message.ts';
import type { NativeOptions } from '../src/native/native-options.ts';
import { renderPolicies } from '../src/native/render-policies.ts';
import { asArray, asString, type JsonObject, valueAt } from '../src/objects/json.ts';
import type { RuleContext } from '../src/objects/rule-context.ts';
import type { Subject } from '../src/objects/subject.ts';
import type { Lookup, NamespaceView } from '../src/objects/views.ts';
import type { Configuration } from '../src/policy/configuration.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../src/policy/configuration.ts';
import { AUDIT_KEYS } from '../src/policy/labels.ts';
import { effectiveLevels } from '../src/policy/level.ts';
import { scopeOf } from '../src/policy/scope.ts';
import type { Answer, ApiClient, Caller, SendOptions } from './api-client.ts';
import { toFolder } from './test-cluster.ts';

const CLUSTER = { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] };
const OWN_NAMESPACE = 'curfew-system';
/** Of the control plane that the tests start: 37 for 1.37. */
export const KUBERNETES_MINOR = parseVersion(kubernetesFolder(process.env)).minor;
const API = '/apis/admissionregistration.k8s.io/v1';

const PLURALS: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
  MutatingAdmissionPolicy: 'mutatingadmissionpolicies',
  MutatingAdmissionPolicyBinding: 'mutatingadmissionpolicybindings',
};

export function toConfiguration(keys: JsonObject): Configuration {
  const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.configuration;
}

/** @param options.now - in ms since the epoch: when they are rendered */
export function render(
  configuration: Configuration,
  {
    minor = KUBERNETES_MINOR,
    nodeTokens = 'off',
    now = Date.now(),
  }: Partial<Pick<NativeOptions, 'minor' | 'nodeTokens' | 'now'>> = {},
): readonly JsonObject[] {
  const options = {
    engine: 'native' as const,
    nodeTokens,
    configuration,
    cluster: CLUSTER,
    ownNamespace: OWN_NAMESPACE,
    level: undefined,
    now,
    minor,
  };
  return renderPolicies(options).objects;
}

export type NativePolicies = {
  /** Makes exactly these policies the ones in force, and waits until they are. */
  apply(objects: readonly JsonObject[]): Promise<void>;
};

/** The policies of a cluster; only what differs from what was applied before is sent. */
export function createPolicies(api: ApiClient): NativePolicies {
  let applied = new Map<string, string>();
  let revision = 0;
  return {
    async apply(objects) {
      const wanted = new Map(objects.map((object) => [pathOfPolicy(object), JSON.stringify(object)]));
      for (const path of [...applied.keys()].filter((path) => !wanted.has(path)).toReversed()) {
        expectStatus(await api.send(path, { method: 'DELETE' }), path);
      }
      for (const [path, text] of wanted) {
        if (applied.get(path) === text) continue;
        await put(api, path, JSON.parse(text) as JsonObject);
      }
      applied = wanted;
      revision += 1;
      await waitFor(api, `probe-${revision}.test`);
    },
  };
}

function pathOfPolicy(object: JsonObject): string {
  const plural = PLURALS[asString(object['kind']) ?? ''] ?? '';
  return `${API}/${plural}/${asString(valueAt(object, ['metadata', 'name'])) ?? ''}`;
}

async function put(api: ApiClient, path: string, object: JsonObject): Promise<void> {
  const before = await api.get(path);
  if (before.status === 404) {
    expectStatus(await api.create(path.slice(0, path.lastIndexOf('/')), object), path);
    return;
  }
  const resourceVersion = valueAt(JSON.parse(before.body), ['metadata', 'resourceVersion']) ?? null;
  const metadata = { ...(object['metadata'] as JsonObject), resourceVersion };
  expectStatus(await api.send(path, { method: 'PUT', object: { ...object, metadata } }), path);
}

function expectStatus({ status, body }: Answer, path: string): void {
  if (status < 200 || status > 299) throw new Error(`${path}: the API server answered ${status}: ${body}`);
}

const MOST_PROBES = 300;

/**
 * Puts a policy and a binding behind the others and asks until they are in force: the API server reads policies and
 * bindings by a watch each, in the order of their changes, and takes all that it knows at once. Both are new, of a name that
 * was never there: an old binding would do for a new policy, and say nothing of how far the other watch is.
 */
async function waitFor(api: ApiClient, name: string): Promise<void> {
  const metadata = { name };
  const [policies, bindings] = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'];
  const words = `${name} is in force`;
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] };
  await put(api, `${API}/${policies}/${name}`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: {
      matchConstraints: { resourceRules: [rule] },
      matchConditions: [{ name: 'probe', expression: 'object.metadata.name == "native-probe"' }],
      validations: [{ expression: 'false', message: words }],
    },
  });
  await put(api, `${API}/${bindings}/${name}`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: name, validationActions: ['Deny'] },
  });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'native-probe' } };
  for (let tries = 0; tries < MOST_PROBES; tries += 1) {
    const { body } = await api.send('/api/v1/namespaces/default/configmaps?dryRun=All', { method: 'POST', object });
    if (body.includes(words)) {
      for (const kind of [bindings, policies]) await api.send(`${API}/${kind}/${name}`, { method: 'DELETE' });
      return;
    }
    await sleep(50);
  }
  throw new Error(`${name} is not in force after ${MOST_PROBES} tries`);
}

/** Where an object of this kind is made; its name follows for what is changed. */
export function pathOf(object: JsonObject, namespace: string): string {
  if (object['kind'] === 'TokenRequest') {
    return `/api/v1/namespaces/${namespace}/serviceaccounts/${asString(valueAt(object, ['metadata', 'name'])) ?? ''}/token`;
  }
  return toFolder({ ...object, metadata: { ...(object['metadata'] as JsonObject | undefined), namespace } });
}

export type Sent = Answer & { readonly denial: string; readonly told: readonly string[] };

/** Sends it, and reads what the policies said, each without the name of its policy. */
export async function sendNatively(
  api: ApiClient,
  { path, as, ...request }: SendOptions & { readonly path: string },
): Promise<Sent> {
  const answer = await api.send(path, { ...request, ...(as === undefined ? {} : { as: withEveryRight(as) }) });
  const told = (answer.warnings ?? []).flatMap((text) => {
    const [, words] = / with binding '[^']+': (curfew .*)$/s.exec(text) ?? [];
    return words === undefined ? [] : [words];
  });
  const [, denial = ''] = / denied request: (curfew .*)$/s.exec(readMessage(answer.body)) ?? [];
  return { ...answer, denial, told: told.toSorted() };
}

/** So that only a policy can refuse. */
function withEveryRight({ username, groups = [] }: Caller): Caller {
  return { username, groups: ['system:masters', ...groups] };
}

function readMessage(body: string): string {
  return asString(valueAt(JSON.parse(body), ['message'])) ?? '';
}

export type EngineWords = {
  readonly denials: readonly string[];
  /** Sorted. */
  readonly warnings: readonly string[];
  /** `KEY: WORDS` for each check and effect, sorted. */
  readonly records: readonly string[];
};

export type EngineOptions = {
  /** Ids; by default all that have a form in CEL. */
  readonly checks?: ReadonlySet<string>;
  readonly configuration: Configuration;
  readonly namespace: Lookup<NamespaceView>;
  /** In ms since the epoch; now by default. */
  readonly now?: number;
};

/** What a policy knows beside the object. */
export function toContext(configuration: Configuration, namespace: Lookup<NamespaceView>): Omit<RuleContext, 'level'> {
  const unknown = { state: 'unknown', why: 'a policy sees no other object' } as const;
  return {
    now: Date.now(),
    cluster: CLUSTER,
    namespace,
    serviceAccount: () => unknown,
    tokenSecret: () => unknown,
    mutatingWebhooks: unknown,
    acceptApiAccessFrom: configuration.apiAccess.acceptFrom,
  };
}

/** What the engine says of what has a form in CEL, one line a check. */
export function askEngine(
  subject: Subject,
  { configuration, namespace, checks, now = Date.now() }: EngineOptions,
): EngineWords {
  const context = { ...toContext(configuration, namespace), now };
  const { results, exempted } = judge(subject, {
    checks: CHECKS.filter(({ id }) => formsOf(id).length > 0 && (checks?.has(id) ?? true)),
    configuration,
    scope: scopeOf(configuration, subject, OWN_NAMESPACE),
    levels: effectiveLevels(configuration, subject.namespace, namespace),
    context,
  });
  const known = withForms(results);
  const spared = exempted.filter(({ results: some }) => withForms(some).length > 0);
  const of = (effect: Result['effect']) => known.filter((result) => result.effect === effect);
  const denied = new Set([...of('deny'), ...of('would_deny')].map(({ check }) => check.id));
  const warned = of('warn').filter(({ check }) => !denied.has(check.id));
  return {
    denials: of('deny').map((result) => toLine(subject, result, false)),
    warnings: [
      ...of('would_deny').map((result) => toLine(subject, result, true)),
      ...warned.map((result) => toLine(subject, result, false)),
    ].toSorted(),
    records: [
      ...known.map((result) => `${AUDIT_KEY[result.effect]}: ${formatAudit([result])}`),
      ...spared.map((one) => `${AUDIT_KEYS.exempt}: ${formatExempted([one])}`),
    ].toSorted(),
  };
}

const AUDIT_KEY: Readonly<Record<Result['effect'], string>> = {
  deny: AUDIT_KEYS.deny,
  would_deny: AUDIT_KEYS.wouldDeny,
  warn: AUDIT_KEYS.warn,
  audit: AUDIT_KEYS.audit,
};

/** The results with the findings that a form in CEL may have. */
function withForms(results: readonly Result[]): readonly Result[] {
  return results.flatMap((result) => {
    const reasons = new Set(formsOf(result.check.id).flatMap(({ reasons }) => reasons));
    const findings = result.findings.filter(({ reason }) => reasons.has(reason));
    return findings.length === 0 ? [] : [{ ...result, findings }];
  });
}

export function formsOf(id: string) {
  const forms = CEL_FORMS.get(id) ?? [];
  return 'without' in forms ? [] : forms;
}

/** The line of a warning, with the place of the first finding behind the check. */
function toLine(
  subject: Subject,
  {
    check,
    findings,
  }: { readonly check: Pick<Check, 'id' | 'fix' | 'shortFix'>; readonly findings: readonly Finding[] },
  wouldDeny: boolean,
): string {
  const line = formatWarning(subject, { check, findings }, wouldDeny);
  const start = `curfew ${check.id}${wouldDeny ? ' (would deny)' : ''}`;
  return `${start} at ${findings[0]?.path ?? ''}${line.slice(start.length)}`;
}

/** Warnings of the API server's type checker, which looks at each policy once it is there. */
export async function listTypeWarnings(api: ApiClient): Promise<readonly string[]> {
  for (let tries = 0; tries < MOST_PROBES; tries += 1) {
    const { body } = await api.get(`${API}/validatingadmissionpolicies`);
    const items = asArray(valueAt(JSON.parse(body), ['items']));
    const isChecked = items.every(
      (item) => valueAt(item, ['status', 'observedGeneration']) === valueAt(item, ['metadata', 'generation']),
    );
    if (isChecked) {
      return items.flatMap((item) =>
        asArray(valueAt(item, ['status', 'typeChecking', 'expressionWarnings'])).map(
          (warning) => `${asString(valueAt(item, ['metadata', 'name'])) ?? ''}: ${JSON.stringify(warning)}`,
        ),
      );
    }
    await sleep(50);
  }
  throw new Error('the policies are not type-checked');
}
