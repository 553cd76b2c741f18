/** Every check: its forms in CEL, or what a policy of the API server cannot look at. */

import { TABLES as NODE_PROXY, WORDS } from '../rbac-node-proxy.ts';
import { DEBUGS, ENTERS, RIGHTS as POD_EXEC } from '../rbac-pod-exec.ts';
import { RIGHTS as SECRET_READ } from '../rbac-secret-read.ts';
import { RIGHTS as TOKEN_REQUEST } from '../rbac-token-request.ts';
import { bootstrapTokenExpiration } from './bootstrap-token-expiration.ts';
import { defaultServiceAccountOfBindings, defaultServiceAccountOfPods } from './default-service-account.ts';
import type { CelForm, NoCelForm } from './define-cel.ts';
import { ephemeralContainerToken } from './ephemeral-container-token.ts';
import { longLivedTokenSecret } from './long-lived-token-secret.ts';
import { rbacBindingSubjects } from './rbac-binding-subjects.ts';
import { celOfRights } from './role-rights.ts';
import { serviceAccountAutomount } from './service-account-automount.ts';
import { tokenAudience } from './token-audience.ts';
import { tokenLifetime } from './token-lifetime.ts';
import { tokenRequestAudience, tokenRequestBinding, tokenRequestLifetime } from './token-requests.ts';
import { yearLongToken } from './year-long-token.ts';

const SECRET_INDEX = 'asks which Secrets hold a token, and a policy sees no other object';
const COMPARES_GRANTS =
  'compares everything that the rules of the new and of the old role grant, of which there may be thousands of millions: a policy may not take that many steps';
const WORKLOADS =
  'looks for three verbs on each of more than a dozen kinds, by name too: written out as the forms of other roles are, that is more than the API server compiles and runs in the time of one request';
const IMPERSONATES =
  'reads verbs and resources that are made of two parts (impersonate:user-info, userextras/scopes), of which a role may have any number';
/** `celOfRights` takes every name or none. */
const SOME_NAMES =
  'tells names of harmless roles and of foreign signers from others, which the forms of other roles do not yet';

export const CEL_FORMS: ReadonlyMap<string, readonly CelForm[] | NoCelForm> = new Map<
  string,
  readonly CelForm[] | NoCelForm
>([
  ['long-lived-token-secret', [longLivedTokenSecret]],
  ['embedded-token', { without: 'searches text for tokens and reads the claims in them, and CEL decodes no JWT' }],
  ['bootstrap-token-expiration', [bootstrapTokenExpiration]],
  ['long-lived-token-mount', { without: SECRET_INDEX }],
  ['service-account-secrets', { without: SECRET_INDEX }],
  ['year-long-token', [yearLongToken]],
  ['token-lifetime', [tokenLifetime]],
  ['token-audience', [tokenAudience]],
  [
    'pod-automount',
    {
      without: 'asks whether the live service account documents the need of the API, and a policy sees no other object',
    },
  ],
  ['service-account-automount', [serviceAccountAutomount]],
  ['default-service-account', [defaultServiceAccountOfPods, defaultServiceAccountOfBindings]],
  ['ephemeral-container-token', [ephemeralContainerToken]],
  ['token-request-lifetime', [tokenRequestLifetime]],
  ['token-request-audience', [tokenRequestAudience]],
  ['token-request-binding', [tokenRequestBinding]],
  ['rbac-wildcard', { without: COMPARES_GRANTS }],
  [
    'rbac-secret-read',
    [celOfRights({ rights: SECRET_READ, reasonOf: () => 'reads every Secret', countsNames: false })],
  ],
  ['rbac-workload-create', { without: WORKLOADS }],
  [
    'rbac-token-request',
    [
      celOfRights({
        rights: TOKEN_REQUEST,
        reasonOf: () => 'makes tokens for every service account',
        countsNames: false,
      }),
    ],
  ],
  ['rbac-impersonate', { without: IMPERSONATES }],
  ['rbac-escalate', { without: SOME_NAMES }],
  [
    'rbac-node-proxy',
    [celOfRights({ rights: NODE_PROXY.clusterRole, reasonOf: () => WORDS.reason, countsNames: true })],
  ],
  [
    'rbac-pod-exec',
    [
      celOfRights({
        rights: POD_EXEC,
        reasonOf: ({ resource }) => (resource === 'pods/ephemeralcontainers' ? DEBUGS : ENTERS).reason,
        countsNames: true,
      }),
    ],
  ],
  ['rbac-binding-subjects', [rbacBindingSubjects]],
]);
