/**
 * Pods whose sidecar injector reads the default API token: without it the injector refuses the pod, or its sidecar does
 * not start. Facts: vault-k8s (agent.go, serviceaccount), consul-k8s (endpoints and mesh webhooks), Kuma's injector.
 */

import { asString, stringMembers, valueAt } from './json.ts';

const VAULT_INJECT = 'vault.hashicorp.com/agent-inject';
const VAULT_VOLUME = 'vault.hashicorp.com/agent-service-account-token-volume-name';

/** Keys that switch an injector on, as an annotation or a label, and the injector's name. */
const SWITCHES: readonly (readonly [string, string])[] = [
  ['consul.hashicorp.com/connect-inject', "Consul's injector"],
  ['kuma.io/sidecar-injection', "Kuma's injector"],
];
const ON: ReadonlySet<string> = new Set(['true', 'enabled', 'yes', 'on', '1', 't']);

/** Who reads the default token of a pod with this metadata; undefined if nobody is known to. */
export function findTokenReader(pod: unknown): string | undefined {
  const annotations = stringMembers(valueAt(pod, ['metadata', 'annotations']));
  // With a volume of its own named, Vault's agent does not look for the default one.
  if (isOn(annotations.get(VAULT_INJECT)) && annotations.get(VAULT_VOLUME) === undefined) return "Vault's injector";
  for (const [key, reader] of SWITCHES) {
    const label = asString(valueAt(pod, ['metadata', 'labels', key]));
    if (isOn(annotations.get(key)) || isOn(label)) return reader;
  }
  return undefined;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && ON.has(value.toLowerCase());
}
