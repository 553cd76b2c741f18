/** What this API server makes of the lifetimes that are asked for, measured on tokens of its own. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { member } from '../objects/json.ts';
import { closed, count, list, perhaps, text } from './schema-parts.ts';

/** What the API server makes of 3607 s: 365 days (pkg/serviceaccount, ExpirationExtensionSeconds). */
export const YEAR_SECONDS = 31_536_000;

export const TokenLimitsSchema = closed({
  measured: Type.Boolean(),
  reason: perhaps(text('One sentence: why nothing was measured, or what of it could not be seen.')),
  issuer: perhaps(text('`iss` of the cluster’s tokens.')),
  apiAudiences: perhaps(list(text(), 'What a token without an audience of its own is for.')),
  maximumSeconds: perhaps(
    count('--service-account-max-token-expiration as seen: to what the longest one that was asked for was cut.'),
  ),
  extendsTo: perhaps(
    count(
      'Seconds for which an API token that is bound to a pod and asked for with 3607 s is really valid: 31536000 where --service-account-extend-token-expiration is in force. Absent where it could not be seen.',
    ),
  ),
});

export type TokenLimits = Static<typeof TokenLimitsSchema>;

/** An audience that nobody has. */
export const UNUSED_AUDIENCE = 'curfew.dev/unused';

export const ASSUMED_YEAR =
  'A token of 3607 s is taken to live for a year, as it does unless the API server is told otherwise.';

/** In seconds, by the claims `exp` and `iat`; undefined if a token does not say. */
export function readLifetime(claims: unknown): number | undefined {
  const [expires, issued] = [member(claims, 'exp'), member(claims, 'iat')];
  return typeof expires === 'number' && typeof issued === 'number' ? expires - issued : undefined;
}
