import { Type } from 'typebox';
import { examplePod, exampleTokenVolume } from '../objects/example-objects.ts';
import { isObject, member, toPointer } from '../objects/json.ts';
import { POD } from '../objects/pod-spec.ts';
import { EXTENDED_EXPIRATION_SECONDS, isExtended, listTokenSources } from '../objects/tokens.ts';
import { defineMutation } from './define-mutation.ts';

export default defineMutation({
  id: 'short-lived-api-token',
  since: '0.1',
  level: 'baseline',
  options: Type.Object(
    {
      expirationSeconds: Type.Optional(
        Type.Integer({
          minimum: 600,
          maximum: 86_400,
          not: { const: EXTENDED_EXPIRATION_SECONDS },
          description:
            'Lifetime of the default API token in seconds; 3607 is not allowed, since it makes a token of a year.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: { expirationSeconds: 3600 },
  reads: [{ group: POD.group, resource: POD.resource, operations: ['CREATE'] }],
  needs: [],
  title: 'the default API token of a pod lives an hour instead of a year',
  why: `The volume that Kubernetes adds to every pod asks for 3607 seconds, which the API server turns into 365 days so that
clients which never re-read the file keep working. Every other value is kept. The number is changed in place: the
volume's name, the path and the CA bundle stay as they are, and the kubelet renews the file at 80 % of its life.`,
  mutate(_subject, draft, { options, context }) {
    const spec = member(draft.current(), 'spec');
    if (!isObject(spec)) return [];
    const expirationSeconds = options.expirationSeconds ?? 3600;
    return listTokenSources(spec)
      .filter((source) => source.isDefault && isExtended(source, context.cluster.apiAudiences))
      .map((source) => {
        const path = ['spec', ...source.path, 'expirationSeconds'];
        draft.set(path, expirationSeconds);
        return {
          path: toPointer(path),
          detail: `${source.expirationSeconds} s (really a year) is now ${expirationSeconds} s`,
        };
      });
  },
  examples: [
    {
      title: 'An ordinary pod',
      subject: { object: examplePod() },
      expect: { '/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds': 3600 },
    },
    {
      title: 'A pod with volumes of its own, which stay as they are',
      subject: { object: examplePod({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 600 })] }) },
      expect: {
        '/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds': 600,
        '/spec/volumes/1/projected/sources/0/serviceAccountToken/expirationSeconds': 3600,
      },
    },
    {
      title: 'A pod without an API token',
      subject: { object: examplePod({ automountServiceAccountToken: false }) },
      expect: 'unchanged',
    },
    {
      title: 'A hand-written token of 3607 seconds is its author’s to change: the check year-long-token refuses it',
      subject: {
        object: examplePod({
          automountServiceAccountToken: false,
          volumes: [exampleTokenVolume({ expirationSeconds: 3607 })],
        }),
      },
      expect: 'unchanged',
    },
  ],
});
