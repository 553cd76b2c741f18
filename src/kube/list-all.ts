/** Every object of a resource, page by page, for commands that look at a whole cluster. */

import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { KubeClient } from './api.ts';
import { describeResponse } from './sentences.ts';

const PAGE_ITEMS = 500;

/**
 * Yields the items of each page.
 *
 * @param path - such as `/api/v1/pods`
 * @throws Error with a sentence that names the path
 */
export async function* listAll(
  client: Pick<KubeClient, 'request'>,
  path: string,
  signal: AbortSignal,
): AsyncIterable<readonly JsonValue[]> {
  let next = '';
  do {
    const query = { limit: String(PAGE_ITEMS), ...(next === '' ? {} : { continue: next }) };
    const response = await client.request({ method: 'GET', path, query, signal });
    if (response.status !== 200) throw new Error(`${path} cannot be listed: ${describeResponse(response)}`);
    yield asArray(member(response.body, 'items'));
    next = asString(valueAt(response.body, ['metadata', 'continue'])) ?? '';
  } while (next !== '');
}
