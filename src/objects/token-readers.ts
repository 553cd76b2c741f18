/**
 * Pods whose sidecar injector reads the default API token: without it the injector refuses the pod, or its sidecar does
 * not start. Facts: vault-k8s (agent.go, serviceaccount), consul-k8s (endpoints and mesh webhooks), Kuma's injector.
 *
 * Not read: Linkerd's switch, since its proxy has a token of its own unless the mesh is installed with
 * `identity.serviceAccountTokenProjection: false`, which nothing in the cluster's objects says. Consul has no key of
 * namespaces; `connectInject.default` and its selectors are in its own configuration.
 */

import { KUMA_INJECT } from './injection-keys.ts';
import { asString, member } from './json.ts';
import type { Lookup, NamespaceView } from './views.ts';

const VAULT_INJECT = 'vault.hashicorp.com/agent-inject';
const VAULT_VOLUME = 'vault.hashicorp.com/agent-service-account-token-volume-name';

const CONSUL_INJECT = 'consul.hashicorp.com/connect-inject';
const ON: ReadonlySet<string> = new Set(['true', 'enabled', 'yes', 'on', '1', 't']);

/**
 * Who reads the default token of a pod with this metadata; undefined if nobody is known to. What its namespace says and
 * could not be read may be that somebody does.
 */
export function findTokenReader(pod: unknown, namespace: Lookup<NamespaceView>): string | undefined {
  const metadata = member(pod, 'metadata');
  const annotation = (key: string) => asString(member(member(metadata, 'annotations'), key));
  const label = (key: string) => asString(member(member(metadata, 'labels'), key));
  // With a volume of its own named, Vault's agent does not look for the default one.
  if (isOn(annotation(VAULT_INJECT)) && annotation(VAULT_VOLUME) === undefined) return "Vault's injector";
  if (isOn(annotation(CONSUL_INJECT)) || isOn(label(CONSUL_INJECT))) return "Consul's injector";
  // A label in newer releases, an annotation in older ones; the pod's own decides.
  const ofPod = label(KUMA_INJECT) ?? annotation(KUMA_INJECT);
  const isInjected = ofPod === undefined ? mayBeOn(KUMA_INJECT, namespace) : isOn(ofPod);
  return isInjected ? "Kuma's injector" : undefined;
}

function mayBeOn(key: string, namespace: Lookup<NamespaceView>): boolean {
  switch (namespace.state) {
    case 'found':
      return isOn(namespace.value.labels.get(key) ?? namespace.value.annotations.get(key));
    case 'unknown':
      return true;
    case 'absent':
      return false;
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && ON.has(value.toLowerCase());
}
