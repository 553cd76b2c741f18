/** Where the log goes: standard output, the lines of one turn of the event loop in one write. */

import { pino } from 'pino';
import type { LogDestination } from './logger.ts';

/** Kept of lines that cannot be written, in bytes; they are written before the next one that can be. */
const MOST_UNWRITTEN_BYTES = 65_536;

/** Of lines that are written together, in characters, which in UTF-8 are less than what is kept of unwritten ones. */
const MOST_TOGETHER = 16_384;

/**
 * Standard output. Where it cannot be written to, since a disk is full or nobody reads it any more, the server goes on
 * without its log: verdicts matter more.
 *
 * @param onLost - called with how many lines were given up
 * @param afterTurn - runs what it is given after this turn of the event loop, and after the answers that the lines tell of
 */
export function openStandardOutput(
  onLost: (lines: number) => void,
  afterTurn: (task: () => void) => void,
): LogDestination {
  const output = pino.destination({ fd: 1, sync: true, maxLength: MOST_UNWRITTEN_BYTES });
  // Pino's own listener gives up for good at the first EPIPE, and throws at every other error.
  output.removeAllListeners('error');
  output.on('error', () => undefined);
  output.on('drop', (text: string) => onLost(countLines(text)));
  const batch = createLineBatch(output, afterTurn);
  // Also at the exception that nobody caught: its turn comes to no end.
  process.on('exit', batch.flush);
  return batch;
}

export type LineBatch = LogDestination & {
  /** Writes what there is now. */
  readonly flush: () => void;
};

/** Lines that go to `destination` together, once a turn: a write wakes whoever reads, and that is most of what it takes. */
export function createLineBatch(destination: LogDestination, afterTurn: (task: () => void) => void): LineBatch {
  let lines = '';
  const flush = (): void => {
    if (lines === '') return;
    const due = lines;
    lines = '';
    destination.write(due);
  };
  return {
    flush,
    write(line) {
      if (lines.length + line.length > MOST_TOGETHER) flush();
      if (lines === '') afterTurn(flush);
      lines += line;
    },
  };
}

/** What is in a line has its own newlines escaped, as JSON does. */
function countLines(text: string): number {
  return text.split('\n').length - 1;
}
