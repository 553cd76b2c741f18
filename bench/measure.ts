/** Timing of functions: all candidates in each round, so that whatever else the machine does hits all of them. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample } from './define-benchmark.ts';

/** A batch takes at least so long, in ms: the clock is good to some microseconds. */
const BATCH_MS = 2;
const REST_MS = 2;
const BUDGET_MS = 2_000;
const LEAST_ROUNDS = 3;

export type Timing = {
  /** How often each candidate is measured. Default: 15. */
  readonly rounds?: number;
  /** Least time of one batch, in ms. Default: 2. */
  readonly batchMs?: number;
  /** No further round once so much time has gone, but three in any case, in ms. Default: 2,000. */
  readonly budgetMs?: number;
};

/** The time that each candidate takes in each round, in ms. */
export function timeEach<Name extends string>(
  candidates: Readonly<Record<Name, () => unknown>>,
  { rounds = 15, batchMs = BATCH_MS, budgetMs = BUDGET_MS }: Timing = {},
): Readonly<Record<Name, readonly number[]>> {
  const entries = Object.entries(candidates) as [Name, () => unknown][];
  const times = emptyTimes(entries);
  const batches = new Map(entries.map(([name, run]) => [name, findBatch(run, batchMs)]));
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    if (round >= LEAST_ROUNDS && performance.now() - start > budgetMs) break;
    for (const [name, run] of entries) {
      const batch = batches.get(name) ?? 1;
      times[name].push(timeBatch(run, batch) / batch);
    }
  }
  return times;
}

/** The same for what waits. One call is a batch. */
export async function timeEachAsync<Name extends string>(
  candidates: Readonly<Record<Name, () => Promise<unknown>>>,
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const entries = Object.entries(candidates) as [Name, () => Promise<unknown>][];
  const times = emptyTimes(entries);
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [name, run] of entries) {
      await rest();
      const start = performance.now();
      await run();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  return times;
}

function emptyTimes<Name extends string>(entries: readonly (readonly [Name, unknown])[]): Record<Name, number[]> {
  return Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<Name, number[]>;
}

/**
 * Until the event loop has had nothing to do, so that nothing seems to have waited for what was measured before. One timer
 * is not enough: on a machine with other work it may be due by the time that anybody looks.
 */
async function rest(): Promise<void> {
  const { idle } = performance.eventLoopUtilization();
  do await sleep(REST_MS);
  while (performance.eventLoopUtilization().idle - idle < REST_MS / 2);
}

/** Doubled until a batch is long enough, which also warms up. */
function findBatch(run: () => unknown, batchMs: number): number {
  let batch = 1;
  let took = timeBatch(run, batch);
  if (took > 10 * batchMs) return batch;
  for (; took < batchMs && batch < 1_048_576; took = timeBatch(run, batch)) batch *= 2;
  // Once more with what the compiler has made of it by now.
  while (batch > 1 && timeBatch(run, batch) > 4 * batchMs) batch = Math.ceil(batch / 2);
  while (timeBatch(run, batch) < batchMs && batch < 1_048_576) batch *= 2;
  return batch;
}

function timeBatch(run: () => unknown, batch: number): number {
  const start = performance.now();
  for (let call = 0; call < batch; call += 1) run();
  return performance.now() - start;
}

/** Median and the quarters around it; each value multiplied by `scale`. */
export function toSample(values: readonly number[], scale = 1): Sample {
  return {
    median: scale * quantile(values, 0.5),
    low: scale * quantile(values, 0.25),
    high: scale * quantile(values, 0.75),
  };
}

/** Between the two nearest values; NaN for none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The fastest of each: for what only computes, since whatever else the machine does can only add to it. */
export function ratioOfFastest(some: readonly number[], others: readonly number[]): number {
  return Math.min(...some) / Math.min(...others);
}

/** Median over the rounds of one by the other of the same round: what slows a whole round down is not seen. */
export function ratioOf(some: readonly number[], others: readonly number[]): number {
  return quantile(
    some.map((value, index) => value / (others[index] ?? Number.NaN)),
    0.5,
  );
}

/** A straight line through points, by least squares. */
export type Line = {
  readonly slope: number;
  /** Half of the width of the interval that holds the true slope in 95 of 100 cases; infinite for fewer than three points. */
  readonly margin: number;
};

/** The slope with the interval that holds the true one in 95 of 100 cases; without one where the points say too little. */
export function toSlope({ slope, margin }: Line): Sample | number {
  if (margin === Infinity) return slope;
  return { median: slope, low: slope - margin, high: slope + margin };
}

/**
 * Where a point tells little that its neighbour has not told, as of memory that grows in steps and stays, the points count for
 * fewer: n (1 - r) / (1 + r) of them, with r the correlation of a deviation with the next (Santer et al. 2000, JGR 105, 7337).
 *
 * @param points - in the order of x, at even distances
 */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = over / under;
  const deviations = points.map(([x, y]) => y - meanY - slope * (x - meanX));
  const free = Math.floor(countIndependent(deviations)) - 2;
  if (free < 1) return { slope, margin: Infinity };
  const rest = deviations.reduce((sum, deviation) => sum + deviation ** 2, 0);
  return { slope, margin: tQuantile(free) * Math.sqrt(rest / free / under) };
}

/** How many of them are worth as much as independent ones. Those that swing to and fro would be worth more; no point is. */
function countIndependent(deviations: readonly number[]): number {
  const square = deviations.reduce((sum, deviation) => sum + deviation ** 2, 0);
  const next = deviations.slice(1).reduce((sum, deviation, index) => sum + deviation * (deviations[index] ?? 0), 0);
  const correlation = square === 0 ? 0 : Math.max(0, next / square);
  return (deviations.length * (1 - correlation)) / (1 + correlation);
}

/** The slope that is shown beyond doubt: 0 where the interval holds 0, else its end that is nearer to 0. */
export function provenSlope({ slope, margin }: Line): number {
  return Math.sign(slope) * Math.max(0, Math.abs(slope) - margin);
}

/** Two-sided 95 % of Student's t, by degrees of freedom. @see https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm */
const T_95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** Beyond the table by Cornish and Fisher's expansion around the normal distribution, good to a thousandth. */
function tQuantile(free: number): number {
  const z = 1.959964;
  return T_95[free - 1] ?? z + (z ** 3 + z) / (4 * free) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * free ** 2);
}
