/** What the checks on pods and pod templates share: what they read, and the keys of what they find. */

import type { ApiAccessSource, DocumentedAccess } from '../objects/api-access.ts';
import { API_ACCESS_ANNOTATION, findDocumentedAccess, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import type { ApiTokens } from '../objects/automount.ts';
import { findApiTokens } from '../objects/automount.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, member, valueAt } from '../objects/json.ts';
import type { FoundPodSpec } from '../objects/pod-spec.ts';
import { findPodSpecs, isPod, POD, serviceAccountOf, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import type { Reads, RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { formatSubject } from '../objects/subject.ts';
import { nameForCommand } from '../objects/text.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { listTokenSources } from '../objects/tokens.ts';
import type { Finding, Note, Outcome } from './define-check.ts';

const AUTOMOUNT_FIELD = 'automountServiceAccountToken';
/** The beginning of a fix. */
export const OPT_OUT = `set ${AUTOMOUNT_FIELD}: false in the pod spec`;

/** Pods at CREATE (their token fields are immutable afterwards), templates at CREATE and UPDATE. */
export const READS_PODS_AND_TEMPLATES: readonly Reads[] = [
  { group: POD.group, resource: POD.resource, operations: ['CREATE'] },
  ...TEMPLATE_KINDS.map(({ group, resource }) => ({
    group,
    resource,
    operations: ['CREATE', 'UPDATE'] as const,
  })),
];

/**
 * The key of a finding about `part` of a pod: its pod, the service account whose token it is, and the part. An update
 * that adds no key is not denied, so the account belongs in it: the same volume with another account is another token.
 */
export function keyOfPart(pod: FoundPodSpec, part: string): string {
  return `${pod.identity === '' ? '' : `${pod.identity}: `}${serviceAccountOf(pod.spec)}/${part}`;
}

/** The key of a finding about one token source. */
export function keyOfSource(pod: FoundPodSpec, source: TokenSource): string {
  return keyOfPart(pod, `${source.volume}/${source.file}`);
}

/** The findings with a key for each: `key#2` where one before has it, since it is another mistake that looks alike. */
export function numberRepeats(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings;
  const times = new Map<string, number>();
  return findings.map((finding) => {
    const time = (times.get(finding.key) ?? 0) + 1;
    times.set(finding.key, time);
    return time === 1 ? finding : { ...finding, key: `${finding.key}#${time}` };
  });
}

/**
 * What `judge` says of each pod spec of a subject.
 *
 * It is a function of the rule's module, which a closure would not be: V8 forgets what it has compiled of a closure once it
 * has collected the last one of it. One that is made in each review is compiled anew after every quiet moment of the server.
 */
export function judgePodSpecs(
  subject: Subject,
  context: RuleContext,
  judge: (pod: FoundPodSpec, context: RuleContext, subject: Subject) => readonly Outcome[],
): readonly Outcome[] {
  const specs = findPodSpecs(subject);
  const [only] = specs;
  if (only === undefined) return [];
  return specs.length === 1 ? judge(only, context, subject) : specs.flatMap((pod) => judge(pod, context, subject));
}

/** Every token source in the pod specs of a subject, with the pod that it is for. */
export function listTokensOfPods(
  subject: Subject,
): readonly { readonly pod: FoundPodSpec; readonly source: TokenSource }[] {
  const found: { readonly pod: FoundPodSpec; readonly source: TokenSource }[] = [];
  for (const pod of findPodSpecs(subject)) {
    for (const source of listTokenSources(pod.spec)) found.push({ pod, source });
  }
  return found;
}

/** The findings without those whose key one before them has: the same mistake, seen twice. */
export function keepFirstOfEachKey(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings;
  const first = new Map<string, Finding>();
  for (const finding of findings) {
    if (!first.has(finding.key)) first.set(finding.key, finding);
  }
  return [...first.values()];
}

/** The API tokens of this pod, with the default one that is still to come. */
export function findApiTokensOfPod(subject: Subject, pod: FoundPodSpec, context: RuleContext): ApiTokens {
  return findApiTokens(pod.spec, {
    isAdmittedPod: isPod(subject.resource),
    serviceAccount: context.serviceAccount(serviceAccountOf(pod.spec)),
    apiAudiences: context.cluster.apiAudiences,
  });
}

/** Whether the need of the API is documented for this pod: on itself, its service account or its namespace. */
export function findAccessOfPod(pod: FoundPodSpec, context: RuleContext): DocumentedAccess {
  return findDocumentedAccess({
    serviceAccount: context.serviceAccount(serviceAccountOf(pod.spec)),
    podMetadata: pod.metadata,
    namespace: context.namespace,
    acceptFrom: context.acceptApiAccessFrom,
  });
}

/** What the reason may stand on, in words: `service account shop/web`. */
export function nameAccessSource(subject: Subject, pod: FoundPodSpec, source: ApiAccessSource): string {
  switch (source) {
    case 'ServiceAccount':
      return `service account ${subject.namespace}/${serviceAccountOf(pod.spec)}`;
    case 'Pod':
      return formatSubject(subject);
    case 'Namespace':
      return `namespace ${subject.namespace}`;
  }
}

/** For the audit log: what a pod may hold an API token for. */
export function toNote(
  subject: Subject,
  pod: FoundPodSpec,
  { source, reason }: { readonly source: ApiAccessSource; readonly reason: string },
): Note {
  return { documented: true, where: nameAccessSource(subject, pod, source), reason };
}

/** Opts the pod out of the default token; who wrote true meant it, and that is for a person to change. */
export function optOut({ path, spec }: FoundPodSpec, otherwise: string): Pick<Finding, 'fix' | 'repair'> {
  const fix = `${OPT_OUT}; ${otherwise}`;
  if (member(spec, AUTOMOUNT_FIELD) === true) return { fix };
  return { fix, repair: { path: [...path, AUTOMOUNT_FIELD], value: false } };
}

/** How a workload gets a service account of its own, which says at once why it needs the API. */
export function describeOwnAccount(subject: Subject): string {
  const { namespace } = subject;
  const own = nameForCommand(nameWorkload(subject), 'NAME');
  return `give it an account of its own: serviceAccountName: ${own}, and {apiVersion: v1, kind: ServiceAccount, metadata: {name: ${own}, namespace: ${nameForCommand(namespace, 'NAMESPACE')}, annotations: {${API_ACCESS_ANNOTATION}: "${REASON_PLACEHOLDER}"}}}`;
}

/** What people call the pod's workload: without the endings that its controllers gave it, which are others each time. */
function nameWorkload({ name, object }: Subject): string {
  const prefix = asString(valueAt(object, ['metadata', 'generateName']))?.replace(/-$/, '');
  if (prefix === undefined || prefix === '') return name;
  const hash = asString(valueAt(object, ['metadata', 'labels', 'pod-template-hash']));
  return hash !== undefined && prefix.endsWith(`-${hash}`) ? prefix.slice(0, -hash.length - 1) : prefix;
}

/** How to write the reason down, where it counts: the end of a sentence about what to do instead. */
export function describeDocumenting(
  subject: Subject,
  spec: JsonObject,
  acceptFrom: readonly ApiAccessSource[],
): string {
  const annotation = `${API_ACCESS_ANNOTATION}="${REASON_PLACEHOLDER}"`;
  const namespace = nameForCommand(subject.namespace, 'NAMESPACE');
  if (acceptFrom.includes('ServiceAccount')) {
    const account = serviceAccountOf(spec);
    // What is documented on the account of the whole namespace would hold for whatever names no account.
    if (account === 'default') return `or, if it calls the Kubernetes API, ${describeOwnAccount(subject)}`;
    return `or, if it calls the Kubernetes API, say why: kubectl annotate serviceaccount ${nameForCommand(account, 'ACCOUNT')} --namespace ${namespace} ${annotation}`;
  }
  if (acceptFrom.includes('Pod')) {
    return `or, if it calls the Kubernetes API, say why in the annotations of the pod: ${API_ACCESS_ANNOTATION}: "${REASON_PLACEHOLDER}"`;
  }
  return `or, if it calls the Kubernetes API, say why: kubectl annotate namespace ${namespace} ${annotation}`;
}
