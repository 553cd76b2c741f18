/** Small clusters to draw the graph of: objects as the API server lists them. */

import { buildGraph } from '../../../src/access/build-graph.ts';
import type { AccessInput } from '../../../src/access/input.ts';
import {
  toAccessAccount,
  toAccessBinding,
  toAccessPod,
  toAccessRole,
  toAccessSecret,
} from '../../../src/access/input.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString, isObject, member } from '../../../src/objects/json.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';

export const account = (namespace: string, name: string): JsonObject => ({
  kind: 'ServiceAccount',
  metadata: { namespace, name },
});

export const secret = (namespace: string, name: string, of: string, labels: JsonObject = {}): JsonObject => ({
  kind: 'Secret',
  metadata: { namespace, name, annotations: { 'kubernetes.io/service-account.name': of }, labels },
});

const TOKEN_VOLUME = {
  name: 'kube-api-access-x',
  projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
};

/** A pod that runs; `volumes` are those of one that the ServiceAccount plugin has seen. */
export function pod(namespace: string, name: string, of: string, spec: JsonObject = {}): JsonObject {
  return {
    kind: 'Pod',
    metadata: { namespace, name },
    spec: {
      serviceAccountName: of,
      nodeName: 'node-1',
      containers: [{ name: 'app' }],
      volumes: [TOKEN_VOLUME],
      ...spec,
    },
    status: { phase: 'Running' },
  };
}

export const role = (namespace: string, name: string, ...rules: readonly JsonObject[]): JsonObject => ({
  apiVersion: RBAC,
  kind: namespace === '' ? 'ClusterRole' : 'Role',
  metadata: namespace === '' ? { name } : { namespace, name },
  rules,
});

/** `subjects` as `User:jane`, `Group:devs`, `ServiceAccount:shop/web`; a role of this namespace, or else a ClusterRole. */
export function bind(
  namespace: string,
  to: string,
  subjects: readonly string[],
  {
    isRole = false,
    name = `${to}-${subjects.join('-')}`,
    labels = {},
  }: { isRole?: boolean; name?: string; labels?: JsonObject } = {},
): JsonObject {
  return {
    apiVersion: RBAC,
    kind: namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { ...(namespace === '' ? {} : { namespace }), name, labels },
    roleRef: { kind: isRole ? 'Role' : 'ClusterRole', name: to },
    subjects: subjects.map((subject) => {
      const [, kind = '', rest = ''] = /^(\w+):(.+)$/.exec(subject) ?? [];
      const [space = '', name = ''] = rest.split('/');
      return kind === 'ServiceAccount' ? { kind, namespace: space, name } : { kind, name: rest };
    }),
  };
}

export const rule = (
  resources: string,
  verbs: string,
  more: { groups?: string; names?: readonly string[] } = {},
): JsonObject => ({
  apiGroups: (more.groups ?? '').split(','),
  resources: resources.split(','),
  verbs: verbs.split(','),
  ...(more.names === undefined ? {} : { resourceNames: more.names }),
});

/** The graph of these objects, with the API server's own groups. */
export function graphOf(objects: readonly JsonObject[], more: Partial<AccessInput> = {}) {
  return buildGraph({ ...inputOf(objects), minorVersion: 36, ...more });
}

export function inputOf(objects: readonly JsonObject[]): AccessInput {
  const ofKind = (...kinds: readonly string[]) =>
    objects.filter((object) => isObject(object) && kinds.includes(asString(member(object, 'kind')) ?? ''));
  return {
    roles: [
      ...ofKind('Role').map((one) => toAccessRole(one, 'Role')),
      ...ofKind('ClusterRole').map((one) => toAccessRole(one, 'ClusterRole')),
    ],
    bindings: [
      ...ofKind('RoleBinding').map((one) => toAccessBinding(one, 'RoleBinding')),
      ...ofKind('ClusterRoleBinding').map((one) => toAccessBinding(one, 'ClusterRoleBinding')),
    ],
    accounts: ofKind('ServiceAccount').map(toAccessAccount),
    pods: ofKind('Pod').flatMap((one) => toAccessPod(one) ?? []),
    secrets: ofKind('Secret').flatMap((one) => toAccessSecret(one) ?? []),
  };
}
