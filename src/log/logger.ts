/**
 * The log: JSON lines on standard output. Constant keys, no bodies at any level: a line names objects, it never shows
 * what is in them.
 */

import { pino } from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;

export type Logger = {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
};

export const LOG_LEVELS = ['error', 'warn', 'info'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Longest name of an object, which is a DNS subdomain (RFC 1123). A request may hold anything in place of a name. */
const MOST_NAME_CHARACTERS = 253;

/** A name as it stands in the log: one that is too long to be a name is cut, and ends with an ellipsis. */
export function boundName(name: string): string {
  if (name.length <= MOST_NAME_CHARACTERS) return name;
  // The cut may have gone through a surrogate pair.
  return `${name.slice(0, MOST_NAME_CHARACTERS).toWellFormed()}…`;
}

/** Where lines go: each ends with a newline. */
export type LogDestination = { write(lines: string): void };

/**
 * As `pino.stdTimeFunctions.isoTime`, but that the lines of one second share what is most of the work.
 *
 * @param wallClock - in whole ms since the epoch
 */
export function createTimestamp(wallClock: () => number): () => string {
  let second = Number.NaN;
  let text = '';
  return () => {
    const now = wallClock();
    const ms = now % 1000;
    if (now - ms !== second) {
      second = now - ms;
      text = `,"time":"${new Date(second).toISOString().slice(0, -'000Z'.length)}`;
    }
    return `${text}${String(ms).padStart(3, '0')}Z"`;
  };
}

/** One line a call. */
export function createLogger(level: LogLevel, destination: LogDestination): Logger {
  const options = {
    level,
    base: null,
    timestamp: createTimestamp(Date.now),
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination);
}
