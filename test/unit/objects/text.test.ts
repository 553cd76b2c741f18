import { describe, expect, it } from 'vitest';
import { quote } from '../../../src/objects/text.ts';
import { readConfiguration } from '../../../src/policy/configuration.ts';

describe('A text that is too long to be quoted', () => {
  it('is cut through no pair of surrogates', () => {
    expect(quote(`${'a'.repeat(79)}𐀀b`)).toBe(`"${'a'.repeat(79)}�…"`);
  });
});

describe('What is wrong with a configuration', () => {
  it('is told without what a terminal obeys, and without all of a long value', () => {
    const result = readConfiguration({
      apiVersion: 'curfew.dev/v1alpha1',
      kind: 'CurfewConfiguration',
      mutateMode: `\u009b31m${'x'.repeat(5_000)}`,
      catalogue: 'a\u202eb',
    });
    const problems = result.ok ? [] : result.problems.map(({ problem }) => problem);
    expect(problems).toHaveLength(2);
    for (const problem of problems) expect(problem).toMatch(/^[^\p{Cc}\p{Cf}]{1,300}$/u);
  });
});
