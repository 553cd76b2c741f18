/** Manifests that the examples of several rules share. */

import type { JsonObject } from './json.ts';
import { isObject } from './json.ts';

/** A pod of one container `app`, for examples. */
export function examplePod(spec: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: exampleSpec(spec) };
}

/** The same object with more metadata, for examples. */
export function withMetadata(object: JsonObject, metadata: JsonObject): JsonObject {
  const known = object['metadata'];
  return { ...object, metadata: { ...(isObject(known) ? known : {}), ...metadata } };
}

/** A Deployment of such pods, for examples; `metadata` is that of the pods. */
export function exampleDeployment(spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' }, ...metadata }, spec: exampleSpec(spec) },
    },
  };
}

/** A CronJob of such pods, for examples: its template is nested twice. */
export function exampleCronJob(spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly', namespace: 'shop' },
    spec: {
      schedule: '0 3 * * *',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', ...exampleSpec(spec) } } } },
    },
  };
}

/** A Secret of namespace `shop`, for examples. */
export function exampleSecret(fields: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'deploy', namespace: 'shop' }, ...fields };
}

/** A ConfigMap of namespace `shop`, for examples. */
export function exampleConfigMap(fields: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'shop' }, ...fields };
}

/** A service account of namespace `shop`, for examples. */
export function exampleServiceAccount(fields: JsonObject = {}, annotations: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'web', namespace: 'shop', annotations },
    ...fields,
  };
}

/** The namespace `shop`, for examples. */
export function exampleNamespace(annotations: JsonObject): JsonObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', annotations } };
}

/** A projected volume with one token, for examples. */
export function exampleTokenVolume(token: JsonObject): JsonObject {
  return { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', ...token } }] } };
}

/** A ClusterRole `web` of these rules, for examples. */
export function exampleClusterRole(...rules: readonly JsonObject[]): JsonObject {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'web' }, rules };
}

/** A Role `shop/web` of these rules, for examples. */
export function exampleRole(...rules: readonly JsonObject[]): JsonObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'web', namespace: 'shop' },
    rules,
  };
}

/** A rule as people write it: API groups, resources, verbs, and names if any. */
export function exampleRule(
  groups: readonly string[],
  resources: readonly string[],
  { verbs, names }: { readonly verbs: readonly string[]; readonly names?: readonly string[] },
): JsonObject {
  return { apiGroups: groups, resources, verbs, ...(names === undefined ? {} : { resourceNames: names }) };
}

function exampleSpec(spec: JsonObject): JsonObject {
  return { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/web:1' }], ...spec };
}

/** A request for a token of service account `shop/web`, for examples. */
export function exampleTokenRequest(spec: JsonObject): JsonObject {
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { audiences: null, boundObjectRef: null, ...spec },
  };
}
