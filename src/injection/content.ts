/** Whether what is in a pod is what a plan wants, also after the API server has filled in its defaults. */

import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';

/** What the API server fills in when it is not given (pkg/apis/core/v1/defaults.go). */
const API_DEFAULTS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['defaultMode', 0o644],
  ['expirationSeconds', 3600],
  ['apiVersion', 'v1'],
]);

/** In seconds, both of them included. */
export type LifetimeRange = { readonly least: number; readonly most: number };

export type Foreign = {
  readonly isOurs: boolean;
  /** Lifetimes that do as well as the wanted one in somebody else's volume. */
  readonly accepted?: LifetimeRange | undefined;
};

/**
 * True if `existing` is `wanted`. In a volume of ours, fields that we do not know are the API server's; in somebody
 * else's they make it another volume. The depth is that of `wanted`, which we made.
 */
export function isSameContent(existing: JsonValue | undefined, wanted: JsonValue, foreign: Foreign): boolean {
  const { isOurs, accepted } = foreign;
  if (Array.isArray(wanted)) {
    const entries = asArray(existing);
    return (
      Array.isArray(existing) &&
      // Somebody may have added sources to a volume of ours.
      (entries.length === wanted.length || (isOurs && entries.length > wanted.length)) &&
      wanted.every((entry, index) => isSameContent(entries[index], entry as JsonValue, foreign))
    );
  }
  if (!isObject(wanted)) return existing === wanted;
  if (!isObject(existing)) return false;
  const isWhole = Object.entries(wanted).every(([key, value]) => {
    const there = member(existing, key) ?? API_DEFAULTS.get(key);
    if (key === 'expirationSeconds' && !isOurs && isAccepted(there, accepted)) return true;
    return isSameContent(there, value, foreign);
  });
  const extra = Object.keys(existing).filter((key) => !Object.hasOwn(wanted, key));
  const isPlain = extra.every((key) => existing[key] === API_DEFAULTS.get(key) || (isOurs && !SOURCES.has(key)));
  return isWhole && isPlain;
}

/**
 * `wanted` in the place of a volume of ours that is not as it should be: with the sources that somebody added to it, and
 * the fields of its token that we do not know, which come every year (KEP-5936).
 */
export function renewVolume(existing: JsonValue | undefined, wanted: JsonObject): JsonObject {
  const [projected, there] = [member(wanted, 'projected'), member(existing, 'projected')];
  if (!isObject(projected) || !isObject(there)) return wanted;
  const ours = asArray(projected['sources']);
  const kinds = ours.flatMap((source) => Object.keys(isObject(source) ? source : {}));
  const before = asArray(there['sources']);
  const sources = [
    ...ours.map((source) => withUnknownFields(source, before)),
    ...before.filter((source) => isObject(source) && kinds.every((kind) => !Object.hasOwn(source, kind))),
  ];
  const { defaultMode: _mode, ...unknown } = there;
  return { ...wanted, projected: { ...unknown, ...projected, sources } };
}

function withUnknownFields(source: JsonValue, before: readonly JsonValue[]): JsonValue {
  const token = member(source, 'serviceAccountToken');
  const old = before.map((one) => member(one, 'serviceAccountToken')).find(isObject);
  if (!isObject(token) || old === undefined) return source;
  const { audience: _audience, expirationSeconds: _seconds, path: _path, ...unknown } = old;
  return { serviceAccountToken: { ...unknown, ...token } };
}

/** Keys that turn a volume or a source into another one. */
const SOURCES: ReadonlySet<string> = new Set([
  'audience',
  'defaultMode',
  'secret',
  'configMap',
  'hostPath',
  'emptyDir',
]);

/** Never the lifetime that may make a token of a year. */
function isAccepted(seconds: JsonValue | undefined, range: LifetimeRange | undefined): boolean {
  return (
    range !== undefined &&
    typeof seconds === 'number' &&
    Number.isInteger(seconds) &&
    seconds !== EXTENDED_EXPIRATION_SECONDS &&
    seconds >= range.least &&
    seconds <= range.most
  );
}

/** The same, whatever the volume is called: is it the same token? */
export function isSameToken(
  existing: JsonValue | undefined,
  wanted: JsonObject,
  accepted: LifetimeRange | undefined,
): boolean {
  if (!isObject(existing)) return false;
  return isSameContent({ ...existing, name: wanted['name'] ?? '' }, wanted, { isOurs: false, accepted });
}

/** Without trailing and doubled slashes: the container runtime sees one path. */
export function normalisePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return `/${parts.join('/')}`;
}

/** True if one is the other, or lies in it. */
export function isNested(one: string, other: string): boolean {
  const [a, b] = [`${normalisePath(one)}/`.replace('//', '/'), `${normalisePath(other)}/`.replace('//', '/')];
  return a.startsWith(b) || b.startsWith(a);
}

/** `a projected volume`, `a hostPath volume`: what an existing volume is, for messages. */
export function describeVolume(volume: JsonValue | undefined): string {
  const kind = Object.keys(isObject(volume) ? volume : {}).find((key) => key !== 'name');
  const [source] = asArray(member(member(volume, 'projected'), 'sources'));
  const audience = asString(member(member(source, 'serviceAccountToken'), 'audience'));
  if (audience !== undefined) return `a token for audience ${JSON.stringify(audience.slice(0, 80))}`;
  return kind === undefined ? 'an empty volume' : `a ${kind.slice(0, 40)} volume`;
}
