/** One route for each webhook entry. */

import type { FastifyInstance } from 'fastify';
import { Fault } from '../errors.ts';
import { ENTRIES } from '../review/entries.ts';
import type { ReviewDeps } from './judge-review.ts';
import { judgeReview } from './judge-review.ts';

/** Time kept back from the API server's timeout so that our answer, and not its timeout, is what it sees, in ms. */
const ANSWER_RESERVE_MS = 200;

/** Adds `POST <path>` for every entry of the table. */
export function addAdmissionRoutes(app: FastifyInstance, deps: ReviewDeps): void {
  let inFlight = 0;
  for (const entry of ENTRIES) {
    app.post(entry.path, async (request) => {
      const { maxInFlight, deadlineMs } = deps.policy().configuration.server;
      if (inFlight >= maxInFlight) throw new Fault('CURFEW_E_OVERLOADED');
      inFlight += 1;
      const started = deps.clock.monotonic();
      let outcome: 'allowed' | 'denied' | 'fault' = 'fault';
      try {
        const timeout = readTimeout(request.query, deadlineMs);
        const judged = await judgeReview(deps, entry, { body: request.body, deadline: started + timeout });
        outcome = judged.isAllowed ? 'allowed' : 'denied';
        return judged.answer;
      } finally {
        inFlight -= 1;
        deps.recorder.review({ entry: entry.path, outcome, seconds: (deps.clock.monotonic() - started) / 1000 });
      }
    });
  }
}

/** The shorter of our own deadline and the `?timeout=5s` that the API server adds; other parameters mean nothing. */
function readTimeout(query: unknown, deadlineMs: number): number {
  const text = typeof query === 'object' && query !== null && 'timeout' in query ? query.timeout : undefined;
  const match = typeof text === 'string' ? /^([0-9]{1,4})(s|ms)$/.exec(text) : null;
  if (match === null) return deadlineMs;
  const theirs = Number(match[1]) * (match[2] === 's' ? 1000 : 1);
  return Math.max(1, Math.min(deadlineMs, theirs - ANSWER_RESERVE_MS));
}
