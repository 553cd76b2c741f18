import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/objects/glob.ts';
import { fc } from '../../properties.ts';
import { numRuns } from '../arbitraries.ts';

describe('A pattern', () => {
  it.each<[string, string, boolean]>([
    ['web', 'web', true],
    ['web', 'web-1', false],
    ['web', 'my-web', false],
    ['web', 'Web', false],
    ['web-*', 'web-', true],
    ['web-*', 'web-7c9f-x2', true],
    ['*-web', 'my-web', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['*', '', true],
    ['**', 'anything', true],
    ['web-?', 'web-1', true],
    ['web-?', 'web-', false],
    ['web-?', 'web-12', false],
    ['?*', '', false],
    ['', '', true],
    ['', 'a', false],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['kube-?ystem', 'kube-system', true],
  ])('%j against %j: %s', (pattern, text, matches) => {
    expect(matchesGlob(pattern, text)).toBe(matches);
  });

  it('is what a regular expression of the same meaning says', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 12 });
    fc.assert(
      fc.property(letters, letters, (pattern, text) => {
        const meaning = Array.from(pattern, (letter) => (letter === '*' ? '[^]*' : letter === '?' ? '[^]' : letter));
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${meaning.join('')}$`).test(text));
      }),
      { numRuns: numRuns(2_000) },
    );
  });

  it('that would take a backtracking matcher for ever is answered', () => {
    expect(matchesGlob(`${'a*'.repeat(120)}b`, 'a'.repeat(1_024))).toBe(false);
  });

  it('matches no text that is too long to be a name', () => {
    expect(matchesGlob('*', 'a'.repeat(1_024))).toBe(true);
    expect(matchesGlob('*', 'a'.repeat(1_025))).toBe(false);
  });
});
