/** A token Secret as cleaning sees it: its metadata, and nothing of the token. */

import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member, stringMembers, valueAt } from '../objects/json.ts';
import { LAST_USED_LABEL, readInvalidSince } from '../objects/legacy-token.ts';
import { ACCOUNT_NAME_ANNOTATION } from '../objects/views.ts';
import type { Mark } from './mark.ts';
import { MARK_ANNOTATION, readMark } from './mark.ts';

export type TokenSecret = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The service account whose token it holds. */
  readonly account: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly lastUsed: string | undefined;
  readonly invalidSince: string | undefined;
  /** What Curfew wrote beside the label; `unreadable` if somebody changed it. */
  readonly mark: Mark | 'unreadable' | undefined;
  /** Its deletion has begun, so that the API server refuses the token already. */
  readonly isLeaving: boolean;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly metadata: JsonObject;
};

/** `namespace/name`; no name has a slash in it. */
export function idOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** From its PartialObjectMetadata; undefined if a field is missing without which nothing may be changed. */
export function toTokenSecret(raw: unknown): TokenSecret | undefined {
  const metadata = member(raw, 'metadata');
  const [namespace, name, uid, resourceVersion] = ['namespace', 'name', 'uid', 'resourceVersion'].map((key) =>
    asString(member(metadata, key)),
  );
  if (!isObject(metadata) || !namespace || !name || !uid || !resourceVersion) return undefined;
  const labels = stringMembers(member(metadata, 'labels'));
  const annotations = stringMembers(member(metadata, 'annotations'));
  const mark = annotations.get(MARK_ANNOTATION);
  return {
    namespace,
    name,
    uid,
    resourceVersion,
    account: annotations.get(ACCOUNT_NAME_ANNOTATION) ?? '',
    createdAt: asString(member(metadata, 'creationTimestamp')) ?? '',
    lastUsed: labels.get(LAST_USED_LABEL),
    invalidSince: readInvalidSince(raw),
    mark: mark === undefined ? undefined : (readMark(mark) ?? 'unreadable'),
    isLeaving: valueAt(metadata, ['deletionTimestamp']) !== undefined,
    labels,
    annotations,
    metadata,
  };
}
