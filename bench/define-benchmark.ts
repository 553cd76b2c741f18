/**
 * What a benchmark is. To add one: a file here that exports `defineBenchmark({ … })` as its default, and a line in
 * `registry.ts`. It measures against something known in the same run, round by round (`measure.ts`), returns tables of
 * numbers, and neither prints nor judges: `npm run bench` does, and makes JSON and `docs/performance.md` of it.
 *
 * Each benchmark runs in a process of its own, so that one leaves the next neither garbage nor compiled code.
 */

/** Something measured more than once. */
export type Sample = {
  readonly median: number;
  /** The middle half of what was measured lies between the two. */
  readonly low: number;
  readonly high: number;
};

/** A sample is shown with its spread, a number as it is; the column says in which unit. */
export type Cell = Sample | number | string;

export type Unit = 'ms' | 'µs' | 'MiB' | 'MB' | 'bytes' | '/s' | '%' | '×' | 's';

export type Column = { readonly title: string; readonly unit?: Unit };

/** How something compares with its baseline of the same run; it misses its target outside of these. */
export type Ratio = { readonly value: number; readonly least?: number; readonly most?: number };

export type Row = {
  /** Stable: a later run is compared with this one by it. */
  readonly name: string;
  readonly cells: readonly Cell[];
  readonly ratio?: Ratio;
};

export type Table = {
  readonly title: string;
  /** For the reader of `docs/performance.md`: what was done, and against what. */
  readonly about: string;
  readonly columns: readonly Column[];
  /** What the ratio is of what; absent if no row has one. */
  readonly ratio?: string;
  /** Lower ratios are better, and `--compare` fails where one has grown by half. */
  readonly isCompared?: boolean;
  readonly rows: readonly Row[];
};

export type Benchmark = {
  /** As `--only` takes it: the file's name. */
  readonly name: string;
  readonly title: string;
  /** The longest it may take, in s; then it has failed. */
  readonly timeoutSeconds: number;
  /** True of what takes more than two minutes: it runs where it is named with `--only`, and is on no page. */
  readonly isLong?: boolean;
  readonly run: () => Promise<readonly Table[]>;
};

export function defineBenchmark(benchmark: Benchmark): Benchmark {
  return benchmark;
}

/** What one benchmark said, or why it said nothing. */
export type Result = {
  readonly name: string;
  readonly title: string;
  /** Of the wall clock, in s. */
  readonly seconds: number;
  readonly tables: readonly Table[];
  readonly failure?: string;
};

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly os: string;
  readonly node: string;
  /** Mean number of processes that wanted to run in the minute before; above 1 on a machine that does other work. */
  readonly loadBefore: number;
};

/** A run of `npm run bench`, as it is written to disk. */
export type Run = {
  /** YYYY-MM-DD, UTC. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly results: readonly Result[];
};

/** True if the row missed its target. */
export function isMissed({ ratio }: Row): boolean {
  if (ratio === undefined) return false;
  const { value, least, most } = ratio;
  return !(value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY));
}
