/** Every object of a resource, page by page, for commands that look at a whole cluster. */

import type { JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { KubeClient, KubeResponse } from './api.ts';
import { ANSWER_TOO_LARGE } from './api.ts';
import { describeResponse } from './sentences.ts';

const PAGE_ITEMS = 500;
/** Parsed it takes some times as much memory. The largest object that is stored always fits. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

export type ListQuery = {
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** True of a kind that may not be installed: then there are none. */
  readonly isOptional?: boolean;
};

/**
 * Yields the items of each page; a page that is too large is asked for again with fewer items.
 *
 * @throws Error with a sentence that names the path
 */
export async function* listAll(
  client: Pick<KubeClient, 'request'>,
  { path, query = {}, accept, isOptional = false }: ListQuery,
  signal: AbortSignal,
): AsyncIterable<readonly JsonValue[]> {
  let limit = PAGE_ITEMS;
  let next = '';
  const askForPage = async (): Promise<KubeResponse> =>
    await client.request({
      method: 'GET',
      path,
      query: { ...query, limit: String(limit), ...(next === '' ? {} : { continue: next }) },
      maxAnswerBytes: MAX_PAGE_BYTES,
      signal,
      ...(accept === undefined ? {} : { accept }),
    });
  do {
    let response: KubeResponse;
    try {
      response = await askForPage();
    } catch (error) {
      if (member(error, 'code') !== ANSWER_TOO_LARGE || limit === 1) throw error;
      limit = Math.max(1, limit >> 2);
      continue;
    }
    if (response.status === 404 && isOptional) return;
    const toContinue = asString(valueAt(response.body, ['metadata', 'continue'])) ?? '';
    // The list as it was is compacted away after some minutes; the answer says where to go on in the list as it is now.
    if (response.status === 410 && toContinue !== '' && toContinue !== next) {
      next = toContinue;
      continue;
    }
    if (response.status !== 200) throw new Error(`${path} cannot be listed: ${describeResponse(response)}`);
    yield asArray(member(response.body, 'items'));
    next = toContinue;
    if (next === '') return;
  } while (!signal.aborted);
  signal.throwIfAborted();
}
