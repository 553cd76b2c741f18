/** One route for each webhook entry. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ENTRIES } from '../review/entries.ts';
import { judgeGuarded } from './judge-guard.ts';
import type { JudgedReview, ReviewDeps } from './judge-review.ts';
import { judgeReview } from './judge-review.ts';

/** Time kept back from the API server's timeout so that our answer, and not its timeout, is what it sees, in ms. */
const ANSWER_RESERVE_MS = 200;

const JSON_TYPE = 'application/json; charset=utf-8';

/** Adds a route for the path of every entry. Of all methods, so that the router tells a wrong one from a wrong path. */
export function addAdmissionRoutes(
  app: FastifyInstance,
  deps: ReviewDeps & {
    /** The earliest moment at which a request can have arrived, in ms of the monotonic clock, and its time from then. */
    readonly receiptOf: (request: FastifyRequest) => { readonly at: number; readonly timeoutMs: number };
  },
): void {
  for (const entry of ENTRIES) {
    const record = (outcome: 'allowed' | 'denied' | 'fault', started: number): void =>
      deps.recorder.review({ entry: entry.path, outcome, seconds: (deps.clock.monotonic() - started) / 1000 });

    app.all(entry.path, (request, reply) => {
      const started = deps.clock.monotonic();
      const answer = ({ answer: text, isAllowed }: JudgedReview): void => {
        record(isAllowed ? 'allowed' : 'denied', started);
        reply.header('content-type', JSON_TYPE).send(text);
      };
      const fail = (error: unknown): never => {
        record('fault', started);
        throw error;
      };
      const judged = attempt(() => {
        const { at, timeoutMs } = deps.receiptOf(request);
        const received = { body: request.body, started, until: at + timeoutMs, timeoutMs };
        const { guard } = entry;
        return guard === undefined
          ? judgeReview(deps, entry, received)
          : judgeGuarded(deps, { entry, guard }, received);
      }, fail);
      // Nearly every review is judged by what memory holds, and then nothing waits.
      return judged instanceof Promise ? judged.then(answer, fail) : answer(judged);
    });
  }
}

function attempt<T>(work: () => T, fail: (error: unknown) => never): T {
  try {
    return work();
  } catch (error) {
    return fail(error);
  }
}

/** The shorter of our own deadline and the `?timeout=5s` that the API server adds; other parameters mean nothing. */
export function readTimeout(query: unknown, deadlineMs: number): number {
  const text = typeof query === 'object' && query !== null && 'timeout' in query ? query.timeout : undefined;
  const match = typeof text === 'string' ? /^([0-9]{1,4})(s|ms)$/.exec(text) : null;
  if (match === null) return deadlineMs;
  const theirs = Number(match[1]) * (match[2] === 's' ? 1000 : 1);
  return Math.max(1, Math.min(deadlineMs, theirs - ANSWER_RESERVE_MS));
}
