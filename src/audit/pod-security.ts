/** Which namespaces keep to a Pod Security Standard, by their labels. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { closed, perhaps, text } from './schema-parts.ts';

export const PodSecuritySchema = closed({
  namespace: text(),
  enforce: perhaps(text()),
  warn: perhaps(text()),
  audit: perhaps(text()),
  ok: Type.Boolean({ description: 'True if restricted is enforced.' }),
});

export type PodSecurity = Static<typeof PodSecuritySchema>;
