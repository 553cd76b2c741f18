/** Which namespaces keep to a Pod Security Standard, by their labels. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { asString, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { closed, perhaps, text } from './schema-parts.ts';

export const PodSecuritySchema = closed({
  namespace: text(),
  enforce: perhaps(text()),
  warn: perhaps(text()),
  audit: perhaps(text()),
  ok: Type.Boolean({ description: 'True if restricted is enforced.' }),
});

export type PodSecurity = Static<typeof PodSecuritySchema>;

/** KEP-2579. */
const LABEL = 'pod-security.kubernetes.io/';

export function describePodSecurity({ name, object }: Subject): PodSecurity {
  const read = (mode: string) => asString(valueAt(object, ['metadata', 'labels', `${LABEL}${mode}`]));
  const [enforce, warn, audit] = [read('enforce'), read('warn'), read('audit')];
  return {
    namespace: name,
    ...(enforce === undefined ? {} : { enforce }),
    ...(warn === undefined ? {} : { warn }),
    ...(audit === undefined ? {} : { audit }),
    ok: enforce === 'restricted',
  };
}
