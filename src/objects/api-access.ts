/** Documented access: an annotation that says why an identity needs the Kubernetes API. */

import type { ServiceAccountView } from './views.ts';

export const API_ACCESS_ANNOTATION = 'curfew.dev/api-access';

/** The reason somebody wrote down on the service account; undefined if there is none or it is blank. */
export function documentedAccess(serviceAccount: ServiceAccountView): string | undefined {
  const reason = serviceAccount.annotations.get(API_ACCESS_ANNOTATION)?.trim();
  return reason === '' ? undefined : reason;
}
