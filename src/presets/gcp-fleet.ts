import { GCP_IMPERSONATION_SECONDS, GCP_QUOTA_PROJECT } from './cloud.ts';
import type { Preset } from './format.ts';

/** Google's documentation of fleets: one projected volume with the token and the client's configuration beside it. */
export const GCP_FLEET: Preset = {
  title: 'Google Cloud: fleet workload identity, as its documentation does it by hand',
  volume: 'gcp-ksa',
  mountPath: '/var/run/secrets/tokens/gcp-ksa',
  audience: '${pool}',
  expirationSeconds: 3600,
  parameters: {
    pool: { description: 'Workload identity pool of the fleet: FLEET_PROJECT.svc.id.goog' },
    identityProvider: {
      description:
        'URL of the membership: https://gkehub.googleapis.com/projects/PROJECT/locations/global/memberships/NAME',
    },
    serviceAccountEmail: {
      isOptional: true,
      description: 'Service account to impersonate; without it the pod has the access that is granted to it directly.',
    },
    quotaProject: GCP_QUOTA_PROJECT,
    impersonationSeconds: GCP_IMPERSONATION_SECONDS,
  },
  env: [{ name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '${credentialFile}' }],
  credential: {
    annotation: 'curfew.dev/gcp-fleet-credentials',
    path: 'google-application-credentials.json',
    content: {
      type: 'external_account',
      audience: 'identitynamespace:${pool}:${identityProvider}',
      service_account_impersonation_url:
        'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccountEmail}:generateAccessToken',
      service_account_impersonation: { token_lifetime_seconds: '${impersonationSeconds}' },
      quota_project_id: '${quotaProject}',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'https://sts.googleapis.com/v1/token',
      credential_source: { file: '${tokenFile}' },
    },
  },
  differences: [
    'Google has no webhook for it: people write this volume by hand.',
    'The credential file comes from an annotation of the pod; the documentation makes a ConfigMap in every namespace.',
    'Whoever may change annotations of the pod can change the credential file, and so where the token is sent.',
    'The lifetime is an hour; the documentation asks for two days.',
  ],
};
