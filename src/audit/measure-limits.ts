/**
 * Asks for tokens to see what becomes of the lifetimes that are asked for. A token is read for its claims and forgotten: it
 * is written nowhere, and nothing is called with it.
 */

import type { KubeClient, KubeResponse } from '../kube/api.ts';
import { METADATA_LIST } from '../kube/metadata.ts';
import { toAudiences } from '../kube/own-token.ts';
import { describeError, describeResponse } from '../kube/sentences.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import { decodeJwtClaims } from '../objects/jwt.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { TokenLimits } from './token-limits.ts';
import { ASSUMED_YEAR, readLifetime, UNUSED_AUDIENCE } from './token-limits.ts';

export type MeasuredAccount = {
  readonly namespace: string;
  readonly name: string;
  /** A pod of it, if one is known. */
  readonly pod?: { readonly name: string; readonly uid: string };
};

/** The account and the pod that a bound token is of; undefined if its claims do not say. */
export function toOwnAccount(claims: JsonObject | undefined): MeasuredAccount | undefined {
  const read = (...path: readonly string[]) => asString(valueAt(claims, ['kubernetes.io', ...path]));
  const [namespace, name] = [read('namespace'), read('serviceaccount', 'name')];
  const [pod, uid] = [read('pod', 'name'), read('pod', 'uid')];
  if (namespace === undefined || name === undefined) return undefined;
  return { namespace, name, ...(pod === undefined || uid === undefined ? {} : { pod: { name: pod, uid } }) };
}

export type MeasureOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly signal: AbortSignal;
  /** For whom tokens are asked; undefined: nobody said, and Curfew has no account of its own here. */
  readonly account: MeasuredAccount | undefined;
  /** Claims of the token that Curfew's own pod mounts. */
  readonly ownClaims: JsonObject | undefined;
};

/** The longest that the API takes (pkg/apis/authentication/validation). */
const LONGEST_SECONDS = 2 ** 32;
/** The shortest. */
const SHORTEST_SECONDS = 600;

type Pod = NonNullable<MeasuredAccount['pod']>;
type Asked = {
  readonly claims: JsonObject | undefined;
  readonly grantedSeconds: number | undefined;
  readonly why: string;
};

export async function measureLimits(options: MeasureOptions): Promise<TokenLimits> {
  const { account, ownClaims } = options;
  if (account === undefined) {
    return {
      measured: false,
      reason: `No account is Curfew's own here; --measure-with NAMESPACE/ACCOUNT names one. ${ASSUMED_YEAR}`,
    };
  }
  // A token for an audience that nobody has: however long it lives, no API server and no service takes it.
  const longest = await askFor(options, account, { audiences: [UNUSED_AUDIENCE], expirationSeconds: LONGEST_SECONDS });
  const longestSeconds = readLifetime(longest.claims);
  const maximum =
    longestSeconds !== undefined && longestSeconds < LONGEST_SECONDS ? { maximumSeconds: longestSeconds } : {};
  const bound = await measureExtension(options, account);
  const claims =
    bound.claims ?? ownClaims ?? (await askFor(options, account, { expirationSeconds: SHORTEST_SECONDS })).claims;
  const issuer = asString(member(claims ?? longest.claims, 'iss'));
  if (issuer === undefined) return { measured: false, reason: `${longest.why} ${ASSUMED_YEAR}` };
  const reasons = [
    ...(longest.claims === undefined ? [longest.why] : []),
    ...(bound.extendsTo === undefined ? [bound.why, ASSUMED_YEAR] : []),
  ];
  return {
    measured: true,
    ...(reasons.length === 0 ? {} : { reason: reasons.join(' ') }),
    issuer,
    ...(claims === undefined ? {} : { apiAudiences: toAudiences(claims) }),
    ...maximum,
    ...(bound.extendsTo === undefined ? {} : { extendsTo: bound.extendsTo }),
  };
}

type Extension = { readonly claims?: JsonObject; readonly extendsTo?: number; readonly why: string };

/** By the mounted token if it says so, else by one that is bound to a pod. */
async function measureExtension(options: MeasureOptions, account: MeasuredAccount): Promise<Extension> {
  const { ownClaims } = options;
  const mounted =
    valueAt(ownClaims, ['kubernetes.io', 'warnafter']) === undefined ? undefined : readLifetime(ownClaims);
  if (mounted !== undefined && ownClaims !== undefined) return { claims: ownClaims, extendsTo: mounted, why: '' };
  const pod = account.pod ?? (await findPod(options, account));
  if (pod === undefined) {
    return {
      why: `No pod of account ${account.namespace}/${account.name} can be found, and only a token that is bound to one is extended.`,
    };
  }
  const asked = await askFor(options, account, {
    expirationSeconds: EXTENDED_EXPIRATION_SECONDS,
    boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod },
  });
  const { claims, grantedSeconds } = asked;
  if (claims === undefined) return { why: asked.why };
  const lifetime = readLifetime(claims);
  const isAsAsked = grantedSeconds === EXTENDED_EXPIRATION_SECONDS;
  if (lifetime !== undefined && isAsAsked) return { claims, extendsTo: lifetime, why: '' };
  const why = `Something made ${grantedSeconds ?? lifetime ?? 0} s of the 3607 s that were asked for (Curfew's cap-token-request does, and so does a maximum below that), so nothing was there to be extended.`;
  return { claims, why };
}

async function askFor({ client, signal }: MeasureOptions, account: MeasuredAccount, spec: object): Promise<Asked> {
  const path = `/api/v1/namespaces/${encodeURIComponent(account.namespace)}/serviceaccounts/${encodeURIComponent(account.name)}/token`;
  const no = (why: string): Asked => ({ claims: undefined, grantedSeconds: undefined, why });
  const refused = `No token of account ${account.namespace}/${account.name} was given:`;
  let response: KubeResponse;
  try {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    response = await client.request({ method: 'POST', path, body, signal });
  } catch (error) {
    signal.throwIfAborted();
    return no(`${refused} ${describeError(error)}.`);
  }
  if (response.status !== 200 && response.status !== 201) return no(`${refused} ${describeResponse(response)}.`);
  const claims = decodeJwtClaims(asString(valueAt(response.body, ['status', 'token'])) ?? '');
  const granted = valueAt(response.body, ['spec', 'expirationSeconds']);
  if (claims === undefined)
    return no(
      `The API server's answer for account ${account.namespace}/${account.name} holds no token that can be read.`,
    );
  return { claims, grantedSeconds: typeof granted === 'number' ? granted : undefined, why: '' };
}

/** Any pod of it that has not ended. */
async function findPod(
  { client, signal }: MeasureOptions,
  { namespace, name }: MeasuredAccount,
): Promise<Pod | undefined> {
  const fieldSelector = `spec.serviceAccountName=${name},status.phase!=Succeeded,status.phase!=Failed`;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  try {
    const { body } = await client.request({
      method: 'GET',
      path,
      query: { fieldSelector, limit: '1' },
      accept: METADATA_LIST,
      signal,
    });
    const [first] = asArray(member(body, 'items'));
    const [pod, uid] = ['name', 'uid'].map((key) => asString(valueAt(first, ['metadata', key])));
    return pod === undefined || uid === undefined ? undefined : { name: pod, uid };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
