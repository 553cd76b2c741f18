/** Service accounts that ask for a token, and pods that got it. */

import type { JsonObject } from '../src/objects/json.ts';
import { asArray, member, valueAt } from '../src/objects/json.ts';

/** The annotation that asks for a token for Vault. */
export const VAULT = {
  'tokens.curfew.dev/vault': '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}',
} as const;

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
