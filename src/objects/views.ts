/**
 * The narrow views of cluster objects that rules may read. The index keeps these and nothing else, so a cluster with
 * many objects costs little memory, and a rule cannot come to depend on a field that nobody decided to keep.
 */

import { SCHEME_KEYS } from './injection-keys.ts';
import { isObject, member, valueAt } from './json.ts';

/** What is known of an object that a rule asked for. `unknown` is never a reason for a check to deny. */
export type Lookup<View> =
  | {
      readonly state: 'found';
      readonly value: View;
      /** Wanted as it is now, but it is only as it was a moment ago, and this is why. */
      readonly stale?: string;
    }
  | { readonly state: 'absent' }
  | {
      readonly state: 'unknown';
      readonly why: string;
      /** Nobody can be asked at all, so that trying again is of no use. */
      readonly isFinal?: true;
    };

export type NamespaceView = {
  readonly name: string;
  /** Only labels and annotations whose key is under `curfew.dev`, or one of SCHEME_KEYS, or read by a preset of one's own. */
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
};

/** Type of a Secret that the token controller fills with a token that never expires (KEP-2799). */
export const TOKEN_SECRET_TYPE = 'kubernetes.io/service-account-token';
/** On such a Secret: the service account whose token it holds. */
export const ACCOUNT_NAME_ANNOTATION = 'kubernetes.io/service-account.name';

/** A Secret of type `kubernetes.io/service-account-token`: whose token it holds, and nothing of the token. */
export type TokenSecretView = {
  readonly namespace: string;
  readonly name: string;
  /** Name of the service account. */
  readonly account: string;
};

export type ServiceAccountView = {
  readonly namespace: string;
  readonly name: string;
  /** `automountServiceAccountToken`; undefined if the account does not say. */
  readonly automount: boolean | undefined;
  /** Only annotations whose key is under `curfew.dev`, or one of SCHEME_KEYS, or read by a preset of one's own. */
  readonly annotations: ReadonlyMap<string, string>;
};

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * The view of a raw v1 Namespace (also of its PartialObjectMetadata); undefined if it has no name.
 *
 * @param more - keys that are kept too
 */
export function toNamespaceView(raw: unknown, more = NO_KEYS): NamespaceView | undefined {
  const name = valueAt(raw, ['metadata', 'name']);
  if (typeof name !== 'string') return undefined;
  return {
    name,
    labels: onlyOurs(valueAt(raw, ['metadata', 'labels']), more),
    annotations: onlyOurs(valueAt(raw, ['metadata', 'annotations']), more),
  };
}

/**
 * The view of a raw v1 ServiceAccount; undefined if it has no name or namespace.
 *
 * @param more - keys that are kept too
 */
export function toServiceAccountView(raw: unknown, more = NO_KEYS): ServiceAccountView | undefined {
  const name = valueAt(raw, ['metadata', 'name']);
  const namespace = valueAt(raw, ['metadata', 'namespace']);
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  const automount = member(raw, 'automountServiceAccountToken');
  return {
    namespace,
    name,
    automount: typeof automount === 'boolean' ? automount : undefined,
    annotations: onlyOurs(valueAt(raw, ['metadata', 'annotations']), more),
  };
}

/** The view of a raw token Secret's PartialObjectMetadata; undefined if it has no name or namespace. */
export function toTokenSecretView(raw: unknown): TokenSecretView | undefined {
  const name = valueAt(raw, ['metadata', 'name']);
  const namespace = valueAt(raw, ['metadata', 'namespace']);
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  const account = valueAt(raw, ['metadata', 'annotations', ACCOUNT_NAME_ANNOTATION]);
  return { namespace, name, account: typeof account === 'string' ? account : '' };
}

/** Of most objects nothing is kept: an empty map of its own would cost each as much as all the rest of its view. */
const NOTHING: ReadonlyMap<string, string> = new Map();

function onlyOurs(entries: unknown, more: ReadonlySet<string>): ReadonlyMap<string, string> {
  if (!isObject(entries)) return NOTHING;
  const isKept = (key: string) => /^([a-z0-9-]+\.)*curfew\.dev\//.test(key) || SCHEME_KEYS.has(key) || more.has(key);
  let kept: Map<string, string> | undefined;
  for (const key of Object.keys(entries)) {
    const value = entries[key];
    if (typeof value !== 'string' || !isKept(key)) continue;
    kept ??= new Map();
    kept.set(key, value);
  }
  return kept ?? NOTHING;
}
