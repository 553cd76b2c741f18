import type { Static } from 'typebox';
import { Type } from 'typebox';
import {
  API_TOKEN_EXPIRATION_ANNOTATION,
  MIN_EXPIRATION_SECONDS,
  readExpiration,
} from '../objects/api-token-expiration.ts';
import { examplePod, exampleServiceAccount, exampleTokenVolume } from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { isObject, member, toPointer } from '../objects/json.ts';
import { POD, serviceAccountOf } from '../objects/pod-spec.ts';
import type { RuleContext } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { outlivesToken } from '../objects/termination.ts';
import { EXTENDED_EXPIRATION_SECONDS, isExtended, listTokenSources } from '../objects/tokens.ts';
import { defineMutation } from './define-mutation.ts';

const Lifetime = (description: string) =>
  Type.Integer({
    minimum: MIN_EXPIRATION_SECONDS,
    maximum: 86_400,
    not: { const: EXTENDED_EXPIRATION_SECONDS },
    description,
  });

const Options = Type.Object(
  {
    expirationSeconds: Type.Optional(
      Lifetime('Lifetime of the default API token in seconds; 3607 is not allowed, since it makes a token of a year.'),
    ),
    maxExpirationSeconds: Type.Optional(
      Lifetime(`Longest lifetime in seconds that the annotation ${API_TOKEN_EXPIRATION_ANNOTATION} may ask for.`),
    ),
    namespaces: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' }), Lifetime('Lifetime in seconds.'), {
        additionalProperties: false,
        description: 'Lifetimes of single namespaces, in place of expirationSeconds.',
      }),
    ),
  },
  { additionalProperties: false },
);

const DEFAULTS = { expirationSeconds: 3600, maxExpirationSeconds: 86_400 };

const FIRST_SOURCE = '/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds';

export default defineMutation({
  id: 'short-lived-api-token',
  since: '0.1',
  level: 'baseline',
  options: Options,
  defaults: DEFAULTS,
  reads: [{ group: POD.group, resource: POD.resource, operations: ['CREATE'] }],
  needs: ['serviceAccount'],
  title: 'the default API token of a pod lives an hour instead of a year',
  why: `The volume that Kubernetes adds to every pod asks for 3607 seconds, which the API server turns into 365 days so that
clients which never re-read the file keep working. Every other value is kept. The number is changed in place: the
volume's name, the path and the CA bundle stay as they are, and the kubelet renews the file at 80 % of its life. A
workload whose client reads the file only once can ask for longer by the annotation
${API_TOKEN_EXPIRATION_ANNOTATION} on its pod, service account or namespace, up to maxExpirationSeconds.`,
  mutate(subject, draft, { options, context }) {
    const spec = member(draft.current(), 'spec');
    if (!isObject(spec)) return [];
    const sources = listTokenSources(spec).filter(
      (source) => source.isDefault && isExtended(source, context.cluster.apiAudiences),
    );
    if (sources.length === 0) return [];
    const { seconds, note } = chooseLifetime(subject, { spec, options, context });
    const stop = outlivesToken(spec, seconds);
    const warning = `the API token now lives ${seconds} s and is not renewed while the pod stops, which may take ${stop} s`;
    return sources.map((source) => {
      const path = ['spec', ...source.path, 'expirationSeconds'];
      draft.set(path, seconds);
      return {
        path: toPointer(path),
        detail: `${source.expirationSeconds} s (really a year) is now ${seconds} s${note}`,
        ...(stop === undefined ? {} : { warnings: [warning] }),
      };
    });
  },
  examples: [
    { title: 'An ordinary pod', subject: { object: examplePod() }, expect: { [FIRST_SOURCE]: 3600 } },
    {
      title: 'A pod with volumes of its own, which stay as they are',
      subject: { object: examplePod({ volumes: [exampleTokenVolume({ audience: 'vault', expirationSeconds: 600 })] }) },
      expect: {
        [FIRST_SOURCE]: 600,
        '/spec/volumes/1/projected/sources/0/serviceAccountToken/expirationSeconds': 3600,
      },
    },
    {
      title: 'A service account whose workload reads the file only once, so it asks for a day',
      subject: { object: examplePod() },
      context: { serviceAccount: exampleServiceAccount({}, { [API_TOKEN_EXPIRATION_ANNOTATION]: '24h' }) },
      expect: { [FIRST_SOURCE]: 86_400 },
    },
    {
      title: 'A pod that asks for more than the administrator allows',
      subject: {
        object: {
          ...examplePod(),
          metadata: { name: 'web', namespace: 'shop', annotations: { [API_TOKEN_EXPIRATION_ANNOTATION]: '48h' } },
        },
      },
      options: { maxExpirationSeconds: 7200 },
      expect: { [FIRST_SOURCE]: 7200 },
    },
    {
      title: 'A namespace with a lifetime of its own in the configuration',
      subject: { object: examplePod() },
      options: { namespaces: { shop: 900 } },
      expect: { [FIRST_SOURCE]: 900 },
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

type Settings = { readonly spec: JsonObject; readonly options: Static<typeof Options>; readonly context: RuleContext };

/** What the annotation asks for within the administrator's bounds, else what the configuration says. */
function chooseLifetime(subject: Subject, { spec, options, context }: Settings) {
  const { namespaces = {}, expirationSeconds = DEFAULTS.expirationSeconds } = options;
  const configured = new Map(Object.entries(namespaces)).get(subject.namespace) ?? expirationSeconds;
  const asked = readExpiration(subject.object, {
    account: context.serviceAccount(serviceAccountOf(spec)),
    namespace: context.namespace,
  });
  if (asked === undefined) return { seconds: configured, note: '' };
  if (asked.seconds === undefined) return { seconds: configured, note: ` (${asked.problem})` };
  // Asking for less than the default is always fine; for more only as far as the administrator allows.
  const most = Math.max(configured, options.maxExpirationSeconds ?? DEFAULTS.maxExpirationSeconds);
  const seconds = Math.min(Math.max(asked.seconds, MIN_EXPIRATION_SECONDS), most);
  const isOwnWish = seconds === asked.seconds;
  return {
    seconds,
    note: ` (asked for by the ${asked.source}${isOwnWish ? '' : `: ${asked.seconds} s, of which ${MIN_EXPIRATION_SECONDS} to ${most} s are allowed`})`,
  };
}
