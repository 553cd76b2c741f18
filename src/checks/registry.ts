/** All checks, in the order of the catalogue. Explicit, so that the list can be read; a test compares it with the files. */

import bootstrapTokenExpiration from './bootstrap-token-expiration.ts';
import defaultServiceAccount from './default-service-account.ts';
import type { Check } from './define-check.ts';
import embeddedToken from './embedded-token.ts';
import ephemeralContainerToken from './ephemeral-container-token.ts';
import longLivedTokenMount from './long-lived-token-mount.ts';
import longLivedTokenSecret from './long-lived-token-secret.ts';
import podAutomount from './pod-automount.ts';
import rbacBindingSubjects from './rbac-binding-subjects.ts';
import rbacEscalate from './rbac-escalate.ts';
import rbacImpersonate from './rbac-impersonate.ts';
import rbacNodeProxy from './rbac-node-proxy.ts';
import rbacPodExec from './rbac-pod-exec.ts';
import rbacSecretRead from './rbac-secret-read.ts';
import rbacTokenRequest from './rbac-token-request.ts';
import rbacWildcard from './rbac-wildcard.ts';
import rbacWorkloadCreate from './rbac-workload-create.ts';
import serviceAccountAutomount from './service-account-automount.ts';
import serviceAccountSecrets from './service-account-secrets.ts';
import tokenAudience from './token-audience.ts';
import tokenLifetime from './token-lifetime.ts';
import tokenRequestAudience from './token-request-audience.ts';
import tokenRequestBinding from './token-request-binding.ts';
import tokenRequestLifetime from './token-request-lifetime.ts';
import yearLongToken from './year-long-token.ts';

export const CHECKS: readonly Check[] = [
  longLivedTokenSecret,
  embeddedToken,
  bootstrapTokenExpiration,
  longLivedTokenMount,
  serviceAccountSecrets,
  yearLongToken,
  tokenLifetime,
  tokenAudience,
  podAutomount,
  serviceAccountAutomount,
  defaultServiceAccount,
  ephemeralContainerToken,
  tokenRequestLifetime,
  tokenRequestAudience,
  tokenRequestBinding,
  rbacWildcard,
  rbacSecretRead,
  rbacWorkloadCreate,
  rbacTokenRequest,
  rbacImpersonate,
  rbacEscalate,
  rbacNodeProxy,
  rbacPodExec,
  rbacBindingSubjects,
];

export function findCheck(id: string): Check | undefined {
  return CHECKS.find((check) => check.id === id);
}
