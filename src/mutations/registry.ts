/** All mutations, in the order in which they change an object. */

import type { Mutation } from './define-mutation.ts';
import shortLivedApiToken from './short-lived-api-token.ts';

export const MUTATIONS: readonly Mutation[] = [shortLivedApiToken];
