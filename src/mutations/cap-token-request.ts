import { Type } from 'typebox';
import { exampleTokenRequest } from '../objects/example-objects.ts';
import { valueAt } from '../objects/json.ts';
import { isExtendedRequest, READS_TOKEN_REQUESTS, readTokenRequest } from '../objects/token-request.ts';
import { DEFAULT_EXPIRATION_SECONDS, EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import { defineMutation } from './define-mutation.ts';

const PATH = ['spec', 'expirationSeconds'];
const POINTER = '/spec/expirationSeconds';

export default defineMutation({
  id: 'cap-token-request',
  since: '0.1',
  level: 'baseline',
  options: Type.Object(
    {
      maxExpirationSeconds: Type.Optional(
        Type.Integer({
          minimum: 600,
          maximum: 4_294_967_296,
          not: { const: EXTENDED_EXPIRATION_SECONDS },
          description: 'Longest lifetime of a token asked for by API, in seconds; longer requests are shortened to it.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: { maxExpirationSeconds: 86_400 },
  reads: READS_TOKEN_REQUESTS,
  mends: 'token-request-lifetime',
  needs: [],
  title: 'a token asked for by API (kubectl create token) is no longer than the limit, and never a year by 3607',
  why: `Whoever may create serviceaccounts/token chooses the lifetime, up to 136 years. The API server works on the very
request that admission has changed, and its answer says the new lifetime, so clients renew in time. A request of 3607
seconds that is bound to a pod and meant for the API is really valid for a year (KEP-1205): it becomes 3600. Requests of
kubelets and controllers are never touched.`,
  mutate(_subject, draft, { options, context }) {
    const request = draft.current();
    const seconds = valueAt(request, PATH);
    const asked = readTokenRequest(request);
    if (asked === undefined || typeof seconds !== 'number') return [];
    const limit = options.maxExpirationSeconds ?? 86_400;
    const isYear = isExtendedRequest(asked, context.cluster.apiAudiences);
    const wanted = Math.min(isYear ? DEFAULT_EXPIRATION_SECONDS : seconds, limit);
    if (wanted === seconds) return [];
    draft.set(PATH, wanted);
    return [{ path: POINTER, detail: `${seconds} s${isYear ? ' (really a year)' : ''} is now ${wanted} s` }];
  },
  examples: [
    {
      title: 'A token of thirty days',
      subject: { object: exampleTokenRequest({ expirationSeconds: 2_592_000 }) },
      expect: { [POINTER]: 86_400 },
    },
    {
      title: 'A pod’s token of 3607 seconds, which is really a year',
      subject: {
        object: exampleTokenRequest({
          expirationSeconds: 3607,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: '4b5e1a0c-0000-4000-8000-000000000000' },
        }),
      },
      expect: { [POINTER]: 3600 },
    },
    {
      title: '3607 seconds without a pod, or for Vault: no extension',
      subject: { object: exampleTokenRequest({ expirationSeconds: 3607, audiences: ['vault'] }) },
      expect: 'unchanged',
    },
    {
      title: 'An hour',
      subject: { object: exampleTokenRequest({ expirationSeconds: 3600 }) },
      expect: 'unchanged',
    },
  ],
});
