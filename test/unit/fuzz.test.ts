import { defaultReportMessage } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TARGETS } from '../fuzz/targets.ts';
import { SEED } from '../properties.ts';
import { numRuns } from './arbitraries.ts';

describe('Whatever comes in,', () => {
  it.each(TARGETS)('what is fuzzed as $name holds', ({ run, isSlow }) => {
    const details = run({ executions: Math.ceil(numRuns(150) / (isSlow ? 10 : 1)), seed: SEED });
    expect(details.failed ? defaultReportMessage(details) : '').toBe('');
  });
});
