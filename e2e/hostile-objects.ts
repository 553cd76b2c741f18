/** Objects that nobody writes by mistake, sent to the API server, and what became of them. */

import { asString, valueAt } from '../src/objects/json.ts';
import { findKind } from '../src/objects/kinds.ts';
import type { HostileObject } from '../test/hostile/objects.ts';
import type { ApiClient } from './api-client.ts';

/** etcd takes no more, and the API server answers before it asks a webhook. */
export const MOST_BYTES = 1_400_000;

export type Fate =
  /** By the API server itself, before or after Curfew was asked. */
  | { readonly by: 'api server'; readonly message: string }
  | { readonly by: 'curfew'; readonly message: string }
  | { readonly by: 'nobody' };

/** Who refused it, in this namespace. */
export async function send(api: ApiClient, { object }: HostileObject, namespace: string): Promise<Fate> {
  const made = object();
  const apiVersion = asString(made['apiVersion']) ?? '';
  const found = findKind(apiVersion, asString(made['kind']) ?? '');
  if (found === undefined) throw new Error('Curfew reads every kind of the corpus');
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const moved: object = JSON.parse(JSON.stringify(made).replace('"namespace":"shop"', `"namespace":"${namespace}"`));
  const { status, body } = await api.create(`${root}/namespaces/${namespace}/${found.resource}?dryRun=All`, moved);
  if (status === 201) return { by: 'nobody' };
  if (status === 0) throw new Error(body);
  const message = asString(valueAt(JSON.parse(body), ['message'])) ?? '';
  // A webhook that did not answer as it should is no verdict, whatever its failure policy makes of it.
  if (/failed calling webhook|failed to call webhook/.test(message)) throw new Error(message.slice(0, 1_000));
  return { by: /^admission webhook "[a-z-]+\.curfew\.dev" denied/.test(message) ? 'curfew' : 'api server', message };
}
