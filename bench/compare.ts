/** Whether something has become slower since another run: by the ratios to the baselines of each run, never by times. */

import type { Run, Table } from './define-benchmark.ts';

/** A ratio that is so much larger is not noise. */
const MOST_GROWTH = 1.5;

export type Slower = { readonly what: string; readonly before: number; readonly now: number };

export type Comparison = {
  readonly slower: readonly Slower[];
  readonly compared: number;
  /** In one of the two runs alone. */
  readonly unmatched: readonly string[];
};

/** Compares every row whose table wants it, and that both runs have. */
export function compareRuns(base: Run, run: Run): Comparison {
  const before = listRatios(base);
  const now = listRatios(run);
  const slower: Slower[] = [];
  let compared = 0;
  for (const [what, value] of now) {
    const old = before.get(what);
    if (old === undefined) continue;
    compared += 1;
    if (value > MOST_GROWTH * old) slower.push({ what, before: old, now: value });
  }
  const measured = new Set(run.results.map(({ name }) => name));
  const unmatched = [
    ...[...now.keys()].filter((what) => !before.has(what)),
    // What was not asked for by `--only` is not missing.
    ...[...before.keys()].filter((what) => !now.has(what) && measured.has(what.split(': ')[0] ?? '')),
  ];
  return { slower, compared, unmatched };
}

function listRatios({ results }: Run): ReadonlyMap<string, number> {
  const isCompared = (table: Table) => table.isCompared === true;
  return new Map(
    results.flatMap(({ name, tables }) =>
      tables
        .filter(isCompared)
        .flatMap(({ title, rows }) =>
          rows.flatMap((row) =>
            row.ratio === undefined ? [] : [[`${name}: ${title}: ${row.name}`, row.ratio.value] as const],
          ),
        ),
    ),
  );
}
