/** What `curfew check --diff` shows: a unified diff, as `patch` and `git apply` take it. */

import { createTwoFilesPatch } from 'diff';
import type { RepairedFile } from '../manifests/repair-sources.ts';

/** Empty where nothing differs. */
export function renderRepairDiff({ file, before, after }: RepairedFile): string {
  const name = file === '-' ? 'stdin' : file;
  return createTwoFilesPatch(`a/${name}`, `b/${name}`, before, after, undefined, undefined, { context: 3 });
}
