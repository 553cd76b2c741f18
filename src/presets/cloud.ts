/** Presets of clouds. Facts: the source of each scheme's webhook, or its documentation, as the pages say. */

import type { Preset } from './format.ts';

/** The name in AWS's own manifests, on EKS and on OpenShift; the names that charts of others give it. */
const AWS_WEBHOOKS = ['pod-identity-webhook', '*eks-pod-identity-webhook*', '*aws-pod-identity-webhook*'];

/** amazon-eks-pod-identity-webhook v0.6.17, IRSA. */
export const AWS_IRSA: Preset = {
  title: 'AWS: IAM roles for service accounts',
  volume: 'aws-iam-token',
  mountPath: '/var/run/secrets/eks.amazonaws.com/serviceaccount',
  audience: '${audience}',
  expirationSeconds: 3600,
  expiration: { annotation: 'eks.amazonaws.com/token-expiration', whenInvalid: 'ignore', whenOutOfRange: 'clamp' },
  parameters: {
    roleArn: { annotation: 'eks.amazonaws.com/role-arn', description: 'ARN of the IAM role.' },
    audience: { annotation: 'eks.amazonaws.com/audience', default: 'sts.amazonaws.com' },
    region: { isOptional: true, description: 'Region of STS and of the clients.' },
    stsRegionalEndpoints: { isOptional: true, description: '`regional` or `legacy`.' },
  },
  env: [
    { name: 'AWS_STS_REGIONAL_ENDPOINTS', value: '${stsRegionalEndpoints}', group: 'sts' },
    { name: 'AWS_DEFAULT_REGION', value: '${region}', group: 'region' },
    { name: 'AWS_REGION', value: '${region}', group: 'region' },
    { name: 'AWS_ROLE_ARN', value: '${roleArn}' },
    { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '${tokenFile}' },
  ],
  trigger: {
    accountAnnotation: 'eks.amazonaws.com/role-arn',
    skip: ['eks.amazonaws.com/skip-pod-identity-webhook'],
  },
  foreignWebhooks: AWS_WEBHOOKS,
  skipContainers: { annotation: 'eks.amazonaws.com/skip-containers', separator: ',' },
  differences: [
    'The annotation eks.amazonaws.com/sts-regional-endpoints and the flag --aws-default-region are not read: give stsRegionalEndpoints and region.',
    'Variables are written before those of the container, so that these may use them; the webhook writes them after.',
    'A volume of the same name with other content is refused; the webhook mounts it.',
    'Names in eks.amazonaws.com/skip-containers are trimmed.',
    'The lifetime is an hour unless something else is asked for, and never longer than the limit; the webhook asks for a day.',
  ],
};

/** The same webhook, container credentials. */
export const AWS_POD_IDENTITY: Preset = {
  title: 'AWS: EKS Pod Identity',
  volume: 'eks-pod-identity-token',
  mountPath: '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount',
  path: 'eks-pod-identity-token',
  audience: 'pods.eks.amazonaws.com',
  expirationSeconds: 3600,
  parameters: { region: { isOptional: true, description: 'Region of the clients.' } },
  env: [
    { name: 'AWS_DEFAULT_REGION', value: '${region}', group: 'region' },
    { name: 'AWS_REGION', value: '${region}', group: 'region' },
    { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: 'http://169.254.170.23/v1/credentials' },
    { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: '${tokenFile}' },
  ],
  foreignWebhooks: AWS_WEBHOOKS,
  differences: [
    'Useful only where the EKS Pod Identity agent runs on the node and an association exists.',
    'The lifetime is an hour and not a random one of nearly a day, so that a pod that is made again is the same.',
    'The label eks.amazonaws.com/pod-identity is not written.',
    'Associations are known to EKS alone, so nothing triggers it.',
  ],
};

/** azure-workload-identity up to v1.5.1: the layout of 1.6 depends on the pod's name. */
export const AZURE: Preset = {
  title: 'Azure: workload identity',
  volume: 'azure-identity-token',
  mountPath: '/var/run/secrets/azure/tokens',
  path: 'azure-identity-token',
  audience: 'api://AzureADTokenExchange',
  expirationSeconds: 3600,
  minExpirationSeconds: 3600,
  maxExpirationSeconds: 86_400,
  expiration: {
    annotation: 'azure.workload.identity/service-account-token-expiration',
    whenInvalid: 'refuse',
    whenOutOfRange: 'refuse',
  },
  parameters: {
    clientId: { annotation: 'azure.workload.identity/client-id', isOptional: true, description: 'Client ID.' },
    tenantId: { annotation: 'azure.workload.identity/tenant-id', description: 'Tenant ID.' },
    authorityHost: { default: 'https://login.microsoftonline.com/', description: 'Entra ID of the cloud.' },
  },
  env: [
    { name: 'AZURE_CLIENT_ID', value: '${clientId}', group: 'client' },
    { name: 'AZURE_TENANT_ID', value: '${tenantId}', group: 'tenant' },
    { name: 'AZURE_FEDERATED_TOKEN_FILE', value: '${tokenFile}' },
    { name: 'AZURE_AUTHORITY_HOST', value: '${authorityHost}', group: 'authority' },
  ],
  trigger: { podLabel: { key: 'azure.workload.identity/use', value: 'true' } },
  foreignWebhooks: ['azure-wi-webhook-mutating-webhook-configuration'],
  skipContainers: { annotation: 'azure.workload.identity/skip-containers', separator: ';' },
  differences: [
    'The layout is that of releases up to 1.5.1; applications read AZURE_FEDERATED_TOKEN_FILE, so any path serves them.',
    'There is no tenant of the webhook: a pod without azure.workload.identity/tenant-id on its account is refused.',
    'The proxy sidecar and custom token endpoints are not there.',
  ],
};

const GCP_PROVIDER = {
  annotation: 'cloud.google.com/workload-identity-provider',
  description: 'projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER',
} as const;

/** pfnet-research/gcp-workload-identity-federation-webhook v0.7.0, mode direct. */
export const GCP: Preset = {
  title: 'Google Cloud: workload identity federation',
  volume: 'gcp-iam-token',
  mountPath: '/var/run/secrets/sts.googleapis.com/serviceaccount',
  audience: '${audience}',
  expirationSeconds: 3600,
  minExpirationSeconds: 3600,
  expiration: { annotation: 'cloud.google.com/token-expiration', whenInvalid: 'refuse', whenOutOfRange: 'clamp' },
  parameters: {
    provider: GCP_PROVIDER,
    serviceAccountEmail: {
      annotation: 'cloud.google.com/service-account-email',
      isOptional: true,
      description: 'Service account to impersonate; without it the pod has the access that is granted to it directly.',
    },
    audience: { annotation: 'cloud.google.com/audience', default: 'sts.googleapis.com' },
    project: { isOptional: true, description: 'Project of gcloud.' },
    region: { isOptional: true, description: 'Region of gcloud.' },
  },
  env: [
    { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '${credentialFile}' },
    { name: 'CLOUDSDK_CORE_PROJECT', value: '${project}', group: 'project' },
    { name: 'CLOUDSDK_COMPUTE_REGION', value: '${region}', group: 'region' },
  ],
  credential: {
    annotation: 'cloud.google.com/external-credentials-json',
    volume: 'external-credential-config',
    mountPath: '/var/run/secrets/workload-identity',
    path: 'federation.json',
    content: {
      type: 'external_account',
      audience: '//iam.googleapis.com/${provider}',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'https://sts.googleapis.com/v1/token',
      service_account_impersonation_url:
        'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccountEmail}:generateAccessToken',
      credential_source: { file: '${tokenFile}', format: { type: 'text' } },
    },
  },
  trigger: { accountAnnotation: 'cloud.google.com/workload-identity-provider' },
  foreignWebhooks: ['*gcp-workload-identity-federation-webhook*'],
  skipContainers: { annotation: 'cloud.google.com/skip-containers', separator: ',' },
  differences: [
    'Whoever may change annotations of the pod can change the credential file, and so where the token is sent; as in mode direct of the webhook.',
    'The lifetime is an hour unless something else is asked for; the webhook asks for a day.',
    'Mode direct alone: no init container, no gcloud image, no emptyDir.',
    'Impersonation is optional; the webhook demands a service account.',
    'The token file is 0644 and not 0440, which an image that does not run as root cannot read.',
    'There is no default region, and the project is not guessed from the e-mail address.',
    'Variables of the container are kept; the webhook overwrites two of them.',
  ],
};

/** Google's documentation for clusters outside GKE. */
export const GCP_DOCS: Preset = {
  ...GCP,
  title: 'Google Cloud: workload identity federation, as its documentation does it by hand',
  volume: 'token',
  mountPath: '/var/run/service-account',
  audience: 'https://iam.googleapis.com/${provider}',
  expirationSeconds: 3600,
  minExpirationSeconds: 600,
  parameters: { provider: GCP_PROVIDER, serviceAccountEmail: GCP.parameters?.['serviceAccountEmail'] ?? {} },
  env: [{ name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '${credentialFile}' }],
  credential: {
    annotation: 'curfew.dev/gcp-credential-configuration',
    volume: 'workload-identity-credential-configuration',
    mountPath: '/etc/workload-identity',
    path: 'credential-configuration.json',
    content: GCP.credential?.content ?? {},
  },
  differences: ['The credential file comes from an annotation of the pod; the documentation makes a ConfigMap.'],
};

/** Alibaba Cloud's documentation of ack-pod-identity-webhook 0.4.2. */
export const ALIBABA_RRSA: Preset = {
  title: 'Alibaba Cloud: RRSA',
  volume: 'rrsa-oidc-token',
  mountPath: '/var/run/secrets/ack.alibabacloud.com/rrsa-tokens',
  audience: 'sts.aliyuncs.com',
  expirationSeconds: 3600,
  minExpirationSeconds: 600,
  maxExpirationSeconds: 43_200,
  parameters: {
    roleArn: { description: 'ARN of the RAM role.' },
    oidcProviderArn: { description: 'ARN of the OIDC provider of the cluster.' },
    stsEndpoint: { isOptional: true },
    stsRegion: { isOptional: true },
  },
  env: [
    { name: 'ALIBABA_CLOUD_ROLE_ARN', value: '${roleArn}' },
    { name: 'ALIBABA_CLOUD_OIDC_PROVIDER_ARN', value: '${oidcProviderArn}' },
    { name: 'ALIBABA_CLOUD_OIDC_TOKEN_FILE', value: '${tokenFile}' },
    { name: 'ALIBABA_CLOUD_STS_ENDPOINT', value: '${stsEndpoint}', group: 'endpoint' },
    { name: 'ALIBABA_CLOUD_STS_REGION', value: '${stsRegion}', group: 'stsRegion' },
  ],
  // The source is closed: the name is that of the component, and what stands around it is not known.
  foreignWebhooks: ['*ack-pod-identity-webhook*'],
  skipContainers: { annotation: 'pod-identity.alibabacloud.com/skip-containers', separator: ',' },
  onlyContainers: { annotation: 'pod-identity.alibabacloud.com/only-containers', separator: ',' },
  differences: [
    "Nothing triggers it: the webhook makes the role's ARN of the cluster's own account, which Curfew does not know.",
    'The lifetime is that of our annotation; an invalid one is refused, where the webhook takes 3600.',
  ],
};

/** stackit-pod-identity-webhook. */
export const STACKIT: Preset = {
  title: 'STACKIT: workload identity',
  volume: 'stackit-workload-identity',
  mountPath: '/var/run/secrets/stackit.cloud/serviceaccount',
  audience: '${audience}',
  expirationSeconds: 600,
  expiration: {
    annotation: 'workload-identity.stackit.cloud/service-account-token-expiration-seconds',
    whenInvalid: 'refuse',
    whenOutOfRange: 'clamp',
  },
  parameters: {
    serviceAccountEmail: { annotation: 'workload-identity.stackit.cloud/service-account-email' },
    audience: { annotation: 'workload-identity.stackit.cloud/audience', default: 'sts.accounts.stackit.cloud' },
    idpTokenEndpoint: { annotation: 'workload-identity.stackit.cloud/idp-token-endpoint', isOptional: true },
    idpTokenExpirationSeconds: {
      annotation: 'workload-identity.stackit.cloud/idp-token-expiration-seconds',
      isOptional: true,
    },
  },
  env: [
    { name: 'STACKIT_SERVICE_ACCOUNT_EMAIL', value: '${serviceAccountEmail}' },
    { name: 'STACKIT_IDP_TOKEN_ENDPOINT', value: '${idpTokenEndpoint}' },
    { name: 'STACKIT_IDP_TOKEN_EXPIRATION_SECONDS', value: '${idpTokenExpirationSeconds}' },
  ],
  trigger: {
    accountAnnotation: 'workload-identity.stackit.cloud/service-account-email',
    skip: ['workload-identity.stackit.cloud/skip-pod-identity-webhook'],
  },
  foreignWebhooks: ['*stackit-pod-identity-webhook*'],
  differences: [
    'A container that has one of the variables keeps its own; the webhook refuses the pod.',
    'The annotation federated-token-file is not read: the file stays where clients look for it.',
  ],
};
