/** The kinds that rules read, with the words the API uses for them: one table for manifests, examples and entries. */

import { POD, TEMPLATE_KINDS } from './pod-spec.ts';

export type Kind = {
  readonly group: string;
  /** Newest first; manifests are written in the first. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly resource: string;
  readonly scope: 'Namespaced' | 'Cluster';
};

const RBAC_GROUP = 'rbac.authorization.k8s.io';

const OTHER_KINDS: readonly Kind[] = [
  { group: '', versions: ['v1'], kind: 'Secret', resource: 'secrets', scope: 'Namespaced' },
  { group: '', versions: ['v1'], kind: 'ConfigMap', resource: 'configmaps', scope: 'Namespaced' },
  { group: '', versions: ['v1'], kind: 'ServiceAccount', resource: 'serviceaccounts', scope: 'Namespaced' },
  { group: '', versions: ['v1'], kind: 'Namespace', resource: 'namespaces', scope: 'Cluster' },
  { group: RBAC_GROUP, versions: ['v1'], kind: 'Role', resource: 'roles', scope: 'Namespaced' },
  { group: RBAC_GROUP, versions: ['v1'], kind: 'RoleBinding', resource: 'rolebindings', scope: 'Namespaced' },
  { group: RBAC_GROUP, versions: ['v1'], kind: 'ClusterRole', resource: 'clusterroles', scope: 'Cluster' },
  {
    group: RBAC_GROUP,
    versions: ['v1'],
    kind: 'ClusterRoleBinding',
    resource: 'clusterrolebindings',
    scope: 'Cluster',
  },
];

export const KINDS: readonly Kind[] = [
  ...[POD, ...TEMPLATE_KINDS].map((kind) => ({ ...kind, scope: 'Namespaced' as const })),
  ...OTHER_KINDS,
];

/** The kind that a manifest with these two fields has; undefined if no rule reads it. */
export function findKind(apiVersion: string, kind: string): Kind | undefined {
  const slash = apiVersion.indexOf('/');
  const group = slash === -1 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  return KINDS.find((known) => known.kind === kind && known.group === group && known.versions.includes(version));
}
