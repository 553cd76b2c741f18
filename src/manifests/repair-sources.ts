/**
 * Repairs files until nothing is left to repair: what is enforced, and what is only warned of, may each want another value of
 * one field, and a check says the second when the first is content.
 */

import type { Checked, SourceText } from './check-manifests.ts';
import { repairText } from './repair.ts';

export type RepairedFile = {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  /** How many values differ. */
  readonly written: number;
};

export type RepairedSources = {
  /** Those in which something was written. */
  readonly files: readonly RepairedFile[];
  /** As they are afterwards. */
  readonly checked: Checked;
};

/** Two are usual. Checks that would never agree must not keep a command from ending. */
const MOST_ROUNDS = 8;

/**
 * @param checked - what was said of the sources as they are
 * @param judge - says it of others
 */
export function repairSources(
  sources: readonly SourceText[],
  checked: Checked,
  judge: (sources: readonly SourceText[]) => Checked,
): RepairedSources {
  let texts = sources.map(({ file, text }) => ({ file, text, before: text, places: new Set<string>() }));
  let said = checked;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const byFile = Map.groupBy(said.objects, ({ file }) => file);
    let isChanged = false;
    const repaired = texts.map(({ file, text, before, places }) => {
      const { text: after, written } = repairText(text, byFile.get(file) ?? []);
      for (const place of written) places.add(place);
      isChanged ||= after !== text;
      return { file, before, text: after, places };
    });
    if (!isChanged) break;
    texts = repaired;
    said = judge(texts);
  }
  const files = texts.flatMap(({ file, before, text: after, places }): readonly RepairedFile[] =>
    after === before ? [] : [{ file, before, after, written: places.size }],
  );
  return { files, checked: said };
}
