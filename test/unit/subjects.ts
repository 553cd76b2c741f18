/** Subjects that several unit tests judge. */

import type { JsonObject } from '../../src/objects/json.ts';
import type { Subject } from '../../src/objects/subject.ts';

export const JANE = { username: 'jane', groups: ['system:authenticated'] };

/** A pod at admission with the default volume; every given container mounts it. */
export function admittedPod(containers: readonly string[] = ['app'], metadata: JsonObject = {}): JsonObject {
  const mount = { name: 'kube-api-access-x7k2p', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
    { configMap: { name: 'kube-root-ca.crt' } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: {
      serviceAccountName: 'web',
      containers: containers.map((name) => ({ name, image: 'a', volumeMounts: [mount] })),
      volumes: [{ name: 'kube-api-access-x7k2p', projected: { sources } }],
    },
  };
}

export function tokenSecret(annotations: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'ci-token',
      namespace: 'shop',
      annotations: { 'kubernetes.io/service-account.name': 'ci', ...annotations },
    },
    type: 'kubernetes.io/service-account-token',
    ...more,
  };
}

export function deployment(spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  const template = { spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'a' }], ...spec } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: { template },
  };
}

/** A subject in namespace `shop`, made by jane. */
export function subjectOf(resource: string, object: JsonObject, more: Partial<Subject> = {}): Subject {
  const [name = '', ...group] = resource.split('.');
  return {
    operation: 'CREATE',
    resource: { group: group.join('.'), name, subresource: '' },
    kind: typeof object['kind'] === 'string' ? object['kind'] : '',
    namespace: 'shop',
    name: 'web',
    object,
    caller: JANE,
    ...more,
  };
}
