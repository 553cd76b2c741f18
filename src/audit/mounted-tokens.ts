/** Every token that live pods hold, once for each owner, account and volume or Secret. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { HeldToken } from './live-pods.ts';
import type { OwnerBook } from './owners.ts';
import { closed, count, list, OwnerSchema, oneOf, perhaps, text } from './schema-parts.ts';
import type { TokenLimits } from './token-limits.ts';
import { YEAR_SECONDS } from './token-limits.ts';

export const MountedTokenSchema = closed({
  namespace: text(),
  owner: OwnerSchema,
  account: text(),
  pods: count('Pods that hold it.'),
  containers: list(text(), 'Who can read it.'),
  source: oneOf(
    ['default', 'projected', 'secret'],
    'default: the volume kube-api-access-*. secret: a token Secret, whose token never expires.',
  ),
  volume: perhaps(text()),
  secret: perhaps(text()),
  audience: perhaps(text('Absent: the API server’s own.')),
  reachesApi: Type.Boolean(),
  askedSeconds: perhaps(count('expirationSeconds as it is written.')),
  trueSeconds: perhaps(count('What it is really valid for; absent if it never expires, or that is not known.')),
  never: Type.Boolean({ description: 'True if it never expires.' }),
  fromBefore: Type.Boolean({
    description: 'True if Curfew would shorten or remove it today, were its pods made anew.',
  }),
});

export type MountedToken = Static<typeof MountedTokenSchema>;

/** @param held - by pods of one maker; those of one owner that are alike are one entry */
export function listMountedTokens(
  held: Iterable<HeldToken>,
  { owners, limits }: { readonly owners: OwnerBook; readonly limits: TokenLimits },
): readonly MountedToken[] {
  const merged = new Map<string, MountedToken>();
  for (const token of held) {
    const one = toMounted(token, { owners, limits });
    const key = JSON.stringify({ ...one, pods: 0, containers: [] });
    const known = merged.get(key);
    const containers = known === undefined ? one.containers : [...new Set([...known.containers, ...one.containers])];
    merged.set(key, { ...one, pods: one.pods + (known?.pods ?? 0), containers: containers.toSorted() });
  }
  return [...merged.values()].toSorted(compareTokens);
}

function toMounted(
  token: HeldToken,
  { owners, limits }: { readonly owners: OwnerBook; readonly limits: TokenLimits },
): MountedToken {
  const { namespace, account, pods, containers, source, volume, secret, audience, reachesApi, askedSeconds } = token;
  const trueSeconds = toTrueSeconds(token, limits);
  return {
    namespace,
    owner: owners.findTop(token.maker),
    account,
    pods,
    containers: [...containers],
    source,
    ...(volume === undefined ? {} : { volume }),
    ...(secret === undefined ? {} : { secret }),
    ...(audience === '' ? {} : { audience }),
    reachesApi,
    ...(askedSeconds === undefined ? {} : { askedSeconds }),
    ...(trueSeconds === undefined ? {} : { trueSeconds }),
    never: source === 'secret',
    fromBefore: token.becomes !== 'same',
  };
}

/**
 * In seconds; undefined if it never expires. Where nobody could measure it, an extended token is taken to live for a year,
 * as it does unless the API server is told otherwise.
 */
export function toTrueSeconds(
  { askedSeconds, isExtended }: Pick<HeldToken, 'askedSeconds' | 'isExtended'>,
  { maximumSeconds = Number.POSITIVE_INFINITY, extendsTo = YEAR_SECONDS }: TokenLimits,
): number | undefined {
  if (askedSeconds === undefined) return undefined;
  // A maximum below it is applied first, and then the number is another one.
  if (isExtended && maximumSeconds >= EXTENDED_EXPIRATION_SECONDS) return extendsTo;
  return Math.min(askedSeconds, maximumSeconds);
}

/** The longest-lived first; what most pods hold before what few do. */
function compareTokens(a: MountedToken, b: MountedToken): number {
  const seconds = (token: MountedToken) => (token.never ? Number.MAX_SAFE_INTEGER : (token.trueSeconds ?? 0));
  return (
    seconds(b) - seconds(a) ||
    Number(b.reachesApi) - Number(a.reachesApi) ||
    b.pods - a.pods ||
    compareTexts(toPlace(a), toPlace(b))
  );
}

function toPlace({ namespace, owner, account, volume = '', secret = '' }: MountedToken): string {
  return [namespace, owner.kind, owner.name, account, volume, secret].join('/');
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
