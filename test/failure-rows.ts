/** Compares what a test saw with what docs/failures.md says. */

import { expect } from 'vitest';
import { FAILURES, type Failure, type FailureId } from '../scripts/failure-table.ts';
import { sumOf } from './exposition.ts';

export type Seen = {
  /** What was printed to the user; empty if everything went as ever. */
  readonly user: string;
  /** The log as it was when it was over. */
  readonly log: string;
  /** `/metrics` before and after. */
  readonly metrics: readonly [string, string];
  readonly readyz: string;
};

/** Fails where the row says something else, or something that was not there. */
export function expectFailure(id: FailureId, { user, log, metrics, readyz }: Seen): void {
  const row: Failure = FAILURES[id];
  const [before, after] = metrics;
  expect({
    user,
    log: row.log.filter((words) => log.includes(words)),
    metrics: row.metrics.filter((series) => sumOf(after, series) > sumOf(before, series)),
    readyz,
  }).toEqual({ user: row.user, log: row.log, metrics: row.metrics, readyz: row.readyz });
  // A row without words of the log says that nothing is wrong.
  if (row.log.length === 0) expect(log.split('\n').filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
}

/** The first line of `/readyz`. */
export async function readReadyz(operationsUrl: string, signal?: AbortSignal): Promise<string> {
  const response = await fetch(`${operationsUrl}/readyz`, signal === undefined ? {} : { signal });
  const [first = ''] = (await response.text()).split('\n');
  return first;
}
