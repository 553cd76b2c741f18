import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/checks/define-check.ts';
import { keepFirstOfEachKey, numberRepeats } from '../../../src/checks/pod-bearing.ts';

describe('Of findings with one key', () => {
  it('the first is kept, and where it stood', () => {
    expect(keepFirstOfEachKey(findingsOf('b', 'a', 'b', 'c', 'a')).map(name)).toEqual([
      'b /subjects/0',
      'a /subjects/1',
      'c /subjects/3',
    ]);
  });

  it('the first is kept where there are no others', () => {
    expect(keepFirstOfEachKey(findingsOf('a', 'a')).map(name)).toEqual(['a /subjects/0']);
  });

  it('each gets a key of its own where they are different mistakes', () => {
    expect(numberRepeats(findingsOf('b', 'a', 'b', 'c', 'b')).map(name)).toEqual([
      'b /subjects/0',
      'a /subjects/1',
      'b#2 /subjects/2',
      'c /subjects/3',
      'b#3 /subjects/4',
    ]);
  });
});

function findingsOf(...keys: readonly string[]): readonly Finding[] {
  return keys.map((key, index) => ({ path: `/subjects/${index}`, key, reason: 'a reason', detail: 'A sentence.' }));
}

function name({ key, path }: Finding): string {
  return `${key} ${path}`;
}
