/** What the API server and its cleaner write on Secrets with a token that never expires (KEP-2799). */

import { asString, valueAt } from './json.ts';

/** The day on which somebody used the token last, also in vain; the API server writes it once a day. */
export const LAST_USED_LABEL = 'kubernetes.io/legacy-token-last-used';

/**
 * Not empty: the API server refuses the token, whoever made the Secret (kubernetes, pkg/serviceaccount/legacy.go: the label is
 * looked at before anybody asks whether the account lists the Secret; the same from 1.30 to 1.37).
 */
export const INVALID_SINCE_LABEL = 'kubernetes.io/legacy-token-invalid-since';

/**
 * The day since when the API server refuses the token of a Secret; undefined while it is good. An empty label, which anybody
 * who may label the Secret can write, is none to the API server.
 *
 * @param secret - its metadata is enough
 */
export function readInvalidSince(secret: unknown): string | undefined {
  return asString(valueAt(secret, ['metadata', 'labels', INVALID_SINCE_LABEL])) || undefined;
}
