import type { Preset } from './format.ts';

/** Volcengine's documentation of IRSA for VKE, and manifests that use it; the source of its webhook is closed. */
export const VOLCENGINE: Preset = {
  title: 'Volcengine: VKE IRSA',
  volume: 'irsa-oidc-token',
  mountPath: '/var/run/secrets/vke.volcengine.com/irsa-tokens',
  audience: '${audience}',
  expirationSeconds: 3600,
  parameters: {
    roleTrn: { annotation: 'vke.volcengine.com/role-trn', description: 'TRN of the IAM role.' },
    audience: { default: 'sts.volcengine.com' },
    roleSessionName: { isOptional: true },
    stsEndpoint: { isOptional: true },
  },
  env: [
    { name: 'VOLCENGINE_OIDC_ROLE_TRN', value: '${roleTrn}' },
    { name: 'VOLCENGINE_OIDC_TOKEN_FILE', value: '${tokenFile}' },
    { name: 'VOLCENGINE_OIDC_ROLE_SESSION_NAME', value: '${roleSessionName}', group: 'session' },
    { name: 'VOLCENGINE_OIDC_STS_ENDPOINT', value: '${stsEndpoint}', group: 'endpoint' },
  ],
  trigger: {
    accountAnnotation: 'vke.volcengine.com/role-trn',
    namespaceLabel: { key: 'vke.volcengine.com/pod-identity-injection-enabled', value: 'true' },
  },
  differences: [
    'Unverified: the name of the volume and the lifetime are those of manifests written by hand. Beside VKE’s own webhook a pod may get two volumes; let one of them do it.',
    'Unverified: whether the webhook reads keys of the pod; none is read here.',
    'VOLCENGINE_OIDC_ROLE_POLICY is not set: a policy is JSON, which no parameter may hold.',
  ],
};
