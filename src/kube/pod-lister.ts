/**
 * Lists the pods of one namespace, for a person who waits: in small pages, of which one is in memory at a time, and for
 * few at once, so that nobody can use it to fill the memory or to flood the API server.
 */

import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { KubeClient, KubeResponse, PodLister, PodPage } from './api.ts';
import { ANSWER_TOO_LARGE } from './api.ts';
import { describeError, describeResponse } from './sentences.ts';

/** A page of ordinary pods is about 1 MB: parsing it holds other requests up by some milliseconds. */
const PAGE_ITEMS = 100;
/** No stored pod is as large. Parsed it takes some times as much memory, for each list at once. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const MAX_AT_ONCE = 2;

/** Pods that have ended are left out by the API server itself. */
const NOT_ENDED = 'status.phase!=Succeeded,status.phase!=Failed';

export function createPodLister(client: Pick<KubeClient, 'request'>): PodLister {
  let running = 0;
  return async function* listPods(namespace, signal) {
    if (running >= MAX_AT_ONCE) {
      yield { state: 'unknown', why: `too many lists of pods (${MAX_AT_ONCE} in flight)` };
      return;
    }
    running += 1;
    try {
      yield* listPages(client, namespace, signal);
    } finally {
      running -= 1;
    }
  };
}

/** For `--without-cluster`: there is nothing to list. */
export function createUnknownLister(why: string): PodLister {
  return async function* listNothing() {
    yield { state: 'unknown', why };
  };
}

async function* listPages(
  client: Pick<KubeClient, 'request'>,
  namespace: string,
  signal: AbortSignal,
): AsyncIterable<PodPage> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  let limit = PAGE_ITEMS;
  let next = '';
  do {
    const query = { limit: String(limit), fieldSelector: NOT_ENDED, ...(next === '' ? {} : { continue: next }) };
    let response: KubeResponse;
    try {
      response = await client.request({ method: 'GET', path, query, maxAnswerBytes: MAX_PAGE_BYTES, signal });
    } catch (error) {
      if (member(error, 'code') === ANSWER_TOO_LARGE && limit > 1) {
        limit = Math.max(1, limit >> 2);
        continue;
      }
      yield { state: 'unknown', why: describeError(error) };
      return;
    }
    if (response.status !== 200) {
      yield { state: 'unknown', why: describeResponse(response) };
      return;
    }
    yield { state: 'found', pods: asArray(member(response.body, 'items')) };
    next = asString(valueAt(response.body, ['metadata', 'continue'])) ?? '';
    if (next === '') return;
  } while (!signal.aborted);
}
