/** What a cluster holds before Curfew comes to it: objects that it would refuse, and must never get in the way of. */

import type { JsonObject } from '../src/objects/json.ts';
import { cronJob, deployment, pod, tokenSecret } from './test-cluster.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** As kubectl names them: every object of `oldObjects` that people label and annotate. */
export const OLD_NAMES: readonly string[] = [
  'secret/kept',
  'configmap/plain',
  'serviceaccount/web',
  'serviceaccount/legacy',
  'role/wide',
  'rolebinding/wide',
  'pod/old',
  'deployment/old',
  'cronjob/old',
];

/** One of everything; `finalizers` hold some of it back when it is deleted. */
export function oldObjects(finalizers: readonly string[] = []): JsonObject {
  const hold = (object: JsonObject): JsonObject => ({
    ...object,
    metadata: { ...(object['metadata'] as JsonObject), finalizers },
  });
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      hold(account('web')),
      { ...account('legacy'), secrets: [{ name: 'listed' }] },
      account('leaving'),
      hold(tokenSecret('kept', 'web')),
      tokenSecret('emptied', 'web'),
      tokenSecret('listed', 'legacy'),
      tokenSecret('orphaned', 'leaving'),
      hold({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' }, data: { a: 'b' } }),
      hold(role('wide', EVERYTHING)),
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'RoleBinding',
        metadata: { name: 'wide' },
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'default' }],
      },
      pod('old'),
      hold(deployment('old')),
      cronJob('old', { automountServiceAccountToken: true }),
    ],
  };
}

const EVERYTHING: JsonObject = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };

export function role(name: string, rule: JsonObject): JsonObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules: [rule] };
}

/** Roles that are in no namespace, which are judged at a level of their own. */
export function oldClusterObjects(name: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules: [EVERYTHING] },
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
      },
    ],
  };
}

/** A kind of somebody else, served in a version that Curfew names and in one that it does not. */
export function jobSetDefinition(): JsonObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: 'jobsets.jobset.x-k8s.io',
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
    },
    spec: {
      group: 'jobset.x-k8s.io',
      names: { kind: 'JobSet', plural: 'jobsets', singular: 'jobset', listKind: 'JobSetList' },
      scope: 'Namespaced',
      versions: [
        { name: 'v1alpha2', served: true, storage: true, schema },
        { name: 'v1beta9', served: true, storage: false, schema },
      ],
    },
  };
}

function account(name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
}
