/** Documented access: an annotation that says why an identity needs the Kubernetes API. */

import { asString, valueAt } from './json.ts';
import { quote, toOneLine } from './text.ts';
import type { Lookup, NamespaceView, ServiceAccountView } from './views.ts';

export const API_ACCESS_ANNOTATION = 'curfew.dev/api-access';

/** Kinds on which the annotation may count. */
export const API_ACCESS_SOURCES = ['ServiceAccount', 'Pod', 'Namespace'] as const;
export type ApiAccessSource = (typeof API_ACCESS_SOURCES)[number];

/** What our own messages print where the reason belongs: pasted as it stands, it documents nothing. */
export const REASON_PLACEHOLDER = '<why>';

/** Longest reason, in characters; a longer one is no reason but a place to hide something. */
export const MOST_REASON_CHARACTERS = 500;

/** Where the annotation may stand, and where it counts. */
export type AccessQuery = {
  readonly serviceAccount: Lookup<Pick<ServiceAccountView, 'annotations'>>;
  /** `metadata` of the pod or of the template of pods; undefined if no pod is judged. */
  readonly podMetadata?: unknown;
  readonly namespace: Lookup<NamespaceView>;
  readonly acceptFrom: readonly ApiAccessSource[];
};

export type DocumentedAccess =
  /** `reason` is one line without control characters, and bounded. */
  | { readonly state: 'documented'; readonly source: ApiAccessSource; readonly reason: string }
  /** `fault` says, without a full stop, why an annotation that is there does not count. */
  | { readonly state: 'undocumented'; readonly fault: string | undefined }
  /** `source` could not be read, so the reason may stand there. */
  | { readonly state: 'unknown'; readonly source: ApiAccessSource; readonly why: string };

/** From the nearest to the widest: what a pod says of itself is more to the point than what its namespace says. */
const NEAREST_FIRST: readonly ApiAccessSource[] = ['Pod', 'ServiceAccount', 'Namespace'];

const NOUNS: Readonly<Record<ApiAccessSource, string>> = {
  Pod: 'pod',
  ServiceAccount: 'service account',
  Namespace: 'namespace',
};

/**
 * Whether somebody wrote down why the API is needed, on a kind where that counts. One good reason is enough; what could
 * not be read keeps the answer open, because the reason may stand there.
 */
export function findDocumentedAccess(query: AccessQuery): DocumentedAccess {
  const faults: string[] = [];
  let unknown: DocumentedAccess | undefined;
  for (const source of NEAREST_FIRST) {
    const isAccepted = query.acceptFrom.includes(source);
    const lookup = readAnnotation(query, source);
    if (lookup.state !== 'found') {
      const why = lookup.state === 'absent' ? 'it does not exist' : lookup.why;
      if (isAccepted) unknown ??= { state: 'unknown', source, why };
      continue;
    }
    const text = lookup.value;
    if (text === undefined) continue;
    const fault = isAccepted ? faultOfReason(text) : `only one on ${listAccepted(query.acceptFrom)} counts here`;
    if (fault === undefined) return { state: 'documented', source, reason: toOneLine(text).trim() };
    faults.push(`annotation ${API_ACCESS_ANNOTATION} of the ${NOUNS[source]} does not count: ${fault}`);
  }
  return unknown ?? { state: 'undocumented', fault: faults[0] };
}

/** What is wrong with `reason` as documentation; undefined if nothing is. */
export function faultOfReason(reason: string): string | undefined {
  if (reason.length > MOST_REASON_CHARACTERS) {
    return `it has ${reason.length} characters, and at most ${MOST_REASON_CHARACTERS} are allowed`;
  }
  // Hidden characters, which have no width, are no reason either.
  const line = toOneLine(reason).trim();
  if (line === '') return 'it is empty';
  if (line === REASON_PLACEHOLDER) return `it is still the placeholder ${REASON_PLACEHOLDER}`;
  // Some letters have no shape, such as the Hangul fillers.
  if (!/\p{L}/u.test(line.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, ''))) return `${quote(line)} is no reason`;
  return undefined;
}

/** `ServiceAccount`, `ServiceAccount or Pod`, `ServiceAccount, Pod or Namespace`. */
function listAccepted(acceptFrom: readonly ApiAccessSource[]): string {
  const names = API_ACCESS_SOURCES.filter((source) => acceptFrom.includes(source));
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}

/** The annotation's text as it stands on the object; found and undefined if the object has none. */
function readAnnotation(query: AccessQuery, source: ApiAccessSource): Lookup<string | undefined> {
  if (source === 'Pod') {
    const text = asString(valueAt(query.podMetadata, ['annotations', API_ACCESS_ANNOTATION]));
    return { state: 'found', value: text };
  }
  const lookup = source === 'ServiceAccount' ? query.serviceAccount : query.namespace;
  if (lookup.state !== 'found') return lookup;
  return { state: 'found', value: lookup.value.annotations.get(API_ACCESS_ANNOTATION) };
}
