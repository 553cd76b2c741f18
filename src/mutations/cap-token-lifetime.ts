import { Type } from 'typebox';
import { recogniseInjected } from '../injection/inject.ts';
import { MIN_EXPIRATION_SECONDS } from '../objects/api-token-expiration.ts';
import { examplePod, exampleTokenVolume, withMetadata } from '../objects/example-objects.ts';
import { isSidecarToken } from '../objects/foreign-tokens.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { JsonObject, JsonPath } from '../objects/json.ts';
import { isObject, member, toPointer } from '../objects/json.ts';
import { POD } from '../objects/pod-spec.ts';
import { outlivesToken } from '../objects/termination.ts';
import { joinNames, quote } from '../objects/text.ts';
import type { TokenLifetimeSettings } from '../objects/token-limits.ts';
import { isTooLong, limitOf } from '../objects/token-limits.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { DEFAULT_EXPIRATION_SECONDS, EXTENDED_EXPIRATION_SECONDS, listTokenSources } from '../objects/tokens.ts';
import type { Change } from './define-mutation.ts';
import { defineMutation } from './define-mutation.ts';

const NoOptions = Type.Object({}, { additionalProperties: false });

export default defineMutation<typeof NoOptions, TokenLifetimeSettings>({
  id: 'cap-token-lifetime',
  since: '0.1',
  level: 'restricted',
  options: NoOptions,
  defaults: {},
  reads: [{ group: POD.group, resource: POD.resource, operations: ['CREATE'] }],
  mends: 'token-lifetime',
  needs: ['serviceAccount', 'mutatingWebhooks'],
  title: 'a projected token that lives longer than the limit is shortened to it',
  why: `The check token-lifetime refuses such a token; this makes it right instead. The limits are that check's, with the
audiences under checks.token-lifetime, and there are none of its own, so that the two cannot disagree. The number is
changed in place, and the kubelet renews the file at 80 % of its life; a program that reads the file only once has to be
changed, or exempted from the check. Left alone are the default token and the one of 3607 seconds, which are the business
of short-lived-api-token and of the check year-long-token; the tokens of sidecars of Istio, Linkerd, Dapr, SPIRE and GCS
FUSE, known by the volume's name and the audience together; and a token that inject-token is asked for, which goes by this
check itself.`,
  mutate(subject, draft, { context, mended, injection }) {
    const pod = draft.current();
    const spec = member(pod, 'spec');
    if (!isObject(spec)) return [];
    const { apiAudiences } = context.cluster;
    const long = listTokenSources(spec).filter(
      (source) => isTooLong(source, { settings: mended, apiAudiences }) && !isSidecarToken(source),
    );
    // Only then is it worth asking what is injected.
    if (long.length === 0) return [];
    const isInjected =
      injection === undefined
        ? () => false
        : recogniseInjected(pod, { settings: injection, context, namespace: subject.namespace });
    const capped = long
      .filter((source) => !isInjected(source))
      .map((source) => ({ source, seconds: toAllowed(limitOf(source, mended)) }));
    for (const { source, seconds } of capped) draft.set(pathOf(source), seconds);
    const warnings = listWarnings(spec, capped);
    return capped.map((one, index) => ({ ...toChange(one), ...(index === 0 ? { warnings } : {}) }));
  },
  examples: [
    {
      title: 'A day for Vault',
      subject: {
        object: podWith(exampleTokenVolume({ audience: 'vault', expirationSeconds: 86_400 })),
      },
      expect: { [secondsAt(0)]: 3600 },
    },
    {
      title: 'Two hours for the API, written by hand',
      subject: { object: podWith(exampleTokenVolume({ expirationSeconds: 7200 })) },
      expect: { [secondsAt(0)]: 3600 },
    },
    {
      title: 'No lifetime, which means an hour, where the administrator allows a quarter of one',
      subject: { object: podWith(exampleTokenVolume({ audience: 'vault' })) },
      checkOptions: { audiences: { vault: 900 } },
      expect: { [secondsAt(0)]: 900 },
    },
    {
      title: 'An audience with a limit of its own',
      subject: { object: podWith(exampleTokenVolume({ audience: 'reports', expirationSeconds: 86_400 })) },
      checkOptions: { audiences: { reports: 43_200 } },
      expect: { [secondsAt(0)]: 43_200 },
    },
    {
      title: 'Several tokens in one volume, each with the limit of its audience',
      subject: {
        object: podWith({
          name: 'tokens',
          projected: {
            sources: [
              { configMap: { name: 'settings' } },
              { serviceAccountToken: { path: 'vault', audience: 'vault', expirationSeconds: 7200 } },
              { serviceAccountToken: { path: 'own', audience: 'own', expirationSeconds: 600 } },
              { serviceAccountToken: { path: 'aws', audience: 'sts.amazonaws.com', expirationSeconds: 172_800 } },
            ],
          },
        }),
      },
      expect: { [secondsAt(0, 1)]: 3600, [secondsAt(0, 2)]: 600, [secondsAt(0, 3)]: 86_400 },
    },
    {
      title: 'A volume that only bears the name of a sidecar’s',
      subject: {
        object: podWith({ ...exampleTokenVolume({ audience: 'own', expirationSeconds: 43_200 }), name: 'istio-token' }),
      },
      expect: { [secondsAt(0)]: 3600 },
    },
    {
      title: 'The token of Istio’s sidecar, even where the administrator allows it less',
      subject: {
        object: podWith({
          ...exampleTokenVolume({ audience: 'istio-ca', expirationSeconds: 43_200 }),
          name: 'istio-token',
        }),
      },
      checkOptions: { audiences: { 'istio-ca': 3600 } },
      expect: 'unchanged',
    },
    {
      title: 'A token that inject-token made, since the author asked for twelve hours',
      subject: {
        object: withMetadata(
          podWith({
            ...exampleTokenVolume({ audience: 'reports', expirationSeconds: 43_200 }),
            name: 'curfew-token-reports',
          }),
          { annotations: { [`${TOKEN_ANNOTATION_PREFIX}reports`]: '{audience: reports, expiration: 12h}' } },
        ),
      },
      expect: 'unchanged',
    },
    {
      title: 'A hand-written token of 3607 seconds for the API: the check year-long-token refuses it',
      subject: { object: podWith(exampleTokenVolume({ expirationSeconds: 3607 })) },
      expect: 'unchanged',
    },
    {
      title: 'A pod with nothing but the default token',
      subject: { object: examplePod() },
      expect: 'unchanged',
    },
    {
      title: 'An hour for Vault',
      subject: { object: podWith(exampleTokenVolume({ audience: 'vault', expirationSeconds: 3600 })) },
      expect: 'unchanged',
    },
  ],
});

function podWith(...volumes: readonly JsonObject[]): JsonObject {
  return examplePod({ automountServiceAccountToken: false, volumes });
}

function secondsAt(volume: number, source = 0): string {
  return `/spec/volumes/${volume}/projected/sources/${source}/serviceAccountToken/expirationSeconds`;
}

/** Whoever allows 3607 seconds means an hour, and a token for the API would be one of a year. */
function toAllowed(limit: number): number {
  return limit === EXTENDED_EXPIRATION_SECONDS ? DEFAULT_EXPIRATION_SECONDS : Math.max(limit, MIN_EXPIRATION_SECONDS);
}

function pathOf({ path }: TokenSource): JsonPath {
  return ['spec', ...path, 'expirationSeconds'];
}

type Capped = { readonly source: TokenSource; readonly seconds: number };

function toChange({ source, seconds }: Capped): Change {
  const { audience, volume, expirationSeconds } = source;
  const what = audience === '' ? 'the API' : `audience ${quote(audience)}`;
  const detail = `${expirationSeconds} s for ${what} in volume ${quote(volume)} is now ${seconds} s`;
  return { path: toPointer(pathOf(source)), detail };
}

/** One for the whole pod, however many tokens it has. */
function listWarnings(spec: JsonObject, capped: readonly Capped[]): readonly string[] {
  const short = capped.filter(({ seconds }) => outlivesToken(spec, seconds) !== undefined);
  if (short.length === 0) return [];
  const volumes = joinNames('volume', [...new Set(short.map(({ source }) => source.volume))]);
  const least = Math.min(...short.map(({ seconds }) => seconds));
  return [
    `a token in ${volumes} now lives ${least} s and is not renewed while the pod stops, which may take ${outlivesToken(spec, least)} s`,
  ];
}
