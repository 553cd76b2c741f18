/** What a cluster holds before Curfew comes to it: objects that it would refuse, and must never get in the way of. */

import type { JsonObject } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { cronJob, deployment, pod, type TestCluster, tokenSecret } from './test-cluster.ts';
import { readPodOwners } from './workloads.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** As kubectl names them: every object of `oldObjects` that people label and annotate. */
export const OLD_NAMES: readonly string[] = [
  'secret/kept',
  'configmap/plain',
  'configmap/pasted',
  'serviceaccount/web',
  'serviceaccount/legacy',
  'role/wide',
  'rolebinding/wide',
  'pod/old',
  'deployment/old',
  'cronjob/old',
];

/** One of each kind among them: API version, kind, name. */
export const OLD_KINDS: readonly (readonly [string, string, string])[] = [
  ['v1', 'Secret', 'kept'],
  ['v1', 'ConfigMap', 'pasted'],
  ['v1', 'ServiceAccount', 'web'],
  [`${RBAC}/v1`, 'Role', 'wide'],
  [`${RBAC}/v1`, 'RoleBinding', 'wide'],
  ['v1', 'Pod', 'old'],
  ['apps/v1', 'Deployment', 'old'],
  ['batch/v1', 'CronJob', 'old'],
];

/** One of everything; `finalizers` hold some of it back when it is deleted. */
function oldObjects(finalizers: readonly string[]): JsonObject {
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

/**
 * A namespace of old objects, and another whose objects are held back by the finalizer `hold`: their names. What the
 * controllers make of them is there.
 */
export async function createOldNamespaces(cluster: TestCluster, hold: string): Promise<readonly [string, string]> {
  const old = await cluster.createNamespace({}, { withoutAccount: true });
  const doomed = await cluster.createNamespace({}, { withoutAccount: true });
  await cluster.must(['create', '-n', old, '-f', '-'], oldObjects([]));
  await cluster.must(['create', '-n', doomed, '-f', '-'], oldObjects([hold]));
  let token = '';
  await waitUntil('old Secrets are filled', async () => {
    token = await readData(cluster, { namespace: old, secret: 'emptied', key: 'token' });
    return token !== '';
  });
  const pasted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pasted' }, data: { token } };
  await cluster.must(['create', '-n', old, '-f', '-'], pasted);
  await waitUntil('the old Deployment has its pod', async () => {
    return (await readPodOwners(cluster, old)).includes('ReplicaSet');
  });
  return [old, doomed];
}

type Place = { readonly namespace: string; readonly secret: string; readonly key: string };

/** A value of a Secret, decoded; empty if it is not there. */
export async function readData({ must }: TestCluster, { namespace, secret, key }: Place): Promise<string> {
  const path = `jsonpath={.data.${key.replaceAll('.', '\\.')}}`;
  return Buffer.from(await must(['get', 'secret', secret, '-n', namespace, '-o', path]), 'base64').toString();
}

/** Puts `text` there, or takes the key away, as one of the controllers that tokens are made by. */
export async function writeData({ must }: TestCluster, place: Place, text: string | undefined): Promise<void> {
  const { namespace, secret, key } = place;
  const value = text === undefined ? null : Buffer.from(text).toString('base64');
  const patch = JSON.stringify({ data: { [key]: value } });
  const as = ['--as=system:kube-controller-manager', '--as-group=system:masters'];
  await must(['patch', 'secret', secret, '-n', namespace, '--type=merge', '-p', patch, ...as]);
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

function account(name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
}
