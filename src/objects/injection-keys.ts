/** The annotations by which tokens are asked for, and the keys of other schemes that are read from accounts. */

/** `tokens.curfew.dev/vault` on a Pod, a ServiceAccount or a Namespace asks for the token `vault`. */
export const TOKEN_ANNOTATION_PREFIX = 'tokens.curfew.dev/';

/** Written by Curfew on a pod: what it added, so that a second look can tell it from what the author wrote. */
export const INJECTED_ANNOTATION = 'curfew.dev/injected';

/** On a namespace: Kuma puts its sidecar into the pods, which reads the API token (`token-readers.ts`). */
export const KUMA_INJECT = 'kuma.io/sidecar-injection';

/**
 * Annotations of service accounts, and labels and annotations of namespaces, that belong to others and that presets (`src/presets/`) or
 * findTokenReader read. Every other key of theirs is dropped from the index.
 */
export const SCHEME_KEYS: ReadonlySet<string> = new Set([
  KUMA_INJECT,
  'eks.amazonaws.com/role-arn',
  'eks.amazonaws.com/audience',
  'eks.amazonaws.com/token-expiration',
  'eks.amazonaws.com/sts-regional-endpoints',
  'eks.amazonaws.com/skip-pod-identity-webhook',
  'eks.amazonaws.com/skip-containers',
  'azure.workload.identity/client-id',
  'azure.workload.identity/tenant-id',
  'azure.workload.identity/service-account-token-expiration',
  'azure.workload.identity/skip-containers',
  'cloud.google.com/workload-identity-provider',
  'cloud.google.com/service-account-email',
  'cloud.google.com/audience',
  'cloud.google.com/token-expiration',
  'cloud.google.com/injection-mode',
  'cloud.google.com/project',
  'cloud.google.com/skip-containers',
  'pod-identity.alibabacloud.com/role-name',
  'pod-identity.alibabacloud.com/service-account-token-expiration',
  'pod-identity.alibabacloud.com/injection',
  'pod-identity.alibabacloud.com/override-env',
  'pod-identity.alibabacloud.com/skip-containers',
  'pod-identity.alibabacloud.com/only-containers',
  'tke.cloud.tencent.com/role-arn',
  'tke.cloud.tencent.com/audience',
  'tke.cloud.tencent.com/token-expiration',
  'tke.cloud.tencent.com/providerID',
  'tke.cloud.tencent.com/skip-containers',
  'vke.volcengine.com/role-trn',
  'vke.volcengine.com/pod-identity-injection-enabled',
  'workload-identity.stackit.cloud/service-account-email',
  'workload-identity.stackit.cloud/audience',
  'workload-identity.stackit.cloud/service-account-token-expiration-seconds',
  'workload-identity.stackit.cloud/idp-token-endpoint',
  'workload-identity.stackit.cloud/idp-token-expiration-seconds',
  'workload-identity.stackit.cloud/federated-token-file',
  'workload-identity.stackit.cloud/skip-pod-identity-webhook',
]);
