/** Every token that live pods hold, once for each owner, account and volume or Secret. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { closed, count, list, OwnerSchema, oneOf, perhaps, text } from './schema-parts.ts';

export const MountedTokenSchema = closed({
  namespace: text(),
  owner: OwnerSchema,
  account: text(),
  pods: count('Pods that hold it.'),
  containers: list(text(), 'Who can read it.'),
  source: oneOf(
    ['default', 'projected', 'secret'],
    'default: the volume kube-api-access-*. secret: a token Secret, whose token never expires.',
  ),
  volume: perhaps(text()),
  secret: perhaps(text()),
  audience: perhaps(text('Absent: the API server’s own.')),
  reachesApi: Type.Boolean(),
  askedSeconds: perhaps(count('expirationSeconds as it is written.')),
  trueSeconds: perhaps(count('What it is really valid for; absent if it never expires, or that is not known.')),
  never: Type.Boolean({ description: 'True if it never expires.' }),
  fromBefore: Type.Boolean({
    description: 'True if Curfew would shorten, remove or refuse it today, were its pods made anew.',
  }),
});

export type MountedToken = Static<typeof MountedTokenSchema>;
