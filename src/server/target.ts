/** What a request asks for, by its URL alone. */

import type { Entry } from '../review/entries.ts';
import { ENTRIES } from '../review/entries.ts';

/** Time kept back from the API server's timeout so that our answer, and not its timeout, is what it sees, in ms. */
const ANSWER_RESERVE_MS = 200;

const ENTRY_OF_PATH: ReadonlyMap<string, Entry> = new Map(ENTRIES.map((entry) => [entry.path, entry]));

export type Target = {
  /** Undefined where no entry has this path. */
  readonly entry: Entry | undefined;
  /** Without the question mark. */
  readonly query: string;
};

/** @param url - as Node has it: a path with its query, or a whole URL, of which the path counts (RFC 9112, 3.2.2) */
export function readTarget(url: string): Target {
  const at = url.indexOf('?');
  const before = at === -1 ? url : url.slice(0, at);
  return {
    entry: ENTRY_OF_PATH.get(before) ?? ENTRY_OF_PATH.get(toPath(before)),
    query: at === -1 ? '' : url.slice(at + 1),
  };
}

/** The plain form of what may be written in many ways; empty where it is none. */
function toPath(written: string): string {
  try {
    return decodeURI(written.replace(/^https?:\/\/[^/]*/i, ''));
  } catch {
    return '';
  }
}

/** The shorter of our own deadline and the `timeout=5s` that the API server adds; other parameters mean nothing. */
export function readTimeout(query: string, deadlineMs: number): number {
  const match = /^([0-9]{1,4})(s|ms)$/.exec(timeoutIn(query) ?? '');
  if (match === null) return deadlineMs;
  const theirs = Number(match[1]) * (match[2] === 's' ? 1000 : 1);
  return Math.max(1, Math.min(deadlineMs, theirs - ANSWER_RESERVE_MS));
}

const KEY = 'timeout=';

/** Undefined too where it is said twice. */
function timeoutIn(query: string): string | undefined {
  // As the API server writes it.
  if (query.startsWith(KEY) && !/[&%+]/.test(query)) return query.slice(KEY.length);
  const said = new URLSearchParams(query).getAll('timeout');
  return said.length === 1 ? said[0] : undefined;
}
