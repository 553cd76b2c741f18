/**
 * What replicas tell each other, as JSON: that they are there, and what changes are about to be let in. Nothing of it is secret, and who
 * makes it up makes a replica ask the API server what it could have known: no more than that.
 */

import type { IndexedObject } from '../objects/changed-view.ts';
import { asString, isObject, member } from '../objects/json.ts';

/** In bytes: two names of a pod's length, and a namespace's. */
export const MAX_MESSAGE_BYTES = 2048;
export const PEER_PATH = '/changes';

export type PeerMessage = {
  /** Name of the sender's pod. */
  readonly from: string;
  /** Absent in one that only says that its sender is there. */
  readonly changed?: IndexedObject;
};

/** A message of a later version may have more members. Undefined for what is none. */
export function parsePeerMessage(text: string): PeerMessage | undefined {
  const message = parseJson(text);
  const from = asString(member(message, 'from'));
  if (from === undefined || from === '') return undefined;
  const changed = member(message, 'changed');
  if (changed === undefined) return { from };
  const resource = member(changed, 'resource');
  const key = asString(member(changed, 'key'));
  if ((resource !== 'namespaces' && resource !== 'serviceaccounts') || key === undefined) return undefined;
  return { from, changed: { resource, key } };
}

function parseJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
