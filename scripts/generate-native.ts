/** The page about what the API server can do by itself: generated from the forms in CEL. */

import { CEL_FORMS } from '../src/checks/cel/registry.ts';
import { CHECKS } from '../src/checks/registry.ts';
import { CEL_MUTATIONS } from '../src/mutations/cel/registry.ts';
import { MUTATIONS } from '../src/mutations/registry.ts';
import { listGeneral } from '../src/native/render-policies.ts';
import { toPage, toTable } from './generate-markdown.ts';

export function renderNativePolicies(): string {
  return toPage('What a policy of the API server does, and what only the webhook does', [
    '`curfew render policies` writes these rules as ValidatingAdmissionPolicies (Kubernetes 1.30 and later) and',
    'MutatingAdmissionPolicies (1.36 and later). How to use them: [native policies](../guides/native-policies.md).',
    '',
    toTable(
      ['check', 'native', 'what it leaves to the webhook'],
      CHECKS.map(({ id }) => describe(id, CEL_FORMS.get(id))),
    ),
    toTable(
      ['mutation', 'native', 'what it leaves to the webhook'],
      MUTATIONS.map(({ id }) => describe(id, CEL_MUTATIONS.get(id))),
    ),
    'Left to the webhook, whatever the rule:',
    '',
    ...listGeneral().map(({ why }) => `- ${why}`),
    '',
  ]);
}

type Form = { readonly without: string } | { readonly left?: string };

function describe(id: string, form: Form | readonly Form[] | undefined): readonly string[] {
  const forms = form === undefined ? [] : Array.isArray(form) ? (form as readonly Form[]) : [form as Form];
  const whole = forms.flatMap((one) => ('without' in one ? [`all of it: it ${one.without}`] : []));
  const parts = forms.flatMap((one) => ('left' in one && one.left !== undefined ? [one.left] : []));
  return [`\`${id}\``, whole.length > 0 ? 'no' : parts.length > 0 ? 'in part' : 'yes', [...whole, ...parts].join('; ')];
}
