/** What somebody asks for by TokenRequest, the body of a CREATE of `serviceaccounts/token`. */

import { formatDuration } from './duration.ts';
import type { JsonObject } from './json.ts';
import { asArray, asString, isObject, member } from './json.ts';
import type { Reads } from './rule-context.ts';
import type { Subject } from './subject.ts';
import { isTokenRequest } from './subject.ts';
import { nameForCommand } from './text.ts';
import { DEFAULT_EXPIRATION_SECONDS, EXTENDED_EXPIRATION_SECONDS } from './tokens.ts';

/** How long a token is really valid that the API server extends (ExpirationExtensionSeconds, pkg/serviceaccount/claims.go). */
export const EXTENDED_SECONDS = 31_536_000;

/** Limits of `expirationSeconds`, in seconds (pkg/apis/authentication/validation/validation.go). */
export const LEAST_EXPIRATION_SECONDS = 600;
export const MOST_EXPIRATION_SECONDS = 4_294_967_296;

export const READS_TOKEN_REQUESTS: readonly Reads[] = [
  { group: '', resource: 'serviceaccounts', subresource: 'token', operations: ['CREATE'] },
];

/** The object whose deletion ends the token. */
export type BoundObject = { readonly kind: string; readonly name: string };

export type AskedToken = {
  /** As asked for: the API server cuts it to its own maximum only after admission. */
  readonly expirationSeconds: number;
  /** The nearest thing in the object that says so. */
  readonly expirationPath: string;
  /** Never repeated. Empty if none is asked for; webhooks that validate see the API server's own instead. */
  readonly audiences: readonly string[];
  readonly audiencesPath: string;
  readonly bound: BoundObject | undefined;
  readonly boundPath: string;
};

/** Reads the request; undefined if it has no `spec`, which the API server never sends. */
export function readTokenRequest(object: JsonObject): AskedToken | undefined {
  const spec = member(object, 'spec');
  if (!isObject(spec)) return undefined;
  const seconds = member(spec, 'expirationSeconds');
  const reference = member(spec, 'boundObjectRef');
  const audiences = asArray(member(spec, 'audiences')).filter((audience) => typeof audience === 'string');
  return {
    expirationSeconds: typeof seconds === 'number' ? seconds : DEFAULT_EXPIRATION_SECONDS,
    expirationPath: pathOf(spec, 'expirationSeconds'),
    audiences: [...new Set(audiences)],
    audiencesPath: pathOf(spec, 'audiences'),
    // `boundObjectRef` stands there with the value null where nobody set it (no omitempty).
    bound: isObject(reference)
      ? { kind: asString(member(reference, 'kind')) ?? '', name: asString(member(reference, 'name')) ?? '' }
      : undefined,
    boundPath: pathOf(spec, 'boundObjectRef'),
  };
}

/** The audiences that make it a token for the Kubernetes API; if none is asked for, all of the API's own. */
export function listApiAudiences({ audiences }: AskedToken, apiAudiences: readonly string[]): readonly string[] {
  return audiences.length === 0 ? apiAudiences : audiences.filter((audience) => apiAudiences.includes(audience));
}

/**
 * True if the API server really issues this token for a year: bound to a pod, exactly 3607 s, no audience but the API's
 * own (pkg/registry/core/serviceaccount/storage/token.go).
 */
export function isExtendedRequest(asked: AskedToken, apiAudiences: readonly string[]): boolean {
  return (
    asked.expirationSeconds === EXTENDED_EXPIRATION_SECONDS &&
    asked.bound?.kind === 'Pod' &&
    listApiAudiences(asked, apiAudiences).length >= asked.audiences.length
  );
}

/** What is changed in the command that asks for a token again. */
export type TokenCommandChanges = { readonly expirationSeconds?: number; readonly audiences?: readonly string[] };

/** The command that asks for the same token with these changes; an audience that is no plain word becomes a placeholder. */
export function buildTokenCommand(
  subject: Subject,
  { expirationSeconds, audiences }: TokenCommandChanges,
  apiAudiences: readonly string[],
): string {
  const account = isTokenRequest(subject) ? subject.name : undefined;
  const asked = readTokenRequest(subject.object);
  const named = audiences ?? (asked?.audiences ?? []).filter((audience) => !apiAudiences.includes(audience));
  const duration = formatDuration(expirationSeconds ?? asked?.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS);
  return [
    `kubectl create token ${nameForCommand(account, 'ACCOUNT')} --namespace ${nameForCommand(subject.namespace, 'NAMESPACE')}`,
    `--duration ${duration}`,
    ...named.slice(0, MOST_AUDIENCES).map((audience) => `--audience ${audienceForCommand(audience)}`),
    ...(asked?.bound === undefined ? [] : [describeBinding(asked.bound)]),
  ].join(' ');
}

/** Audiences in one command; nobody asks for more. */
const MOST_AUDIENCES = 3;

function describeBinding({ kind, name }: BoundObject): string {
  const known = ['Pod', 'Secret', 'Node'].find((one) => one === kind) ?? 'KIND';
  return `--bound-object-kind ${known} --bound-object-name ${nameForCommand(name, 'NAME')}`;
}

function audienceForCommand(audience: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,200}$/.test(audience) ? audience : 'AUDIENCE';
}

/** `3600 (1h)`; `610` alone, which says it all. */
export function formatSeconds(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds} (${formatDuration(seconds)})` : String(seconds);
}

/** A manifest may leave the field out: then its default is judged, and the spec is what says so. */
function pathOf(spec: JsonObject, field: string): string {
  return member(spec, field) === undefined ? '/spec' : `/spec/${field}`;
}
