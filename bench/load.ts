/** Many requests by a few connections, as fast as answers come or at a fixed rate. */

import type { Connection } from './connection.ts';
import { pace } from './pacer.ts';

export type Load = {
  /** Sent in turn. */
  readonly requests: readonly Buffer[];
  readonly connections: readonly Connection[];
  /** In ms. */
  readonly forMs: number;
  /** All connections together; absent: as fast as answers come. */
  readonly perSecond?: number;
  /** No more requests than these. */
  readonly most?: number;
  /** Of a good answer; 200 by default. */
  readonly status?: number;
};

export type LoadResult = {
  readonly perSecond: number;
  /** Of each request, in ms, from the moment at which it was to be sent: a server that stops for a while delays those that wait too. */
  readonly latencies: readonly number[];
  /** Answers that were not good, and requests whose connection broke under way. */
  readonly errors: number;
};

/** Sends `requests` for some time. At a fixed rate each request has its moment, whether the one before is answered or not. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const { forMs, perSecond, most = Infinity } = load;
  const tally = createTally(load);
  const start = performance.now();
  if (perSecond === undefined) await sendWithoutPause(load, tally);
  else await sendAtRate(load, { perSecond, count: Math.min(most, Math.ceil((forMs * perSecond) / 1000)) }, tally);
  const { latencies } = tally;
  return { perSecond: (1000 * latencies.length) / (performance.now() - start), latencies, errors: tally.errors() };
}

type Tally = {
  readonly latencies: readonly number[];
  readonly errors: () => number;
  /** Sends the next request, whose moment was `from`. Never throws. */
  readonly send: (connection: Connection, from: number) => Promise<void>;
};

function createTally({ requests, status = 200 }: Load): Tally {
  const latencies: number[] = [];
  let errors = 0;
  let sent = 0;
  return {
    latencies,
    errors: () => errors,
    async send(connection, from) {
      const request = requests[sent % requests.length] ?? Buffer.alloc(0);
      sent += 1;
      try {
        const answer = await connection.send(request);
        if (answer.status !== status) errors += 1;
        latencies.push(performance.now() - from);
      } catch {
        errors += 1;
      }
    },
  };
}

async function sendWithoutPause({ connections, forMs, most = Infinity }: Load, tally: Tally): Promise<void> {
  const start = performance.now();
  let left = most;
  async function work(connection: Connection): Promise<void> {
    while (left > 0 && performance.now() - start < forMs) {
      left -= 1;
      await tally.send(connection, performance.now());
    }
  }
  await Promise.all(connections.map(work));
}

/** What finds no connection free waits for one, and that is a part of its latency. */
async function sendAtRate(
  { connections }: Load,
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
  tally: Tally,
): Promise<void> {
  const free = [...connections];
  const waiting: number[] = [];
  let left = count;
  const { promise, resolve } = Promise.withResolvers<void>();
  async function work(connection: Connection, moment: number): Promise<void> {
    for (let from: number | undefined = moment; from !== undefined; from = waiting.shift()) {
      await tally.send(connection, from);
      left -= 1;
    }
    free.push(connection);
    if (left === 0) resolve();
  }
  pace({ perSecond, count }, () => {
    const now = performance.now();
    const connection = free.pop();
    if (connection === undefined) waiting.push(now);
    else void work(connection, now);
  });
  await promise;
}
