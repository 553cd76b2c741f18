/** All mutations, in the order in which they change an object. */

import automountOptOut from './automount-opt-out.ts';
import capTokenLifetime from './cap-token-lifetime.ts';
import capTokenRequest from './cap-token-request.ts';
import defaultServiceAccountOptOut from './default-service-account-opt-out.ts';
import type { Mutation } from './define-mutation.ts';
import injectToken from './inject-token.ts';
import shortLivedApiToken from './short-lived-api-token.ts';

export const MUTATIONS: readonly Mutation[] = [
  defaultServiceAccountOptOut,
  automountOptOut,
  shortLivedApiToken,
  capTokenLifetime,
  injectToken,
  capTokenRequest,
];
