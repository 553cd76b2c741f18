/** Service accounts that ask for a token for Vault, and what a pod that got it looks like. */

import type { JsonObject } from '../src/objects/json.ts';
import { asArray, member, valueAt } from '../src/objects/json.ts';
import type { TestCluster } from './test-cluster.ts';

/** The annotation that asks for a token for Vault. */
export const VAULT = {
  'tokens.curfew.dev/vault': '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}',
} as const;

/** In a pod or an account: no token for the Kubernetes API. */
export const NO_API_TOKEN = { automountServiceAccountToken: false };

/** What is in a pod of `VAULT`: the mount and the variable of each container, and the volume as it is stored. */
export const MOUNT = { name: 'curfew-token-vault', mountPath: '/var/run/curfew/vault', readOnly: true };
export const ENV = { name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' };
export const VOLUME = {
  name: 'curfew-token-vault',
  projected: {
    defaultMode: 420,
    sources: [{ serviceAccountToken: { audience: 'vault', expirationSeconds: 600, path: 'token' } }],
  },
};

export function serviceAccount(name: string, annotations: Readonly<Record<string, string>> = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, annotations } };
}

/** True if the pod has the volume that `VAULT` asks for, and its first container mounts it. */
export function hasVaultToken(stored: unknown): boolean {
  const isIt = (one: unknown) => member(one, 'name') === 'curfew-token-vault';
  return [['volumes'], ['containers', 0, 'volumeMounts']].every((path) =>
    asArray(valueAt(stored, ['spec', ...path])).some(isIt),
  );
}

/** What one container of the pod mounts, and its variables. */
export function tokenOf(stored: unknown, container = 0): { readonly mounts: unknown; readonly env: unknown } {
  const of = (key: string) => asArray(valueAt(stored, ['spec', 'containers', container, key]));
  return { mounts: of('volumeMounts'), env: of('env') };
}

/** A namespace whose service account `web` asks for a token for Vault, or has these annotations. */
export async function createAsking(
  cluster: TestCluster,
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = VAULT,
): Promise<string> {
  const namespace = await cluster.createNamespace(labels, { withoutAccount: true });
  const account = { ...serviceAccount('web', annotations), ...NO_API_TOKEN };
  await cluster.must(['create', '-n', namespace, '-f', '-'], account);
  return namespace;
}

/** @param pair - `key=value`, or `key-` to remove it */
export async function annotate(cluster: TestCluster, namespace: string, pair: string, account = 'web'): Promise<void> {
  await cluster.must(['annotate', '--overwrite', 'serviceaccount', account, '-n', namespace, pair]);
}

export async function createPod(cluster: TestCluster, namespace: string, object: JsonObject): Promise<void> {
  await cluster.must(['create', '-n', namespace, '-f', '-'], object);
}

export async function readPod(cluster: TestCluster, namespace: string, name = 'web'): Promise<unknown> {
  return JSON.parse(await cluster.must(['get', 'pod', name, '-n', namespace, '-o', 'json']));
}
