/** Pages whose tables name the test that holds each row, or the reason why there is none. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** `file` "words that stand in it", as the pages write it. */
const HELD = /`([^`]+\.(?:ts|yaml))` "([^"]+)"/g;

export type Row = { readonly first: string; readonly line: string };

/** Rows of all tables of a page, by what stands in their first cell. */
export async function readRows(path: string): Promise<readonly Row[]> {
  const page = await readFile(join(ROOT, path), 'utf8');
  return page.split('\n').flatMap((line) => {
    const cells = /^\| (.*) \|$/.exec(line)?.[1]?.split(' | ') ?? [];
    const [first = ''] = cells;
    return cells.length < 3 || first.startsWith('---') || line.includes('| held by |') ? [] : [{ first, line }];
  });
}

export type Held = { readonly file: string; readonly words: string; readonly isThere: boolean };

/** The tests that a row names, and whether each of them is there. */
export async function listHeld({ line }: Row): Promise<readonly Held[]> {
  return await Promise.all(
    [...line.matchAll(HELD)].map(async ([, file = '', words = '']) => {
      const text = await readFile(join(ROOT, file), 'utf8').catch(() => '');
      return { file, words, isThere: text.includes(words) };
    }),
  );
}

/** Whether the row says why no test holds it. */
export function hasReason({ line }: Row): boolean {
  return line.includes('Reason: ');
}
