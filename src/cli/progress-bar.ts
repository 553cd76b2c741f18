/** A bar on a terminal, for work that a person waits for. */

import type { Terminal } from './commands/context.ts';

export type ProgressBar = {
  /** Draws `done` of `total`, if that is another picture than the last one. */
  readonly show: (done: number, total: number) => void;
  /** Leaves the line as it was. */
  readonly clear: () => void;
};

/** Less is done before anybody looks. */
const FEWEST = 500;
const WIDEST = 40;
const CLEAR_LINE = '\r\u001B[2K';

/** @param terminal - undefined where there is none: then nothing is ever drawn */
export function createProgressBar(terminal: Terminal | undefined): ProgressBar {
  let drawn = '';
  return {
    show: (done, total) => {
      if (terminal === undefined || total < FEWEST) return;
      const line = formatBar(done, total, terminal.columns);
      if (line === drawn) return;
      drawn = line;
      terminal.write(`${CLEAR_LINE}${line}`);
    },
    clear: () => {
      if (drawn !== '') terminal?.write(CLEAR_LINE);
      drawn = '';
    },
  };
}

/** Changes a hundred times at most, however many objects there are. */
function formatBar(done: number, total: number, columns: number): string {
  const percent = Math.floor((100 * done) / total);
  const text = ` ${percent} % of ${total} objects`;
  const width = Math.max(0, Math.min(WIDEST, columns - text.length - 3));
  const filled = Math.floor((width * percent) / 100);
  return `[${'='.repeat(filled)}${' '.repeat(width - filled)}]${text}`;
}

export type Counter = {
  /** Says what is looked at next. */
  readonly begin: (what: string) => void;
  /** Draws how many objects are done, now and then. */
  readonly show: (done: number) => void;
  /** Leaves the line as it was. */
  readonly clear: () => void;
};

const EVERY = 100;

/** For work of which nobody knows how much it is. @param terminal - undefined where there is none: then nothing is drawn */
export function createCounter(terminal: Terminal | undefined): Counter {
  let [what, done, isDrawn] = ['', 0, false];
  const draw = (): void => {
    if (terminal === undefined) return;
    isDrawn = true;
    terminal.write(`${CLEAR_LINE}${`${done} objects; ${what} …`.slice(0, terminal.columns - 1)}`);
  };
  return {
    begin: (next) => {
      what = next;
      draw();
    },
    show: (count) => {
      done = count;
      if (count % EVERY === 0) draw();
    },
    clear: () => {
      if (isDrawn) terminal?.write(CLEAR_LINE);
      isDrawn = false;
    },
  };
}
