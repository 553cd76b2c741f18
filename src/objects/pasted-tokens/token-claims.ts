/** What the claims of a service account token say. Claims prove nothing; they tell whose token it is and how long it lives. */

import type { JsonObject } from '../json.ts';
import { asString, member, valueAt } from '../json.ts';

/** Issuer of the tokens in Secrets, the same in every cluster (kubernetes, pkg/serviceaccount/legacy.go). */
export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

const SUBJECT_PREFIX = 'system:serviceaccount:';

/** As the API server names namespaces and accounts; whatever else claims say is no token of its making. */
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ACCOUNT = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

const MOST_ID_CHARACTERS = 64;

export type AccountToken = {
  readonly namespace: string;
  readonly account: string;
  /** Seconds from its issue to its end; infinite if it has none. */
  readonly lifetimeSeconds: number;
  /** In seconds since the epoch; infinite if it never ends. */
  readonly expiresAt: number;
  /** Differs between tokens of one account. For keys, not for people. */
  readonly id: string;
};

/**
 * The service account token with these claims: one that never ends from a Secret of any cluster, or a bound one of
 * `issuers`. Undefined for every other token. A lifetime of which the issue is not known is counted from `now`, in ms.
 */
export function readAccountToken(
  claims: JsonObject,
  { issuers, now }: { readonly issuers: readonly string[]; readonly now: number },
): AccountToken | undefined {
  const issuer = asString(member(claims, 'iss')) ?? '';
  const end = member(claims, 'exp');
  const isLegacy = issuer === LEGACY_ISSUER && end === undefined;
  if (!isLegacy && !issuers.includes(issuer)) return undefined;
  if (end !== undefined && typeof end !== 'number') return undefined;

  const owner = readOwner(claims);
  if (owner === undefined) return undefined;
  const issue = [member(claims, 'iat'), member(claims, 'nbf')].find((time) => typeof time === 'number') ?? now / 1_000;
  const expiresAt = end ?? Number.POSITIVE_INFINITY;
  return { ...owner, expiresAt, lifetimeSeconds: expiresAt - issue, id: readId(claims) };
}

type Owner = Pick<AccountToken, 'namespace' | 'account'>;

/** Whose token it is; undefined where a name is none that the API server takes. */
export function readOwner(claims: JsonObject): Owner | undefined {
  const bound = valueAt(claims, ['kubernetes.io']);
  const [, namespaceOfSubject, accountOfSubject] =
    new RegExp(`^${SUBJECT_PREFIX}([^:]*):([^:]*)$`).exec(asString(member(claims, 'sub')) ?? '') ?? [];
  const namespace =
    asString(member(bound, 'namespace')) ??
    asString(member(claims, 'kubernetes.io/serviceaccount/namespace')) ??
    namespaceOfSubject;
  const account =
    asString(valueAt(bound, ['serviceaccount', 'name'])) ??
    asString(member(claims, 'kubernetes.io/serviceaccount/service-account.name')) ??
    accountOfSubject;
  if (namespace === undefined || account === undefined) return undefined;
  return NAMESPACE.test(namespace) && ACCOUNT.test(account) ? { namespace, account } : undefined;
}

/** Since 1.30 a bound token has an id of its own (`jti`); before, its times tell it apart, and a legacy one its Secret. */
function readId(claims: JsonObject): string {
  const parts = [
    member(claims, 'jti'),
    member(claims, 'kubernetes.io/serviceaccount/secret.name'),
    member(claims, 'kubernetes.io/serviceaccount/service-account.uid'),
    member(claims, 'iat'),
    member(claims, 'exp'),
  ];
  return parts
    .flatMap((part) => (typeof part === 'string' || typeof part === 'number' ? [String(part)] : []))
    .map((part) => part.slice(0, MOST_ID_CHARACTERS))
    .join(' ');
}
