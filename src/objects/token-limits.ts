/** How long a projected token may live. The check that judges it and the mutation that shortens it ask here. */

import { member } from './json.ts';
import type { TokenSource } from './tokens.ts';
import { isExtended } from './tokens.ts';

/**
 * What meshes and clouds ask for when they inject a token, in seconds: their authors chose it, and a pod's author
 * cannot change it. These limits only widen those of a level.
 */
export const INJECTED_LIMITS: ReadonlyMap<string, number> = new Map([
  ['istio-ca', 43_200],
  ['identity.l5d.io', 86_400],
  ['dapr.io/sentry', 7_200],
  ['spire-server', 7_200],
  ['sts.amazonaws.com', 86_400],
  ['pods.eks.amazonaws.com', 86_400],
  ['api://AzureADTokenExchange', 86_400],
  ['sts.googleapis.com', 86_400],
  ['sts.aliyuncs.com', 43_200],
  ['sts.cloud.tencent.com', 86_400],
  ['conjur', 86_400],
]);

/** Newer Dapr asks for the identity of its Sentry, which names the trust domain and the namespace. */
export const DAPR_SENTRY = /^spiffe:\/\/[^/]+\/ns\/[^/]+\/dapr-sentry$/;

/** What the check `token-lifetime` is configured with, at one level. */
export type TokenLifetimeSettings = {
  readonly limits: {
    /** Of the level. */
    readonly seconds: number;
  };
  readonly options: {
    /** In seconds, by audience: the administrator's word, at every level. */
    readonly audiences?: Readonly<Record<string, number>>;
  };
};

/** The same check where one object is, for whatever makes tokens there. */
export type HeededLifetimes = {
  /** As it denies there; undefined if it denies nothing. */
  readonly enforced: TokenLifetimeSettings | undefined;
  /** As it is at the levels that are in force; what nobody asked for keeps to all of them. */
  readonly inForce: readonly TokenLifetimeSettings[];
};

/** Where the check says nothing. */
export const NO_LIFETIMES: HeededLifetimes = { enforced: undefined, inForce: [] };

/** In seconds: the administrator's word for this audience, else the level's, widened for what is injected. */
export function limitOf(
  { audience }: Pick<TokenSource, 'audience'>,
  { limits, options }: TokenLifetimeSettings,
): number {
  const own = member(options.audiences ?? {}, audience);
  if (typeof own === 'number') return own;
  const injected = DAPR_SENTRY.test(audience) ? INJECTED_LIMITS.get('dapr.io/sentry') : INJECTED_LIMITS.get(audience);
  return Math.max(limits.seconds, injected ?? 0);
}

/** True if this source is not to live longer than its limit and does, and no other rule speaks about it. */
export function isTooLong(
  source: TokenSource,
  { settings, apiAudiences }: { readonly settings: TokenLifetimeSettings; readonly apiAudiences: readonly string[] },
): boolean {
  // pod-automount judges the default token, whoever wrote its lifetime, and year-long-token the one of 3607 s.
  if (source.isDefault || isExtended(source, apiAudiences)) return false;
  return source.expirationSeconds > limitOf(source, settings);
}
