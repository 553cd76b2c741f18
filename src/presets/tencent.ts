import type { Preset } from './format.ts';

/** Tencent Cloud's documentation of TKE's pod-identity-webhook, which is derived from that of AWS; its source is closed. */
export const TENCENT: Preset = {
  title: 'Tencent Cloud: TKE pod identity',
  volume: 'tke-iam-token',
  mountPath: '/var/run/secrets/cloud.tencent.com/serviceaccount',
  audience: '${audience}',
  expirationSeconds: 3600,
  expiration: { annotation: 'tke.cloud.tencent.com/token-expiration', whenInvalid: 'ignore', whenOutOfRange: 'clamp' },
  parameters: {
    roleArn: { annotation: 'tke.cloud.tencent.com/role-arn', description: 'ARN of the CAM role.' },
    audience: { annotation: 'tke.cloud.tencent.com/audience', default: 'sts.cloud.tencent.com' },
    providerId: {
      annotation: 'tke.cloud.tencent.com/providerID',
      isOptional: true,
      description: 'ID of the OIDC provider of the cluster.',
    },
    region: { isOptional: true, description: 'Region of STS.' },
  },
  env: [
    { name: 'TKE_REGION', value: '${region}', group: 'region' },
    { name: 'TKE_PROVIDER_ID', value: '${providerId}', group: 'provider' },
    { name: 'TKE_ROLE_ARN', value: '${roleArn}' },
    { name: 'TKE_WEB_IDENTITY_TOKEN_FILE', value: '${tokenFile}' },
  ],
  trigger: { accountAnnotation: 'tke.cloud.tencent.com/role-arn' },
  // Its documentation names the component alone, which stems from the webhook of AWS.
  foreignWebhooks: ['pod-identity-webhook'],
  skipContainers: { annotation: 'tke.cloud.tencent.com/skip-containers', separator: ',' },
  differences: [
    'Unverified: the name of the volume is ours. Beside TKE’s own webhook a pod may get two volumes; let one of them do it.',
    'Unverified: the path is that which one public client falls back to; no page of Tencent names it. Clients read TKE_WEB_IDENTITY_TOKEN_FILE.',
    'Unverified: that lifetimes below 600 are raised, invalid ones ignored, the pod’s wins, and skip-containers is read, as in the webhook of AWS from which it is derived.',
    'TKE’s webhook knows region and provider of its cluster: give them by presetParameters. The SDK wants all four variables.',
    'The lifetime is an hour unless something else is asked for; the documentation asks for a day.',
  ],
};
