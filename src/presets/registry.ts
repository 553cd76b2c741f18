/** The presets that come with Curfew. None is triggered unless the configuration says so. */

import { ALIBABA_RRSA } from './alibaba-rrsa.ts';
import { AZURE_V1_6 } from './azure-v1-6.ts';
import { AWS_IRSA, AWS_POD_IDENTITY, AZURE, GCP, GCP_DOCS } from './cloud.ts';
import type { Preset, Presets } from './format.ts';
import { GCP_FLEET } from './gcp-fleet.ts';
import { STACKIT } from './stackit.ts';
import { TENCENT } from './tencent.ts';
import { VOLCENGINE } from './volcengine.ts';

/** IBM Cloud trusted profiles: where its SDK looks for the token. */
const IBM: Preset = {
  title: 'IBM Cloud: trusted profiles',
  volume: 'sa-token',
  mountPath: '/var/run/secrets/tokens',
  path: 'sa-token',
  audience: '${audience}',
  expirationSeconds: 3600,
  parameters: { audience: { default: 'iam' } },
  differences: ['IBM has no webhook: people write this volume by hand.'],
};

/** CyberArk Conjur, authn-jwt: secrets-provider-for-k8s. */
const CONJUR: Preset = {
  title: 'CyberArk Conjur: authn-jwt',
  volume: 'jwt-token',
  mountPath: '/var/run/secrets/tokens',
  path: 'jwt',
  audience: '${audience}',
  expirationSeconds: 3600,
  parameters: { audience: { default: 'conjur' } },
  env: [{ name: 'JWT_TOKEN_PATH', value: '${tokenFile}' }],
  differences: ['Conjur has no webhook: people write this volume by hand.'],
};

/** Teleport's tbot, joining by Kubernetes. */
const TELEPORT: Preset = {
  title: 'Teleport: tbot',
  volume: 'join-sa-token',
  mountPath: '/var/run/secrets/tokens',
  path: 'join-sa-token',
  audience: '${clusterName}',
  expirationSeconds: 600,
  parameters: { clusterName: { description: 'Name of the Teleport cluster.' } },
  env: [{ name: 'KUBERNETES_TOKEN_PATH', value: '${tokenFile}' }],
  differences: ['Teleport has no webhook: people write this volume by hand.'],
};

/** vault-k8s: its injector consumes a token and adds none, so it is no foreign webhook to stand back from. */
const VAULT: Preset = {
  title: 'HashiCorp Vault: agent injector',
  volume: 'vault-token',
  mountPath: '/var/run/secrets/vault.hashicorp.com/serviceaccount',
  audience: '${audience}',
  expirationSeconds: 3600,
  parameters: { audience: { default: 'vault' } },
  podAnnotations: { 'vault.hashicorp.com/agent-service-account-token-volume-name': '${volume}' },
  differences: [
    'The injector makes no token: it takes the volume that the annotation names, which is why it is written.',
    'It is called after Curfew only if its webhook configuration sorts after ours (vault-agent-injector-cfg does).',
  ],
};

export const BUILT_IN_PRESETS: Presets = new Map<string, Preset>([
  ['aws-irsa', AWS_IRSA],
  ['aws-pod-identity', AWS_POD_IDENTITY],
  ['azure', AZURE],
  ['azure-v1-6', AZURE_V1_6],
  ['gcp', GCP],
  ['gcp-docs', GCP_DOCS],
  ['gcp-fleet', GCP_FLEET],
  ['alibaba-rrsa', ALIBABA_RRSA],
  ['tencent', TENCENT],
  ['volcengine', VOLCENGINE],
  ['stackit', STACKIT],
  ['ibm', IBM],
  ['conjur', CONJUR],
  ['teleport', TELEPORT],
  ['vault', VAULT],
]);
