import { Type } from 'typebox';
import { formatDuration } from '../objects/duration.ts';
import { exampleTokenRequest } from '../objects/example-objects.ts';
import { member } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import type { AskedToken } from '../objects/token-request.ts';
import {
  buildTokenCommand,
  EXTENDED_SECONDS,
  formatSeconds,
  isExtendedRequest,
  LEAST_EXPIRATION_SECONDS,
  listApiAudiences,
  MOST_EXPIRATION_SECONDS,
  READS_TOKEN_REQUESTS,
  readTokenRequest,
} from '../objects/token-request.ts';
import { DEFAULT_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import { defineCheck } from './define-check.ts';

/** Longest lifetime at each level, in seconds. */
export const LEVEL_SECONDS = { baseline: 86_400, restricted: 3_600 } as const;
const { baseline: BASELINE_SECONDS, restricted: RESTRICTED_SECONDS } = LEVEL_SECONDS;

const secondsOf = (description: string) =>
  Type.Integer({ minimum: LEAST_EXPIRATION_SECONDS, maximum: MOST_EXPIRATION_SECONDS, description });

export default defineCheck({
  id: 'token-request-lifetime',
  since: '0.1',
  levels: { baseline: { maxSeconds: BASELINE_SECONDS }, restricted: { maxSeconds: RESTRICTED_SECONDS } },
  options: Type.Object(
    {
      maxSeconds: Type.Optional(
        Type.Object(
          {
            baseline: Type.Optional(
              secondsOf(`Longest lifetime at baseline, in seconds. Default: ${BASELINE_SECONDS}.`),
            ),
            restricted: Type.Optional(
              secondsOf(`Longest lifetime at restricted, in seconds. Default: ${RESTRICTED_SECONDS}.`),
            ),
          },
          { additionalProperties: false },
        ),
      ),
      audiences: Type.Optional(
        Type.Record(
          Type.String({ minLength: 1, maxLength: 1024 }),
          secondsOf('Longest lifetime of a token for this audience, in seconds.'),
          {
            description:
              'Limits of single audiences, in seconds, instead of the level’s. Of a token for several audiences the shortest counts.',
          },
        ),
      ),
    },
    { additionalProperties: false },
  ),
  defaults: {},
  reads: READS_TOKEN_REQUESTS,
  needs: [],
  title: 'requested tokens that live longer than the limit: a day at baseline, an hour at restricted',
  why: `A token that somebody asks for by TokenRequest (kubectl create token) cannot be revoked but by deleting the service
account or the object it is bound to. What is left in a pipeline's log or on a laptop works until it expires, and the
API server sets no maximum unless --service-account-max-token-expiration says so. The lifetime judged is the one asked
for, before the API server shortens it. A request for exactly 3607 seconds that is bound to a pod and has the API
server's audience is special: the token is really valid for a year (KEP-1205). A dry run is refused as well, because
the API server issues a token that works for ?dryRun=All too. Nodes and controllers are never asked.`,
  fix: (subject) =>
    `set expirationSeconds to ${DEFAULT_EXPIRATION_SECONDS}: ${buildTokenCommand(subject, { expirationSeconds: DEFAULT_EXPIRATION_SECONDS }, [])}`,
  shortFix: () => 'ask for --duration 1h',
  evaluate(subject, { options, limits }, context) {
    const asked = readTokenRequest(subject.object);
    if (asked === undefined) return [];
    const { apiAudiences } = context.cluster;
    const isExtended = isExtendedRequest(asked, apiAudiences);
    const limit = findLimit(asked, {
      ownLimits: options.audiences ?? {},
      levelSeconds: options.maxSeconds?.[context.level] ?? limits.maxSeconds,
      apiAudiences,
    });
    if ((isExtended ? EXTENDED_SECONDS : asked.expirationSeconds) <= limit.seconds) return [];

    // 3607 seconds are an hour again as soon as they are any other number.
    const most = isExtended ? Math.min(limit.seconds, DEFAULT_EXPIRATION_SECONDS) : limit.seconds;
    const whose = limit.audience === undefined ? '' : ` of audience ${quote(limit.audience)}`;
    return [
      {
        path: asked.expirationPath,
        key: 'lifetime',
        reason: isExtended ? 'a token that is valid for a year' : 'a token that lives too long',
        detail: isExtended
          ? `expirationSeconds: ${asked.expirationSeconds} of a token that is bound to a pod and is for the Kubernetes API makes the API server issue one that is valid for a year; the limit${whose} is ${formatSeconds(limit.seconds)}, and any other value is kept as it is.`
          : `expirationSeconds: ${formatSeconds(asked.expirationSeconds)} is more than the limit${whose}, ${formatSeconds(limit.seconds)}.`,
        fix: `set expirationSeconds to ${most}${isExtended ? '' : ' or less'}: ${buildTokenCommand(subject, { expirationSeconds: most }, apiAudiences)}`,
        shortFix: `ask for --duration ${formatDuration(most)}${isExtended ? '' : ' or less'}`,
      },
    ];
  },
  examples: [
    {
      title: 'A token of 30 days',
      level: 'baseline',
      subject: { object: exampleTokenRequest({ expirationSeconds: 2_592_000 }) },
      expect: ['lifetime'],
    },
    {
      title: 'A token of two hours for Vault, at restricted',
      level: 'restricted',
      subject: { object: exampleTokenRequest({ expirationSeconds: 7200, audiences: ['vault'] }) },
      expect: ['lifetime'],
    },
    {
      title: 'A token of 3607 seconds that is bound to a pod and for the Kubernetes API: really a year',
      level: 'baseline',
      subject: {
        object: exampleTokenRequest({
          expirationSeconds: 3607,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'runner' },
        }),
      },
      expect: ['lifetime'],
    },
    {
      title: 'An audience with a shorter limit of its own, beside one without',
      level: 'baseline',
      options: { audiences: { vault: 900 } },
      subject: { object: exampleTokenRequest({ expirationSeconds: 3600, audiences: ['conjur', 'vault'] }) },
      expect: ['lifetime'],
    },
    {
      title: 'No lifetime at all, which the API server makes an hour, where the limit is shorter',
      level: 'restricted',
      options: { maxSeconds: { restricted: 600 } },
      subject: { object: exampleTokenRequest({}) },
      expect: ['lifetime'],
    },
    {
      title: 'A token of a day',
      level: 'baseline',
      subject: { object: exampleTokenRequest({ expirationSeconds: 86_400 }) },
      expect: 'allowed',
    },
    {
      title: 'No lifetime at all',
      level: 'restricted',
      subject: { object: exampleTokenRequest({}) },
      expect: 'allowed',
    },
    {
      title: 'A longer lifetime where the level’s limit is set to it',
      level: 'restricted',
      options: { maxSeconds: { restricted: 7200 } },
      subject: { object: exampleTokenRequest({ expirationSeconds: 7200 }) },
      expect: 'allowed',
    },
    {
      title: 'An audience with a longer limit of its own',
      level: 'restricted',
      options: { audiences: { 'istio-ca': 43_200 } },
      subject: { object: exampleTokenRequest({ expirationSeconds: 43_200, audiences: ['istio-ca'] }) },
      expect: 'allowed',
    },
    {
      title: '3607 seconds that are bound to nothing: no extension',
      level: 'baseline',
      subject: { object: exampleTokenRequest({ expirationSeconds: 3607 }) },
      expect: 'allowed',
    },
    {
      title: '3607 seconds bound to a pod, for another audience: no extension',
      level: 'baseline',
      subject: {
        object: exampleTokenRequest({
          expirationSeconds: 3607,
          audiences: ['vault'],
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'runner' },
        }),
      },
      expect: 'allowed',
    },
  ],
});

type Limit = { readonly seconds: number; readonly audience?: string };

type Limits = {
  readonly ownLimits: Readonly<Record<string, number>>;
  readonly levelSeconds: number;
  readonly apiAudiences: readonly string[];
};

/** The shortest of the limits of all the token's audiences; an audience without one has the level's. */
function findLimit(asked: AskedToken, { ownLimits, levelSeconds, apiAudiences }: Limits): Limit {
  const audiences = asked.audiences.length === 0 ? listApiAudiences(asked, apiAudiences) : asked.audiences;
  let shortest: Limit | undefined;
  for (const audience of audiences) {
    const own = member(ownLimits, audience);
    const limit = typeof own === 'number' ? { seconds: own, audience } : { seconds: levelSeconds };
    if (shortest === undefined || limit.seconds < shortest.seconds) shortest = limit;
  }
  return shortest ?? { seconds: levelSeconds };
}
