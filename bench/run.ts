/**
 * `npm run bench`: every benchmark of `registry.ts`, one after the other, each with its baseline in the same rounds.
 *
 *     npm run bench                        all but the long ones; writes bench/results/newest.json and docs/performance.md
 *     npm run bench -- --only NAME         that one (may be given again); writes nothing without --out
 *     npm run bench -- --out FILE          writes the numbers there instead
 *     npm run bench -- --compare FILE      fails where a ratio is 1.5 times that of FILE
 *
 * Exits with 1 if a benchmark failed, a ratio missed its target, or something has become slower than in FILE.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareRuns } from './compare.ts';
import type { Benchmark, Result, Run, Table } from './define-benchmark.ts';
import { isMissed } from './define-benchmark.ts';
import { describeMachine, toRun, writeRun } from './machine.ts';
import { BENCHMARKS } from './registry.ts';
import { formatMachine, formatNumber, renderPage, renderText } from './render.ts';

const ROOT = join(import.meta.dirname, '..');
const NEWEST = join(import.meta.dirname, 'results', 'newest.json');
const ONE = join(import.meta.dirname, 'run-one.ts');

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    out: { type: 'string' },
    compare: { type: 'string' },
  },
});

const unknown = values.only.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
// Read before anything is measured: a wrong path is told at once.
const base = values.compare === undefined ? undefined : (JSON.parse(await readFile(values.compare, 'utf8')) as Run);
const isWhole = values.only.length === 0;
const chosen = BENCHMARKS.filter(({ name, isLong }) => (isWhole ? isLong !== true : values.only.includes(name)));

const machine = describeMachine();
console.log(`on ${formatMachine(machine)}\n`);
const results: Result[] = [];
for (const benchmark of chosen) {
  const result = await runApart(benchmark);
  results.push(result);
  for (const table of result.tables) console.log(`${renderText(table)}\n`);
  if (result.failure !== undefined) console.log(`${benchmark.name} failed: ${result.failure}`);
  console.log(`${benchmark.name}: ${result.seconds} s\n`);
}
const run = toRun(machine, results);

const problems = [...listProblems(run), ...(base === undefined ? [] : listSlower(base, run))];
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;

const out = values.out ?? (isWhole ? NEWEST : undefined);
if (out !== undefined) {
  await mkdir(dirname(out), { recursive: true });
  await writeRun(out, run);
}
if (out === NEWEST) await writeFile(join(ROOT, 'docs', 'performance.md'), renderPage(run));

function listProblems({ results: all }: Run): readonly string[] {
  return all.flatMap(({ name, tables, failure }) => [
    ...(failure === undefined ? [] : [`${name} failed: ${failure}`]),
    ...tables.flatMap((table) => table.rows.filter(isMissed).map((row) => describeMiss(name, table, row))),
  ]);
}

function describeMiss(name: string, { title }: Table, { name: row, ratio }: Table['rows'][number]): string {
  const { value = Number.NaN, least, most } = ratio ?? {};
  const wanted = least === undefined ? `at most ${most}` : `at least ${least}`;
  return `missed its target: ${name}: ${title}: ${row}: ${formatNumber(value)}, ${wanted}`;
}

function listSlower(before: Run, now: Run): readonly string[] {
  const { slower, compared, unmatched } = compareRuns(before, now);
  console.log(`compared ${compared} ratios with ${values.compare}; ${slower.length} have grown by half or more`);
  for (const what of unmatched) console.log(`in one of the two runs alone: ${what}`);
  return [
    ...slower.map(
      ({ what, before: was, now: is }) => `slower: ${what}: ${formatNumber(was)} then, ${formatNumber(is)} now`,
    ),
    // Nothing that is the same in both: a wrong file, and no success.
    ...(compared === 0 ? [`nothing in ${values.compare} could be compared`] : []),
  ];
}

/** Runs it in a process of its own, which ends with it, however it ends. */
async function runApart({ name, title, timeoutSeconds }: Benchmark): Promise<Result> {
  const start = performance.now();
  const child = fork(ONE, [name], { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let tables: readonly Table[] | undefined;
  let failure: string | undefined;
  child.on('message', (message: { readonly tables?: readonly Table[]; readonly failure?: string }) => {
    tables = message.tables;
    failure = message.failure;
  });
  const timer = setTimeout(() => {
    failure = `it took longer than ${timeoutSeconds} s`;
    child.kill('SIGKILL');
  }, 1000 * timeoutSeconds);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  const seconds = Math.round((performance.now() - start) / 1000);
  if (tables === undefined) failure ??= `its process ended with exit code ${code}`;
  return { name, title, seconds, tables: tables ?? [], ...(failure === undefined ? {} : { failure }) };
}
