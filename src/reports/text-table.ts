/** Columns of text for people. */

import { toOneLine } from '../objects/text.ts';

/** Two blanks before each line and between columns; each line ends. */
export function formatRows(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(toOneLine));
  const widths: number[] = [];
  for (const row of clean) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return clean
    .map(
      (row) =>
        `  ${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
