import { expect, it } from 'vitest';
import { keepFirstOfEachKey } from '../../../src/checks/pod-bearing.ts';

it('Of findings with one key the first is kept, and where it stood', () => {
  const findings = ['b', 'a', 'b', 'c', 'a'].map((key, index) => ({
    path: `/subjects/${index}`,
    key,
    reason: 'a reason',
    detail: 'A sentence.',
  }));
  expect(keepFirstOfEachKey(findings).map(({ key, path }) => `${key} ${path}`)).toEqual([
    'b /subjects/0',
    'a /subjects/1',
    'c /subjects/3',
  ]);
});
