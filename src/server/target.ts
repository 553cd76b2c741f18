/** What a request asks for, by its URL alone. */

import type { Entry } from '../review/entries.ts';
import { ENTRIES } from '../review/entries.ts';

/** Time kept back from the API server's timeout so that our answer, and not its timeout, is what it sees, in ms. */
const ANSWER_RESERVE_MS = 200;

const ENTRY_OF_PATH: ReadonlyMap<string, Entry> = new Map(ENTRIES.map((entry) => [entry.path, entry]));

export type Target = {
  /** Undefined where no entry has this path. */
  readonly entry: Entry | undefined;
  /** How long the caller says that it waits, in ms; undefined where that is still to be read from the query. */
  readonly callerMs: number | undefined;
  /** Without the question mark. */
  readonly query: string;
};

/** By what an API server asks for, unless somebody has changed an entry's timeout: nothing of it has to be taken apart. */
const TARGET_OF_URL: ReadonlyMap<string, Target> = new Map(
  ENTRIES.map((entry) => [
    `${entry.path}?timeout=${entry.timeoutSeconds}s`,
    { entry, callerMs: entry.timeoutSeconds * 1000, query: '' },
  ]),
);

/** @param url - as Node has it: a path with its query, or a whole URL, of which the path counts (RFC 9112, 3.2.2) */
export function readTarget(url: string): Target {
  return TARGET_OF_URL.get(url) ?? parseTarget(url);
}

function parseTarget(url: string): Target {
  const at = url.indexOf('?');
  const before = at === -1 ? url : url.slice(0, at);
  return {
    entry: ENTRY_OF_PATH.get(before) ?? ENTRY_OF_PATH.get(toPath(before)),
    callerMs: undefined,
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

/** The `timeout=5s` that the API server adds; other parameters mean nothing. Undefined too where it is said twice. */
function parseTimeout(query: string): number | undefined {
  const said = new URLSearchParams(query).getAll('timeout');
  const match = said.length === 1 ? /^([0-9]{1,4})(s|ms)$/.exec(said[0] ?? '') : null;
  return match === null ? undefined : Number(match[1]) * (match[2] === 's' ? 1000 : 1);
}

/** The shorter of our own deadline and the time for which the caller waits, less what is kept back; in ms. */
export function toTimeout({ callerMs, query }: Target, deadlineMs: number): number {
  const theirs = callerMs ?? parseTimeout(query);
  return theirs === undefined ? deadlineMs : Math.max(1, Math.min(deadlineMs, theirs - ANSWER_RESERVE_MS));
}
