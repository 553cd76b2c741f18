/** Presets of clouds. Facts: the source of each scheme's webhook, or its documentation, as the pages say. */

import type { Preset } from './format.ts';

/** The name in AWS's own manifests, on EKS and on OpenShift; the names that charts of others give it. */
const AWS_WEBHOOKS = ['pod-identity-webhook', '*eks-pod-identity-webhook*', '*aws-pod-identity-webhook*'];
/** What the webhook of AWS reads for both its modes (pkg/annotations.go, Go's ParseBool). */
const AWS_STS = {
  annotation: 'eks.amazonaws.com/sts-regional-endpoints',
  annotationValues: {
    ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, 'regional'])),
    ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, ''])),
  },
  isOptional: true,
  description: '`regional` or `legacy`; `true` in the annotation is `regional`.',
} as const;

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
    stsRegionalEndpoints: AWS_STS,
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
    'Flags are presetParameters: --aws-default-region is region, --sts-regional-endpoint stsRegionalEndpoints, --token-audience audience. A role’s bare name (--compose-role-arn) is not completed, and no ConfigMap of roles (--watch-config-map) is read.',
    'Annotations of another prefix (--annotation-prefix) are for a preset of your own.',
    'Variables are written before those of the container, so that these may use them, and the volume is the last one; the webhook writes the variables after and the volume first.',
    'A volume of the same name with other content is refused; the webhook mounts it, or in newer releases leaves the pod without a token.',
    'A mount that is in the way of the token is refused; the webhook makes a pod that the API server refuses, or sets variables that lead nowhere.',
    'A container that has all the variables of its own gets the mount nevertheless; the webhook leaves it out.',
    'A container that has the very role in AWS_ROLE_ARN gets AWS_WEB_IDENTITY_TOKEN_FILE too; the webhook adds neither where one is there.',
    'Windows is seen by spec.os and required node affinity too; the webhook looks at the node selector alone.',
    'The label eks.amazonaws.com/skip-pod-identity-webhook is heeded as an annotation and on account and namespace too.',
    'Names in eks.amazonaws.com/skip-containers are trimmed, and where the pod has none, it counts on its service account and its namespace.',
    'The lifetime is an hour unless something else is asked for, and never longer than the limit; the webhook asks for a day.',
  ],
};

/** The same webhook, container credentials. */
export const AWS_POD_IDENTITY: Preset = {
  title: 'AWS: EKS Pod Identity',
  volume: 'eks-pod-identity-token',
  mountPath: '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount',
  path: 'eks-pod-identity-token',
  audience: '${audience}',
  expirationSeconds: 3600,
  expiration: { annotation: 'eks.amazonaws.com/token-expiration', whenInvalid: 'ignore', whenOutOfRange: 'clamp' },
  parameters: {
    audience: { default: 'pods.eks.amazonaws.com' },
    region: { isOptional: true, description: 'Region of the clients.' },
    stsRegionalEndpoints: AWS_STS,
  },
  env: [
    { name: 'AWS_STS_REGIONAL_ENDPOINTS', value: '${stsRegionalEndpoints}', group: 'sts' },
    { name: 'AWS_DEFAULT_REGION', value: '${region}', group: 'region' },
    { name: 'AWS_REGION', value: '${region}', group: 'region' },
    { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: 'http://169.254.170.23/v1/credentials' },
    { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: '${tokenFile}' },
  ],
  foreignWebhooks: AWS_WEBHOOKS,
  skipContainers: { annotation: 'eks.amazonaws.com/skip-containers', separator: ',' },
  differences: [
    'Useful only where the EKS Pod Identity agent runs on the node and an association exists.',
    'The lifetime is an hour and not a random one of nearly a day, so that a pod that is made again is the same.',
    'The label eks.amazonaws.com/pod-identity is not written.',
    'Associations are known to EKS alone, so nothing triggers it.',
    'A pod that asks for aws-irsa too gets both, and AWS SDKs then use the role; the webhook leaves the role out.',
    'The rest is as with aws-irsa: where variables and volume stand, what is refused, Windows, trimmed names.',
  ],
};

/** azure-workload-identity up to v1.5.1: the layout of 1.6 depends on the pod's name. */
export const AZURE = {
  title: 'Azure: workload identity',
  volume: 'azure-identity-token',
  mountPath: '/var/run/secrets/azure/tokens',
  path: 'azure-identity-token',
  audience: '${audience}',
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
    tenantId: {
      annotation: 'azure.workload.identity/tenant-id',
      description: 'Tenant ID; for the whole cluster by presetParameters.',
    },
    authorityHost: { default: 'https://login.microsoftonline.com/', description: 'Entra ID of the cloud.' },
    audience: { default: 'api://AzureADTokenExchange' },
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
  unsupported: [
    {
      annotation: 'azure.workload.identity/inject-proxy-sidecar',
      on: 'Pod',
      isRefused: true,
      why: 'Curfew adds no proxy to pods; read AZURE_FEDERATED_TOKEN_FILE, or let the webhook of Azure do it',
    },
  ],
  differences: [
    'The layout is that of releases up to 1.5.1; applications read AZURE_FEDERATED_TOKEN_FILE, so any path serves them. For the path of 1.6 there is azure-v1-6.',
    'The tenant of the webhook (AZURE_TENANT_ID) is tenantId in presetParameters; without it a pod without azure.workload.identity/tenant-id on its account is refused. Another cloud (AZURE_ENVIRONMENT) is authorityHost.',
    'A pod that asks for the proxy sidecar is refused: Curfew adds no containers.',
    'Custom token endpoints (azure.workload.identity/use-…) are not there.',
    'Variables are written before those of the container, so that these may use them; the webhook writes them after.',
    'A volume or mount of the same name with other content is refused; the webhook makes a pod that the API server refuses, or mounts what is there.',
    'If the pod’s service account changes while it is admitted, its variables do too; those of the webhook stay.',
    'On Windows the path in AZURE_FEDERATED_TOKEN_FILE is a Windows path; the webhook writes it as on Linux.',
    'A lifetime of 3607 is made 3600: the API server can make 3607 seconds a year.',
    'Where the pod has no azure.workload.identity/skip-containers, it counts on its service account and its namespace.',
  ],
} satisfies Preset;

const GCP_PROVIDER = {
  annotation: 'cloud.google.com/workload-identity-provider',
  description: 'projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER',
} as const;

/** Members of a credential file of external accounts (google.aip.dev/auth/4117). */
export const GCP_QUOTA_PROJECT = {
  isOptional: true,
  description: 'Project that calls are billed to and whose quota they use.',
} as const;
export const GCP_IMPERSONATION_SECONDS = {
  isOptional: true,
  isNumber: true,
  description: 'Lifetime of the impersonated service account’s token: 600 to 43200.',
} as const;

/** pfnet-research/gcp-workload-identity-federation-webhook v0.7.0, mode direct. */
export const GCP = {
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
    project: { annotation: 'cloud.google.com/project', isOptional: true, description: 'Project of gcloud.' },
    region: { isOptional: true, description: 'Region of gcloud.' },
    quotaProject: GCP_QUOTA_PROJECT,
    impersonationSeconds: GCP_IMPERSONATION_SECONDS,
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
      service_account_impersonation: { token_lifetime_seconds: '${impersonationSeconds}' },
      quota_project_id: '${quotaProject}',
      credential_source: { file: '${tokenFile}', format: { type: 'text' } },
    },
  },
  trigger: { accountAnnotation: 'cloud.google.com/workload-identity-provider' },
  foreignWebhooks: ['*gcp-workload-identity-federation-webhook*'],
  skipContainers: { annotation: 'cloud.google.com/skip-containers', separator: ',' },
  unsupported: [
    {
      annotation: 'cloud.google.com/injection-mode',
      on: 'ServiceAccount',
      value: 'gcloud',
      why: 'the command gcloud is not set up; clients read GOOGLE_APPLICATION_CREDENTIALS as in mode direct',
    },
  ],
  differences: [
    'Whoever may change annotations of the pod can change the credential file, and so where the token is sent; as in mode direct of the webhook.',
    'The lifetime is an hour unless something else is asked for; the webhook asks for a day.',
    'Mode direct alone: no init container, no gcloud image, no emptyDir, no CLOUDSDK_CONFIG; gcloud-run-as-user says nothing. injection-mode: gcloud is warned about.',
    'Impersonation is optional; the webhook demands a service account, and refuses a pod whose account has an e-mail address and no provider.',
    'The token file is 0644 and not 0440, which an image that does not run as root cannot read.',
    'There is no default region, and the project is not guessed from the e-mail address: give region, and project or the annotation cloud.google.com/project, or set them by presetParameters.',
    'Variables, volumes and mounts of the pod are kept or refused; the webhook overwrites two of the variables, and volumes and mounts of its names.',
    'Of the annotations that the webhook writes on the pod only external-credentials-json is there.',
    'The form of the provider is not checked; the webhook refuses a pod whose account has another.',
    'An empty token-expiration is as if it were not there; the webhook refuses the pod.',
    'Variables are written before those of the container, so that these may use them.',
    'Where the pod has no cloud.google.com/skip-containers, it counts on its service account and its namespace.',
    'On Windows the paths in GOOGLE_APPLICATION_CREDENTIALS and in the file are Windows paths; the webhook knows no Windows.',
  ],
} satisfies Preset;

/** Google's documentation for clusters outside GKE. */
export const GCP_DOCS: Preset = {
  ...GCP,
  title: 'Google Cloud: workload identity federation, as its documentation does it by hand',
  volume: 'token',
  mountPath: '/var/run/service-account',
  audience: 'https://iam.googleapis.com/${provider}',
  expirationSeconds: 3600,
  minExpirationSeconds: 600,
  parameters: {
    provider: GCP_PROVIDER,
    serviceAccountEmail: GCP.parameters.serviceAccountEmail,
    quotaProject: GCP_QUOTA_PROJECT,
    impersonationSeconds: GCP_IMPERSONATION_SECONDS,
  },
  env: [{ name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '${credentialFile}' }],
  credential: {
    annotation: 'curfew.dev/gcp-credential-configuration',
    volume: 'workload-identity-credential-configuration',
    mountPath: '/etc/workload-identity',
    path: 'credential-configuration.json',
    content: GCP.credential.content,
  },
  differences: [
    'The credential file comes from an annotation of the pod; the documentation makes a ConfigMap.',
    'The annotations are those of the preset gcp, whose webhook has another audience and other paths.',
  ],
};
