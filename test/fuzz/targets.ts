/**
 * What is fuzzed, and what must hold of it whatever comes. Each target is a property; `test/unit/fuzz.test.ts` runs it a
 * few hundred times in every test run, `npm run fuzz` as often as it is told to, with the seed that is written down.
 */

import { fc } from '../properties.ts';
import { ADMISSION_TARGETS } from './admission-targets.ts';
import { TEXT_TARGETS } from './text-targets.ts';

export type Target = {
  readonly name: string;
  /** Some hundredths of a second each. */
  readonly isSlow: boolean;
  /** Runs the property so many times from this seed. */
  run(options: { readonly executions: number; readonly seed: number }): fc.RunDetails<unknown>;
};

const SLOW: ReadonlySet<string> = new Set(['configuration', 'manifests', 'yaml']);

export const TARGETS: readonly Target[] = [...TEXT_TARGETS, ...ADMISSION_TARGETS].map(({ name, property }) => ({
  name,
  isSlow: SLOW.has(name),
  run: ({ executions, seed }) => fc.check(property, { numRuns: executions, seed, includeErrorInReport: true }),
}));
