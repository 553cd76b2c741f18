/** Service accounts: who mounts their tokens, what is written down about it, and whether they have a right. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { closed, count, list, perhaps, text } from './schema-parts.ts';

export const AccountAccessSchema = closed({
  namespace: text(),
  name: text(),
  automount: Type.Union([Type.Boolean(), Type.Literal('unset')], { description: 'As the account says it.' }),
  podsWithToken: count('Live pods that hold an API token of it.'),
  documented: perhaps(text('The reason in its annotation curfew.dev/api-access, if it counts.')),
  hasRights: Type.Boolean({
    description: 'True if something is bound to it beyond what every authenticated caller may do.',
  }),
  identities: list(text(), 'Schemes of workload identity whose annotation it carries: `aws-irsa`, `azure`.'),
});

export type AccountAccess = Static<typeof AccountAccessSchema>;
