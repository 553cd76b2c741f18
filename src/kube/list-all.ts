/** Every object of a resource, page by page, for commands that look at a whole cluster. */

import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { KubeClient } from './api.ts';
import { describeResponse } from './sentences.ts';

const PAGE_ITEMS = 500;

export type ListQuery = {
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** True of a kind that may not be installed: then there are none. */
  readonly isOptional?: boolean;
};

/**
 * Yields the items of each page.
 *
 * @throws Error with a sentence that names the path
 */
export async function* listAll(
  client: Pick<KubeClient, 'request'>,
  { path, query = {}, accept, isOptional = false }: ListQuery,
  signal: AbortSignal,
): AsyncIterable<readonly JsonValue[]> {
  let next = '';
  do {
    const response = await client.request({
      method: 'GET',
      path,
      query: { ...query, limit: String(PAGE_ITEMS), ...(next === '' ? {} : { continue: next }) },
      signal,
      ...(accept === undefined ? {} : { accept }),
    });
    if (response.status === 404 && isOptional) return;
    if (response.status !== 200) throw new Error(`${path} cannot be listed: ${describeResponse(response)}`);
    yield asArray(member(response.body, 'items'));
    next = asString(valueAt(response.body, ['metadata', 'continue'])) ?? '';
  } while (next !== '');
}
