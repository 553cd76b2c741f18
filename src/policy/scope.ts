/**
 * How far Curfew may go with one subject, before any rule is asked. Selectors in the webhook configurations keep most
 * of this away already; it is decided again here, because a selector can be edited and a laptop has none.
 */

import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import { isPod, isPodTemplate } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { isTokenRequest } from '../objects/subject.ts';
import type { Configuration } from './configuration.ts';
import type { CheckMode } from './configuration-schema.ts';

/** Namespaces that hold nothing but leases and public facts: never looked at. */
export const UNWATCHED_NAMESPACES: readonly string[] = ['kube-node-lease', 'kube-public'];

/** Never denied or patched, but warned about and audited: a refused system pod can stop a cluster. */
export const SYSTEM_NAMESPACE = 'kube-system';

export const NODES_GROUP = 'system:nodes';
export const MIRROR_POD_ANNOTATION = 'kubernetes.io/config.mirror';

/** The Secret of a token by which nodes join the cluster; it counts in kube-system alone. */
const BOOTSTRAP_TOKEN_TYPE = 'bootstrap.kubernetes.io/token';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

/**
 * Callers whose roles are not theirs to choose: the API server writes the built-in roles, the aggregation controller
 * copies rules that were judged where they were written. Skipped by caller alone: names and labels are anybody's.
 */
export const RBAC_WRITERS: ReadonlySet<string> = new Set([
  'system:apiserver',
  'system:serviceaccount:kube-system:clusterrole-aggregation-controller',
  'system:kube-controller-manager',
]);

/** Never asked for their tokens: whoever delays these stops nodes or the control plane. */
export const CONTROL_PLANE: ReadonlySet<string> = new Set([
  'system:kube-controller-manager',
  'system:cloud-controller-manager',
  'system:apiserver',
]);

/** Tokens that the API server shows to webhooks (KEP-6060): one that waits for a webhook to be asked for is a deadlock. */
export const WEBHOOK_KINDS: ReadonlySet<string> = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
]);
export const SYSTEM_ACCOUNTS = 'system:serviceaccount:kube-system:';

/** Callers that write the objects their own templates describe. Nobody else can have these names. */
export const WORKLOAD_CONTROLLERS: ReadonlySet<string> = new Set([
  'system:serviceaccount:kube-system:deployment-controller',
  'system:serviceaccount:kube-system:cronjob-controller',
  'system:kube-controller-manager',
]);

/** Callers that make the account `default` of a new namespace; without it no pod can be made there. */
export const ACCOUNT_CONTROLLERS: ReadonlySet<string> = new Set([
  'system:serviceaccount:kube-system:service-account-controller',
  'system:kube-controller-manager',
]);

export type Scope = {
  /** The most a check may do; `off` skips the subject altogether. */
  readonly ceiling: CheckMode;
  readonly mayMutate: boolean;
  /** True where a token that was asked for may be injected: also with `dryRun`, unless that is a dry run of it too. */
  readonly mayInject: boolean;
  /** Would have been denied but for `dryRun`: counted as `would_deny`. */
  readonly isDryRun: boolean;
};

const SKIPPED: Scope = { ceiling: 'off', mayMutate: false, mayInject: false, isDryRun: false };

/** @param ownNamespace - the namespace Curfew itself runs in; empty if it runs in none */
export function scopeOf(configuration: Configuration, subject: Subject, ownNamespace: string): Scope {
  if (isSkipped(configuration, subject, ownNamespace)) return SKIPPED;
  const { dryRun, dryRunInjection } = configuration;
  const isSystem = subject.namespace === SYSTEM_NAMESPACE;
  const ceiling = findCeiling(configuration, subject, isSystem);
  return {
    ceiling,
    mayMutate: !dryRun && !isSystem,
    mayInject: !(dryRun && dryRunInjection) && !isSystem,
    isDryRun: ceiling === 'enforce' && dryRun,
  };
}

function findCeiling(configuration: Configuration, subject: Subject, isSystem: boolean): CheckMode {
  // In kube-system too: nobody reads what a controller is warned about.
  if (isWrittenByItsController(subject) || isDefaultAccountOfNamespace(subject)) return 'audit';
  if (isSystem && !isBootstrapToken(subject)) return 'warn';
  if (isPodTemplate(subject.resource) && !configuration.enforceTemplates) return 'warn';
  return 'enforce';
}

/** True for a namespace in which nothing is ever judged, so that its labels mean nothing either. */
export function isLeftAlone(configuration: Configuration, namespace: string, ownNamespace: string): boolean {
  return (
    (namespace !== '' && namespace === ownNamespace) ||
    UNWATCHED_NAMESPACES.includes(namespace) ||
    configuration.excludedNamespaces.has(namespace)
  );
}

function isSkipped(configuration: Configuration, subject: Subject, ownNamespace: string): boolean {
  return (
    isLeftAlone(configuration, subject.namespace, ownNamespace) ||
    (subject.caller?.groups.includes(NODES_GROUP) ?? false) ||
    isMirrorPod(subject) ||
    isWrittenByRbacController(subject) ||
    isTokenOfControlPlane(subject)
  );
}

function isWrittenByRbacController({ resource, caller }: Subject): boolean {
  return resource.group === RBAC_GROUP && caller !== undefined && RBAC_WRITERS.has(caller.username);
}

/** The match conditions of the entry say the same. */
function isTokenOfControlPlane(subject: Subject): boolean {
  const { object, caller } = subject;
  if (!isTokenRequest(subject)) return false;
  const isByControlPlane =
    caller !== undefined && (CONTROL_PLANE.has(caller.username) || caller.username.startsWith(SYSTEM_ACCOUNTS));
  return isByControlPlane || WEBHOOK_KINDS.has(asString(valueAt(object, ['spec', 'boundObjectRef', 'kind'])) ?? '');
}

function isBootstrapToken({ resource, object }: Subject): boolean {
  return resource.group === '' && resource.name === 'secrets' && valueAt(object, ['type']) === BOOTSTRAP_TOKEN_TYPE;
}

/** Anyone may write the annotation, but such a pod gets no token of any kind, and no kubelet runs it: docs/decisions/0015. */
function isMirrorPod(subject: Subject): boolean {
  return (
    isPod(subject.resource) && valueAt(subject.object, ['metadata', 'annotations', MIRROR_POD_ANNOTATION]) !== undefined
  );
}

/** A ReplicaSet or Job that the controller of its Deployment or CronJob writes: its author was told already. */
function isWrittenByItsController(subject: Subject): boolean {
  return (
    (subject.resource.name === 'replicasets' || subject.resource.name === 'jobs') &&
    subject.caller !== undefined &&
    WORKLOAD_CONTROLLERS.has(subject.caller.username) &&
    asArray(valueAt(subject.object, ['metadata', 'ownerReferences'])).some(
      (owner) =>
        isObject(owner) && member(owner, 'controller') === true && asString(member(owner, 'kind')) !== undefined,
    )
  );
}

/**
 * The account that every namespace has. Its controller (pkg/controller/serviceaccount) would try again and again, and
 * nobody reads its warnings; a `default` that somebody else writes is judged as any other account.
 */
function isDefaultAccountOfNamespace({ resource, name, operation, object, caller }: Subject): boolean {
  return (
    resource.group === '' &&
    resource.name === 'serviceaccounts' &&
    resource.subresource === '' &&
    operation === 'CREATE' &&
    (name === 'default' || valueAt(object, ['metadata', 'name']) === 'default') &&
    caller !== undefined &&
    ACCOUNT_CONTROLLERS.has(caller.username)
  );
}
