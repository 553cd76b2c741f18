import type { Preset } from './format.ts';

/** stackit-pod-identity-webhook. */
export const STACKIT: Preset = {
  title: 'STACKIT: workload identity',
  volume: 'stackit-workload-identity',
  mountPath: '/var/run/secrets/stackit.cloud/serviceaccount',
  tokenFile: '${federatedTokenFile}',
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
    federatedTokenFile: {
      annotation: 'workload-identity.stackit.cloud/federated-token-file',
      isOptional: true,
      description: 'Absolute path of the file of the token.',
    },
  },
  env: [
    { name: 'STACKIT_SERVICE_ACCOUNT_EMAIL', value: '${serviceAccountEmail}' },
    { name: 'STACKIT_FEDERATED_TOKEN_FILE', value: '${tokenFile}' },
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
    'A volume that holds the same token is used; the webhook refuses the pod whatever is in a volume of its name.',
    'STACKIT_FEDERATED_TOKEN_FILE is always set; the webhook sets it where federated-token-file is annotated.',
    'The skip key means no with any value, also as an annotation; the webhook wants true there.',
    'The pod’s annotation of the lifetime wins over its account’s, and less than 600 is raised; the webhook reads the account’s alone, and the API server refuses the pod.',
    'E-mail address, endpoint and seconds are not parsed; a text that cannot go into a variable is refused.',
    'Variables are written before those of the container, so that these may use them; the webhook writes them after.',
  ],
};
