/** Secrets with a token that never expires: how old they are, who uses them, and whether Kubernetes itself will end them. */

import type { Static } from 'typebox';
import { closed, count, list, oneOf, perhaps, text } from './schema-parts.ts';

const SecretUseSchema = closed(
  {
    kind: text(),
    namespace: text(),
    name: text(),
    how: text('A few words: `mounted as volume ci`, `listed in .secrets`.'),
  },
  'One use of it: by a pod or a template that mounts or reads it, or by an account that lists it.',
);

export const LongLivedSecretSchema = closed(
  {
    namespace: text(),
    name: text(),
    account: text('The service account whose token it holds.'),
    createdAt: text('As the API server writes it (RFC 3339).'),
    lastUsed: perhaps(text('The day on which somebody used it last, if the API server has noted one (KEP-2799).')),
    invalidSince: perhaps(text('The day since when the API server refuses it; absent while it is good.')),
    ageDays: count('Whole days since it was made.'),
    usedBy: list(SecretUseSchema),
    cleaning: oneOf(
      ['in-tree', 'never'],
      'Whether the cleaner of kube-controller-manager will ever touch it as things are (KEP-2799).',
    ),
    cleaningReason: text('One sentence.'),
  },
  'A Secret with a token that never expires.',
);

export type LongLivedSecret = Static<typeof LongLivedSecretSchema>;
