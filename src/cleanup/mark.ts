/** What Curfew writes beside the label that makes a token invalid: that it was Curfew, when, and what was known then. */

import { asString, member } from '../objects/json.ts';

export const MARK_ANNOTATION = 'curfew.dev/token-invalidated';

export type Mark = {
  /** In ms since the epoch. */
  readonly at: number;
  /** The label of the last use as it was then; undefined if there was none. */
  readonly lastUsed: string | undefined;
};

export function formatMark({ at, lastUsed }: Mark): string {
  return JSON.stringify({ at: new Date(at).toISOString(), ...(lastUsed === undefined ? {} : { lastUsed }) });
}

/** Undefined if it is not as `formatMark` writes it. */
export function readMark(text: string): Mark | undefined {
  const parsed = parseJson(text);
  const written = asString(member(parsed, 'at')) ?? '';
  const at = Date.parse(written);
  if (Number.isNaN(at) || new Date(at).toISOString() !== written) return undefined;
  return { at, lastUsed: asString(member(parsed, 'lastUsed')) };
}

/** The day in UTC, as the API server and its cleaner write it: `2026-11-26`. @param ms - since the epoch */
export function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
