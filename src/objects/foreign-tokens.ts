/** Tokens of sidecars and agents that others put into pods: their own programs renew them, and count on what they wrote. */

import { DAPR_SENTRY } from './token-limits.ts';
import type { TokenSource } from './tokens.ts';

/**
 * Names of volumes, and the audiences that their tokens have: istio's injector, linkerd's proxy injector, Dapr's (older
 * ones ask for `dapr.io/sentry`), SPIRE's manifests and charts, and the webhook of gcs-fuse-csi-driver. A volume that
 * only bears the name holds its author's own token.
 */
export const SIDECAR_TOKENS: ReadonlyMap<string, RegExp> = new Map([
  ['istio-token', /^istio-ca$/],
  ['linkerd-identity-token', /^identity\.l5d\.io$/],
  ['dapr-identity-token', new RegExp(`^dapr\\.io/sentry$|${DAPR_SENTRY.source}`)],
  ['spire-token', /^spire-server$/],
  ['spire-agent', /^spire-server$/],
  ['spire-agent-token', /^spire-server$/],
  ['gcsfuse-sa-token', /\.svc\.id\.goog$/],
  ['gke-workload-identity-token', /^https:\/\/iam\.googleapis\.com\//],
]);

export function isSidecarToken({ volume, audience }: TokenSource): boolean {
  return SIDECAR_TOKENS.get(volume)?.test(audience) ?? false;
}

/**
 * Names of the containers that the injectors of Istio, Linkerd, Kuma, Dapr, Consul and Vault and the webhook of
 * gcs-fuse-csi-driver put into pods. Consul names one a service, with its name behind.
 */
const SIDECARS =
  /^(istio-(proxy|init|validation)|linkerd-(proxy|init|network-validator)|kuma-(sidecar|init|validation)|daprd|consul-(dataplane|connect-inject-init)(-.+)?|vault-agent(-init)?|gke-gcsfuse-sidecar)$/;

/** True if a container of this name is an injector's, so that the pod's author does not choose what it mounts. */
export function isSidecarContainer(name: string): boolean {
  return SIDECARS.test(name);
}
