/** One line of an API server's audit log (audit.k8s.io/v1 Event) as the little of it that tells who uses which token. */

import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member, stringMembers, valueAt } from '../objects/json.ts';

/** What the caller showed. `stale`: a token that the API server made longer than was asked for, used after its time. */
export type TokenKind = 'bound' | 'stale' | 'legacy' | 'unknown';

export type AuditEvent = {
  /** In ms since the epoch. */
  readonly at: number;
  readonly username: string;
  /** Such as `create`; of a URL that is no resource the method in lower case. */
  readonly verb: string;
  readonly token: TokenKind;
  /** Of the caller's token, where it is bound to one. */
  readonly pod: string | undefined;
  /** False if the authorizer said no. */
  readonly isAllowed: boolean;
  /** Undefined for a URL that is no resource. */
  readonly target: AuditTarget | undefined;
  /** Without its query. */
  readonly path: string;
  /** Of a TokenRequest, where the audit policy logs it: at Request and above. */
  readonly asked: TokenAsked | undefined;
};

export type AuditTarget = {
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
};

export type TokenAsked = { readonly seconds: number | undefined; readonly audiences: readonly string[] };

const POD_NAME = 'authentication.kubernetes.io/pod-name';
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';
const STALE = 'authentication.k8s.io/stale-token';
const LEGACY = 'authentication.k8s.io/legacy-token-';
const DECISION = 'authorization.k8s.io/decision';

/** Requests that stay open are on record when they begin, since their end may be in another file, or never. */
const OPEN_VERBS: ReadonlySet<string> = new Set(['watch', 'proxy', 'connect']);
const OPEN_SUBRESOURCES: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward', 'proxy', 'log']);

/**
 * The event of one line: each request once, whatever stages the audit policy logs. Undefined for other stages, and for
 * what is no event.
 */
export function readAuditEvent(line: string): AuditEvent | 'other stage' | undefined {
  const event = parse(line);
  const username = asString(valueAt(event, ['user', 'username']));
  const verb = asString(member(event, 'verb'));
  const at = Date.parse(asString(member(event, 'requestReceivedTimestamp')) ?? '');
  if (event === undefined || username === undefined || verb === undefined || Number.isNaN(at)) return undefined;
  const target = readTarget(member(event, 'objectRef'));
  if (asString(member(event, 'stage')) !== stageThatCounts(verb, target)) return 'other stage';
  const annotations = stringMembers(member(event, 'annotations'));
  const extra = valueAt(event, ['user', 'extra']);
  return {
    at,
    username,
    verb,
    token: readToken(annotations, extra),
    pod: asString(asArray(member(extra, POD_NAME))[0]),
    isAllowed: annotations.get(DECISION) !== 'forbid',
    target,
    path: (asString(member(event, 'requestURI')) ?? '').replace(/\?.*/s, ''),
    asked: target?.resource === 'serviceaccounts/token' ? readAsked(member(event, 'requestObject')) : undefined,
  };
}

function parse(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) && member(value, 'kind') === 'Event' ? value : undefined;
  } catch {
    return undefined;
  }
}

function stageThatCounts(verb: string, target: AuditTarget | undefined): string {
  const [, subresource = ''] = target?.resource.split('/') ?? [];
  const isOpen = OPEN_VERBS.has(verb) || OPEN_SUBRESOURCES.has(subresource);
  return isOpen ? 'ResponseStarted' : 'ResponseComplete';
}

function readTarget(reference: unknown): AuditTarget | undefined {
  const resource = asString(member(reference, 'resource'));
  if (resource === undefined) return undefined;
  const subresource = asString(member(reference, 'subresource'));
  return {
    group: asString(member(reference, 'apiGroup')) ?? '',
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace: asString(member(reference, 'namespace')) ?? '',
    name: asString(member(reference, 'name')) ?? '',
  };
}

/** A bound token has an id since 1.30, and names its pod before that too. */
function readToken(annotations: ReadonlyMap<string, string>, extra: unknown): TokenKind {
  if (annotations.has(STALE)) return 'stale';
  if ([...annotations.keys()].some((key) => key.startsWith(LEGACY))) return 'legacy';
  return member(extra, CREDENTIAL_ID) !== undefined || member(extra, POD_NAME) !== undefined ? 'bound' : 'unknown';
}

function readAsked(request: unknown): TokenAsked | undefined {
  if (!isObject(request)) return undefined;
  const seconds = valueAt(request, ['spec', 'expirationSeconds']);
  return {
    seconds: typeof seconds === 'number' ? seconds : undefined,
    audiences: asArray(valueAt(request, ['spec', 'audiences'])).flatMap((audience) => asString(audience) ?? []),
  };
}
