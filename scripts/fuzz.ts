/**
 * Fuzzes one target, or all of them, for as long as it is told to: `npm run fuzz -- --target yaml --executions 100000
 * --seed 1`. It runs in rounds, each from a seed of its own (the given one and those after it), prints a row for each
 * target as docs/verification.md has them, and ends with 1 and the smallest input that fails if one does.
 */

import { parseArgs } from 'node:util';
import { defaultReportMessage } from 'fast-check';
import { TARGETS, type Target } from '../test/fuzz/targets.ts';

/** Executions from one seed: what has to be run again to see a failure. */
const ROUND = 5_000;

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'all' },
    executions: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
  },
});
const executions = Number(values.executions);
const seed = Number(values.seed);
const chosen = TARGETS.filter(({ name }) => values.target === 'all' || values.target.split(',').includes(name));
if (!Number.isSafeInteger(executions) || executions < 1 || !Number.isSafeInteger(seed) || chosen.length === 0) {
  console.error(`usage: npm run fuzz -- [--target NAME,…|all] [--executions N] [--seed N]`);
  console.error(`targets: ${TARGETS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

for (const target of chosen) {
  const started = performance.now();
  const failure = findFailure(target);
  const seconds = Math.round((performance.now() - started) / 1_000);
  if (failure !== undefined) {
    console.error(`${target.name}: ${failure}`);
    process.exit(1);
  }
  const last = seed + Math.ceil(executions / ROUND) - 1;
  console.log(`| ${target.name} | ${executions.toLocaleString('en')} | ${seed} to ${last} | ${seconds} s |`);
}

function findFailure({ run }: Target): string | undefined {
  for (let done = 0; done < executions; done += ROUND) {
    const details = run({ executions: Math.min(ROUND, executions - done), seed: seed + done / ROUND });
    if (details.failed) return defaultReportMessage(details);
  }
  return undefined;
}
