/** The annotation by which a workload asks for another lifetime of its default API token. */

import { parseSeconds } from './duration.ts';
import { asString, valueAt } from './json.ts';
import { quote } from './text.ts';
import { EXTENDED_EXPIRATION_SECONDS } from './tokens.ts';
import type { Lookup, NamespaceView, ServiceAccountView } from './views.ts';

export const API_TOKEN_EXPIRATION_ANNOTATION = 'curfew.dev/api-token-expiration';

/** The API server takes no shorter one (pkg/apis/core/validation). */
export const MIN_EXPIRATION_SECONDS = 600;

export type AskedExpiration =
  | { readonly seconds: number; readonly source: string }
  | { readonly seconds: undefined; readonly problem: string };

/** What the pod asks for, else its service account, else its namespace; undefined if none of them says anything. */
export function readExpiration(
  pod: unknown,
  { account, namespace }: { readonly account: Lookup<ServiceAccountView>; readonly namespace: Lookup<NamespaceView> },
): AskedExpiration | undefined {
  const key = API_TOKEN_EXPIRATION_ANNOTATION;
  const places: readonly (readonly [string, string | undefined])[] = [
    ['pod', asString(valueAt(pod, ['metadata', 'annotations', key]))],
    ['service account', account.state === 'found' ? account.value.annotations.get(key) : undefined],
    ['namespace', namespace.state === 'found' ? namespace.value.annotations.get(key) : undefined],
  ];
  const found = places.find(([, value]) => value !== undefined);
  if (found === undefined) return undefined;
  const [source, value = ''] = found;
  const seconds = parseSeconds(value);
  const where = `annotation ${key} of the ${source}`;
  if (seconds === undefined) {
    return {
      seconds,
      problem: `${where} is ${quote(value)}, which is no number of seconds and no duration such as 24h`,
    };
  }
  // Whoever writes this number means an hour, and would get a year.
  return seconds === EXTENDED_EXPIRATION_SECONDS ? { seconds: 3600, source } : { seconds, source };
}
