/** Documented access: an annotation that says why an identity needs the Kubernetes API. */

import type { ServiceAccountView } from './views.ts';

export const API_ACCESS_ANNOTATION = 'curfew.dev/api-access';

/** Kinds on which the annotation may count. */
export const API_ACCESS_SOURCES = ['ServiceAccount', 'Pod', 'Namespace'] as const;
export type ApiAccessSource = (typeof API_ACCESS_SOURCES)[number];

/** What our own messages print where the reason belongs: pasted as it stands, it documents nothing. */
export const REASON_PLACEHOLDER = '<why>';

/** Longest reason, in characters; a longer one is no reason but a place to hide something. */
export const MOST_REASON_CHARACTERS = 500;

/** What is wrong with `reason` as documentation; undefined if nothing is. */
export function faultOfReason(reason: string): string | undefined {
  if (reason.trim() === '') return 'it is empty';
  if (reason.trim() === REASON_PLACEHOLDER) return `it is the placeholder ${REASON_PLACEHOLDER}`;
  if (reason.length > MOST_REASON_CHARACTERS) {
    return `it has ${reason.length} characters, and ${MOST_REASON_CHARACTERS} are allowed`;
  }
  return undefined;
}

/** The reason somebody wrote down on the service account; undefined if there is none, or none that counts. */
export function documentedAccess(serviceAccount: ServiceAccountView): string | undefined {
  const reason = serviceAccount.annotations.get(API_ACCESS_ANNOTATION);
  return reason === undefined || faultOfReason(reason) !== undefined ? undefined : reason.trim();
}
