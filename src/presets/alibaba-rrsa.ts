import type { Preset } from './format.ts';

/** Alibaba Cloud's documentation of ack-pod-identity-webhook 0.4.2. */
export const ALIBABA_RRSA: Preset = {
  title: 'Alibaba Cloud: RRSA',
  volume: 'rrsa-oidc-token',
  mountPath: '/var/run/secrets/ack.alibabacloud.com/rrsa-tokens',
  audience: '${audience}',
  expirationSeconds: 3600,
  minExpirationSeconds: 600,
  maxExpirationSeconds: 43_200,
  expiration: {
    annotation: 'pod-identity.alibabacloud.com/service-account-token-expiration',
    whenInvalid: 'default',
    whenOutOfRange: 'default',
  },
  parameters: {
    roleName: {
      annotation: 'pod-identity.alibabacloud.com/role-name',
      isOptional: true,
      description: 'Name of the RAM role.',
    },
    accountId: { isOptional: true, description: 'ID of the Alibaba Cloud account, of which both ARNs are made.' },
    oidcProvider: { isOptional: true, description: 'Name of the OIDC provider of the cluster: ack-rrsa-CLUSTER' },
    roleArn: { default: 'acs:ram::${accountId}:role/${roleName}', description: 'ARN of the RAM role.' },
    oidcProviderArn: {
      default: 'acs:ram::${accountId}:oidc-provider/${oidcProvider}',
      description: 'ARN of the OIDC provider of the cluster.',
    },
    audience: { default: 'sts.aliyuncs.com' },
    stsRegion: { isOptional: true, description: 'Region of the cluster: cn-hangzhou' },
    stsEndpoint: { isOptional: true, default: 'sts-vpc.${stsRegion}.aliyuncs.com', description: 'Endpoint of STS.' },
    vpcEndpointEnabled: { isOptional: true, description: '`true` where the endpoint is one of the VPC.' },
  },
  env: [
    { name: 'ALIBABA_CLOUD_ROLE_ARN', value: '${roleArn}' },
    { name: 'ALIBABA_CLOUD_OIDC_PROVIDER_ARN', value: '${oidcProviderArn}' },
    { name: 'ALIBABA_CLOUD_OIDC_TOKEN_FILE', value: '${tokenFile}' },
    { name: 'ALIBABA_CLOUD_STS_ENDPOINT', value: '${stsEndpoint}', group: 'endpoint' },
    { name: 'ALIBABA_CLOUD_STS_REGION', value: '${stsRegion}', group: 'stsRegion' },
    { name: 'ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED', value: '${vpcEndpointEnabled}', group: 'vpc' },
  ],
  trigger: {
    accountAnnotation: 'pod-identity.alibabacloud.com/role-name',
    podLabel: { key: 'pod-identity.alibabacloud.com/injection', value: 'on' },
    namespaceLabel: { key: 'pod-identity.alibabacloud.com/injection', value: 'on' },
  },
  // The source is closed: the name is that of the component, and what stands around it is not known.
  foreignWebhooks: ['*ack-pod-identity-webhook*'],
  overrideEnv: { key: 'pod-identity.alibabacloud.com/override-env', value: 'true' },
  skipContainers: { annotation: 'pod-identity.alibabacloud.com/skip-containers', separator: ',' },
  onlyContainers: { annotation: 'pod-identity.alibabacloud.com/only-containers', separator: ',' },
  differences: [
    'The webhook knows account, provider and region of its cluster: give accountId, oidcProvider, stsRegion and vpcEndpointEnabled by presetParameters.',
    'The STS variables are there where their parameters have a value; AutoInjectSTSEnvVars and the annotation inject-sts-endpoint are not read.',
    'A role name with spaces, quotes, backslashes or $ refuses the pod; the webhook leaves it without a token.',
    'A volume or mount of the same name with other content is refused. Unverified: what the webhook does.',
    'Variables are written before those of the container, so that these may use them.',
    'A container that has one of the role’s three variables gets none of the others, as half of them would be of another role. Unverified: what the webhook does.',
    'Where the pod has no skip-containers or only-containers, they count on its service account and its namespace.',
    'Unverified: whether a pod label injection with another value than on stops what its namespace asks for; here it does.',
  ],
};
