/**
 * What Kubernetes brings of RBAC, and nobody is asked to mend: a closed list, since the label that the API server puts on it is
 * anybody's to write, and so is a name. From what 1.33, 1.36 and 1.37 make (plugin/pkg/auth/authorizer/rbac/bootstrappolicy);
 * `e2e/rbac.test.ts` compares it with the API server. What a later version brings is judged until it is listed.
 */

import type { JsonObject } from '../json.ts';
import { asArray, asString, member, valueAt } from '../json.ts';

/** Controllers of Kubernetes: each has an account in kube-system, and a ClusterRole and its binding `system:controller:NAME`. */
const CONTROLLERS: readonly string[] = [
  'attachdetach-controller',
  'certificate-controller',
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'daemon-set-controller',
  'deployment-controller',
  'device-taint-eviction-controller',
  'disruption-controller',
  'endpoint-controller',
  'endpointslice-controller',
  'endpointslicemirroring-controller',
  'ephemeral-volume-controller',
  'expand-controller',
  'generic-garbage-collector',
  'horizontal-pod-autoscaler',
  'job-controller',
  'kube-apiserver-serving-clustertrustbundle-publisher',
  'legacy-service-account-token-cleaner',
  'namespace-controller',
  'node-controller',
  'persistent-volume-binder',
  'pod-garbage-collector',
  'podcertificaterequestcleaner',
  'pv-protection-controller',
  'pvc-protection-controller',
  'replicaset-controller',
  'replication-controller',
  'resource-claim-controller',
  'resourcequota-controller',
  'root-ca-cert-publisher',
  'route-controller',
  'selinux-warning-controller',
  'service-account-controller',
  'service-cidrs-controller',
  'service-controller',
  'statefulset-controller',
  'storage-version-migrator-controller',
  'ttl-after-finished-controller',
  'ttl-controller',
  'validatingadmissionpolicy-status-controller',
  'volumeattributesclass-protection-controller',
];

/**
 * Roles in which a check finds something as Kubernetes makes them, those in a namespace as `NAMESPACE/NAME`. The others that
 * it brings are judged as everybody's: what is found in one, somebody has written into it.
 */
const ROLES: ReadonlySet<string> = new Set([
  'admin',
  'cluster-admin',
  'edit',
  'view',
  'system:aggregate-to-edit',
  'system:certificates.k8s.io:kube-apiserver-client-approver',
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver',
  'system:certificates.k8s.io:kubelet-serving-approver',
  'system:certificates.k8s.io:legacy-unknown-approver',
  'system:kube-controller-manager',
  'system:kubelet-api-admin',
  'system:node',
  ...[
    'certificate-controller',
    'clusterrole-aggregation-controller',
    'cronjob-controller',
    'daemon-set-controller',
    'deployment-controller',
    'disruption-controller',
    'generic-garbage-collector',
    'horizontal-pod-autoscaler',
    'job-controller',
    'namespace-controller',
    'persistent-volume-binder',
    'replicaset-controller',
    'replication-controller',
    'resourcequota-controller',
    'statefulset-controller',
    'storage-version-migrator-controller',
  ].map((name) => `system:controller:${name}`),
  'kube-system/system:controller:bootstrap-signer',
  'kube-system/system:controller:token-cleaner',
]);

type Bound = {
  /** `ClusterRole NAME`. */
  readonly role: string;
  /** `KIND NAME`, of accounts `ServiceAccount NAMESPACE/NAME`. */
  readonly subjects: ReadonlySet<string>;
};

const bound = (role: string, ...subjects: readonly string[]): Bound => ({ role, subjects: new Set(subjects) });
const inSystem = (name: string) => `ServiceAccount kube-system/${name}`;

/** By name; those in a namespace by `NAMESPACE/NAME`. */
const BINDINGS: ReadonlyMap<string, Bound> = new Map([
  ...(
    [
      ['cluster-admin', 'Group system:masters'],
      ['system:basic-user', 'Group system:authenticated'],
      ['system:cluster-trust-bundle-discovery', 'Group system:serviceaccounts'],
      ['system:discovery', 'Group system:authenticated'],
      ['system:kube-controller-manager', 'User system:kube-controller-manager'],
      ['system:kube-dns', inSystem('kube-dns')],
      ['system:kube-scheduler', 'User system:kube-scheduler'],
      ['system:monitoring', 'Group system:monitoring'],
      ['system:node'],
      ['system:node-proxier', 'User system:kube-proxy'],
      ['system:public-info-viewer', 'Group system:authenticated', 'Group system:unauthenticated'],
      ['system:service-account-issuer-discovery', 'Group system:serviceaccounts'],
      ['system:volume-scheduler', 'User system:kube-scheduler'],
      ...CONTROLLERS.map((name) => [`system:controller:${name}`, inSystem(name)] as const),
    ] as const
  ).map(([name, ...subjects]) => [name, bound(`ClusterRole ${name}`, ...subjects)] as const),
  ...(
    [
      ['kube-public', 'bootstrap-signer'],
      ['kube-system', 'bootstrap-signer'],
      ['kube-system', 'cloud-provider'],
      ['kube-system', 'token-cleaner'],
    ] as const
  ).map(([namespace, controller]) => {
    const name = `system:controller:${controller}`;
    return [`${namespace}/${name}`, bound(`Role ${name}`, inSystem(controller))] as const;
  }),
  ...['kube-controller-manager', 'kube-scheduler'].map((name) => {
    const lock = `system::leader-locking-${name}`;
    const subjects = [`User system:${name}`, inSystem(name), inSystem('leader-election-controller')];
    return [`kube-system/${lock}`, bound(`Role ${lock}`, ...subjects)] as const;
  }),
  [
    'kube-system/system::extension-apiserver-authentication-reader',
    bound(
      'Role extension-apiserver-authentication-reader',
      'User system:kube-controller-manager',
      'User system:kube-scheduler',
    ),
  ],
]);

export function isBuiltInRole(role: JsonObject): boolean {
  return hasLabel(role) && ROLES.has(nameOf(role));
}

/** False as soon as somebody else is bound by it too, or it binds to something else. */
export function isBuiltInBinding(binding: JsonObject): boolean {
  return listBuiltInSubjects(binding).length === asArray(member(binding, 'subjects')).length && isKnown(binding);
}

/** Of the subjects of a binding, those that Kubernetes itself has put there, as they are written. */
export function listBuiltInSubjects(binding: JsonObject): readonly unknown[] {
  if (!isKnown(binding)) return [];
  const known = BINDINGS.get(nameOf(binding))?.subjects;
  return asArray(member(binding, 'subjects')).filter((subject) => known?.has(describeSubject(subject)) === true);
}

/** By label, name and role. */
function isKnown(binding: JsonObject): boolean {
  const [kind, name] = ['kind', 'name'].map((key) => asString(valueAt(binding, ['roleRef', key])));
  return hasLabel(binding) && BINDINGS.get(nameOf(binding))?.role === `${kind} ${name}`;
}

function describeSubject(subject: unknown): string {
  const [kind = '', namespace = '', name = ''] = ['kind', 'namespace', 'name'].map((key) =>
    asString(member(subject, key)),
  );
  return kind === 'ServiceAccount' ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
}

function hasLabel(object: JsonObject): boolean {
  return valueAt(object, ['metadata', 'labels', 'kubernetes.io/bootstrapping']) === 'rbac-defaults';
}

function nameOf(object: JsonObject): string {
  const [namespace = '', name = ''] = ['namespace', 'name'].map((key) => asString(valueAt(object, ['metadata', key])));
  return namespace === '' ? name : `${namespace}/${name}`;
}
