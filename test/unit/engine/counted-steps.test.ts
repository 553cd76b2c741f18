import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { MUTATIONS } from '../../../src/mutations/registry.ts';
import type { CountedRule } from './count-steps.ts';

const SCRIPT = join(import.meta.dirname, 'count-steps.ts');
/** Without the compilers that count a function once where they have put it into another one. */
const ARGUMENTS = ['--no-opt', '--no-maglev', '--no-sparkplug', SCRIPT];

/** Twice the object, twice the steps; the rest is for what is sorted. Two lists multiplied would come to four. */
const MOST_GROWTH = 2.2;

let counted: readonly CountedRule[] = [];
beforeAll(() => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ARGUMENTS, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  counted = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}, 120_000);

/**
 * The middle one of three doublings. There may be one jump, where grants become more than are told one by one; what
 * multiplies grows in all of them.
 */
function growthOf({ steps }: CountedRule): number {
  const ratios = steps.slice(1).map((count, index) => count / (steps[index] ?? Number.NaN));
  return ratios.toSorted((a, b) => a - b)[1] ?? Number.NaN;
}

describe('The steps of a rule', () => {
  it.each([...CHECKS, ...MUTATIONS].map(({ id }) => id))('%s grow no faster than the object', (id) => {
    const rows = counted.filter(({ rule }) => rule === id);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter((row) => !(growthOf(row) <= MOST_GROWTH))).toEqual([]);
  });
});
