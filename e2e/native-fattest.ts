/** Objects near what etcd stores at most, 1.5 MiB, and wrong everywhere: as long as policies judge them, and longer. */

import type { JsonObject } from '../src/objects/json.ts';
import { listLargest } from './native-objects.ts';

const times = <Value>(count: number, make: (index: number) => Value) =>
  Array.from({ length: count }, (_, index) => make(index));
const long = (index: number, length: number) => `${String(index).padStart(4, '0')}${'n'.repeat(length - 4)}`;
const RBAC = 'rbac.authorization.k8s.io';
const metadata = { name: 'generated' };

/** What policies judge whole. Pods and Secrets have most of their bytes where no policy counts them; roles and bindings have no such place. */
export function listFattest(): readonly JsonObject[] {
  return [
    ...toLongPods(90),
    toLongRole({ names: 2, length: 240, others: 10 }),
    toLongBinding(195),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, annotations: { 'kubernetes.io/service-account.name': 'web' } },
      type: 'kubernetes.io/service-account-token',
      data: { other: Buffer.alloc(1_000_000, 'x').toString('base64') },
    },
  ];
}

/** Within all numbers, and with names that are too long. */
export function listTooLong(): readonly JsonObject[] {
  return [...toLongPods(5_000), toLongRole({ names: 1, length: 2_000, others: 450 }), toLongBinding(6_500)];
}

/** A pod and a Deployment, with a text of 25 kB in every container where the audiences are short. */
function toLongPods(audience: number): readonly JsonObject[] {
  const env = JSON.stringify([{ name: 'SETTINGS', value: 'x'.repeat(audience > 1_000 ? 10 : 25_000) }]);
  return listLargest(0)
    .slice(0, 2)
    .map((object) => {
      const text = JSON.stringify(object).replaceAll('"image":"a"', `"image":"a","env":${env}`);
      return JSON.parse(text.replaceAll('"audience":"vault"', `"audience":"${long(1, audience)}"`)) as JsonObject;
    });
}

type LongRole = { readonly names: number; readonly length: number; readonly others: number };

/** 20 rules with what policies look for, for single names, and 180 with something else. */
function toLongRole({ names, length, others }: LongRole): JsonObject {
  const wanted = times(20, (rule) => ({
    verbs: ['create', 'get', 'list', 'patch'],
    apiGroups: [''],
    resources: [rule % 2 === 0 ? '*' : 'pods/exec', 'pods/ephemeralcontainers', 'nodes/proxy', 'serviceaccounts/token'],
    resourceNames: times(names, (name) => long(names * rule + name, length)),
  }));
  const other = times(180, (rule) => ({
    verbs: ['get'],
    apiGroups: ['apps'],
    resources: ['deployments'],
    resourceNames: times(15, (name) => long(15 * rule + name, others)),
  }));
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: { ...metadata, labels: { [`${RBAC}/aggregate-to-view`]: 'true' } },
    rules: [...other, ...wanted],
  };
}

function toLongBinding(length: number): JsonObject {
  const start = 'system:serviceaccount:shop:';
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: times(200, (index) => ({
      kind: 'User',
      apiGroup: RBAC,
      name: `${start}${long(index, length - start.length)}`,
    })),
  };
}
