import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION, findDocumentedAccess } from '../objects/api-access.ts';
import { exampleServiceAccount } from '../objects/example-objects.ts';
import { member, valueAt } from '../objects/json.ts';
import { toServiceAccountView } from '../objects/views.ts';
import { defineMutation } from './define-mutation.ts';

const DEFAULT_ACCOUNT = 'default';
const FIELD = 'automountServiceAccountToken';

export default defineMutation({
  id: 'default-service-account-opt-out',
  since: '0.1',
  level: 'baseline',
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [{ group: '', resource: 'serviceaccounts', operations: ['CREATE'] }],
  mends: 'service-account-automount',
  needs: [],
  title: 'a new `default` service account does not hand its token to every pod',
  why: `Every pod that names no service account runs as \`default\` and holds its token. Whoever gives that account a right
gives it to all of them. With automountServiceAccountToken: false on the account, a pod that needs the token says so
itself, or better, runs as an account of its own. An account whose author wrote the field, or documented its need of
the API, is left as it is.`,
  mutate(_subject, draft, { context }) {
    const account = draft.current();
    const view = toServiceAccountView(account);
    if (valueAt(account, ['metadata', 'name']) !== DEFAULT_ACCOUNT || view === undefined) return [];
    // `null` counts as not set.
    if (typeof member(account, FIELD) === 'boolean') return [];
    const access = findDocumentedAccess({
      serviceAccount: { state: 'found', value: view },
      namespace: context.namespace,
      acceptFrom: context.acceptApiAccessFrom,
    });
    if (access.state === 'documented') return [];
    draft.set([FIELD], false);
    return [{ path: `/${FIELD}`, detail: 'not set (true) is now false' }];
  },
  examples: [
    {
      title: 'The account that the service account controller makes in every new namespace',
      subject: { object: exampleServiceAccount({ metadata: { name: 'default', namespace: 'shop' } }) },
      expect: { '/automountServiceAccountToken': false },
    },
    {
      title: 'A `default` account whose author wants the token',
      subject: {
        object: exampleServiceAccount({
          metadata: { name: 'default', namespace: 'shop' },
          automountServiceAccountToken: true,
        }),
      },
      expect: 'unchanged',
    },
    {
      title: 'A `default` account whose need of the API is documented',
      subject: {
        object: exampleServiceAccount({
          metadata: {
            name: 'default',
            namespace: 'shop',
            annotations: { [API_ACCESS_ANNOTATION]: 'a legacy operator runs as default' },
          },
        }),
      },
      expect: 'unchanged',
    },
    {
      title: 'Any other account: its author is asked by service-account-automount',
      subject: { object: exampleServiceAccount() },
      expect: 'unchanged',
    },
  ],
});
