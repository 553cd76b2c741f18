/** Pods that hold a token from before Curfew, in the order in which to restart their owners: the worst token first. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { closed, count, OwnerSchema, text } from './schema-parts.ts';

export const RestartStepSchema = closed({
  order: Type.Integer({ minimum: 1 }),
  namespace: text(),
  owner: OwnerSchema,
  pods: count('Pods of it that hold such a token.'),
  why: text('One sentence.'),
  command: text('For a shell.'),
});

export type RestartStep = Static<typeof RestartStepSchema>;
