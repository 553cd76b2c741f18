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
      entries.length === wanted.length &&
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
