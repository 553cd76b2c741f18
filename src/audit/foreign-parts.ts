/** What others have in the cluster that changes or judges the same objects. */

import type { Static } from 'typebox';
import { closed, list, oneOf, perhaps, text } from './schema-parts.ts';

const InjectorSchema = closed({
  name: text('Of the MutatingWebhookConfiguration.'),
  webhook: text('Of the entry in it.'),
  knownAs: perhaps(text('What it is, if it is known.')),
});

const PolicySchema = closed({
  engine: oneOf(['kyverno', 'gatekeeper', 'validating-admission-policy', 'mutating-admission-policy', 'other']),
  name: text('`KIND name`, or `KIND namespace/name`.'),
  overlaps: list(text(), 'Ids of the checks that judge what it judges.'),
  detail: text('One sentence.'),
});

export const ForeignPartsSchema = closed({ injectors: list(InjectorSchema), policies: list(PolicySchema) });

export type ForeignParts = Static<typeof ForeignPartsSchema>;
