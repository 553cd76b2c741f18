import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = await readFile(join(ROOT, 'docs/guides/interoperability.md'), 'utf8');

/** Rows of all tables, by what stands in their first cell. */
const ROWS = PAGE.split('\n').flatMap((line) => {
  const cells = /^\| (.*) \|$/.exec(line)?.[1]?.split(' | ') ?? [];
  const [first = ''] = cells;
  return cells.length < 3 || first.startsWith('---') || line.includes('| held by |') ? [] : [{ first, line }];
});

/** `file` "words that stand in it", as the page writes it. */
const HELD = /`([^`]+\.(?:ts|yaml))` "([^"]+)"/g;

describe('The page of interoperability', () => {
  it('has the rules 1 to 36, each once', () => {
    const numbers = ROWS.map(({ first }) => Number(first)).filter((number) => !Number.isNaN(number));
    expect(numbers).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
  });

  it.each(ROWS)('names a test, or a reason, for $first', async ({ line }) => {
    const held = [...line.matchAll(HELD)];
    expect(held.length > 0 || line.includes('Reason: ')).toBe(true);
    for (const [, file = '', words = ''] of held) {
      expect(file).toMatch(/^(test|e2e)\//);
      const text = await readFile(join(ROOT, file), 'utf8');
      expect({ file, words, isThere: text.includes(words) }).toEqual({ file, words, isThere: true });
    }
  });
});
