/** All checks, in the order of the catalogue. Explicit, so that the list can be read; a test compares it with the files. */

import type { Check } from './define-check.ts';
import longLivedTokenSecret from './long-lived-token-secret.ts';
import podAutomount from './pod-automount.ts';
import yearLongToken from './year-long-token.ts';

export const CHECKS: readonly Check[] = [longLivedTokenSecret, yearLongToken, podAutomount];

export function findCheck(id: string): Check | undefined {
  return CHECKS.find((check) => check.id === id);
}
