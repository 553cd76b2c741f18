/** A client that comes again when the API server is busy: for commands, at whose end a person or a job waits. */

import { valueAt } from '../objects/json.ts';
import type { KubeClient, KubeResponse } from './api.ts';
import type { Clock } from './clock.ts';

const TOO_MANY_REQUESTS = 429;
const MOST_TRIES = 5;
/** In s, where the answer names no time. */
const DEFAULT_WAIT = 1;
/** In s. */
const LONGEST_WAIT = 10;

/**
 * Sends a request again that was answered 429, after the time that the Status names, as client-go does: it was turned away before
 * anything was done (API Priority and Fairness; a kind whose storage is not ready yet). The last answer is the answer.
 */
export function tryAgain(client: KubeClient, clock: Pick<Clock, 'sleep'>): KubeClient {
  return {
    server: client.server,
    watch: (request) => client.watch(request),
    async request(request) {
      let answer = await client.request(request);
      for (let tries = 1; tries < MOST_TRIES && answer.status === TOO_MANY_REQUESTS; tries += 1) {
        await clock.sleep(secondsUntilNext(answer) * 1_000, request.signal);
        answer = await client.request(request);
      }
      return answer;
    },
  };
}

function secondsUntilNext({ body }: KubeResponse): number {
  const named = valueAt(body, ['details', 'retryAfterSeconds']);
  return typeof named === 'number' && named > 0 ? Math.min(named, LONGEST_WAIT) : DEFAULT_WAIT;
}
