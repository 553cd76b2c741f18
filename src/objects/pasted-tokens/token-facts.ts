/** Everything that the claims of a service account token say, for people who hold one and want to know what it is. */

import type { JsonObject } from '../json.ts';
import { asArray, asString, isObject, member, valueAt } from '../json.ts';
import { LEGACY_ISSUER, readOwner } from './token-claims.ts';

/** What a token stops working with. */
export type BoundObject = { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string };

export type TokenFacts = {
  readonly issuer: string;
  readonly namespace: string;
  readonly account: string;
  /** Empty of a token of a Secret, which the API server alone accepts. */
  readonly audiences: readonly string[];
  /** True of the tokens that the token controller writes into Secrets. */
  readonly isLegacy: boolean;
  readonly boundTo: BoundObject | undefined;
  /** Where its pod ran, if that is written down (1.30 and later); binds nothing. */
  readonly node: string | undefined;
  /** In seconds since the epoch. */
  readonly issuedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /**
   * When the client should have read a newer one, in seconds since the epoch; there if the API server made a year of an
   * hour (ExpirationExtensionSeconds, pkg/serviceaccount/claims.go).
   */
  readonly warnAfter: number | undefined;
};

/** The kinds of `boundObjectRef`, with the keys of their claims; a node's is there beside a pod's too. */
const BOUND_KINDS = [
  ['Pod', 'pod'],
  ['Secret', 'secret'],
  ['Node', 'node'],
] as const;

/** @returns undefined if these are not the claims of a service account token */
export function readTokenFacts(claims: JsonObject): TokenFacts | undefined {
  const issuer = asString(member(claims, 'iss'));
  const owner = readOwner(claims);
  if (issuer === undefined || owner === undefined) return undefined;
  const isLegacy = issuer === LEGACY_ISSUER;
  const secret = asString(member(claims, 'kubernetes.io/serviceaccount/secret.name'));
  const bound = member(claims, 'kubernetes.io');
  return {
    issuer,
    ...owner,
    audiences: readAudiences(member(claims, 'aud')),
    isLegacy,
    boundTo: isLegacy && secret !== undefined ? { kind: 'Secret', name: secret } : readBound(bound),
    node: asString(valueAt(bound, ['node', 'name'])),
    issuedAt: readTime(claims, 'iat') ?? readTime(claims, 'nbf'),
    expiresAt: readTime(claims, 'exp'),
    warnAfter: isObject(bound) ? readTime(bound, 'warnafter') : undefined,
  };
}

function readBound(bound: unknown): BoundObject | undefined {
  for (const [kind, key] of BOUND_KINDS) {
    const name = asString(valueAt(bound, [key, 'name']));
    if (name !== undefined) return { kind, name };
  }
  return undefined;
}

/** One audience may stand without a list (RFC 7519, 4.1.3). */
function readAudiences(audience: unknown): readonly string[] {
  return (typeof audience === 'string' ? [audience] : asArray(audience)).flatMap((one) => asString(one) ?? []);
}

function readTime(claims: JsonObject, key: string): number | undefined {
  const time = member(claims, key);
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined;
}
