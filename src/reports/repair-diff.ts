/** What `curfew check --diff` shows: a unified diff, as `patch` and `git apply` take it. */

import { createTwoFilesPatch } from 'diff';

export type RepairedFile = {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  /** How many values differ. */
  readonly written: number;
};

/** Empty where nothing differs. */
export function renderRepairDiff({ file, before, after }: RepairedFile): string {
  const name = file === '-' ? 'stdin' : file;
  return createTwoFilesPatch(`a/${name}`, `b/${name}`, before, after, undefined, undefined, { context: 3 });
}
