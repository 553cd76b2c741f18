/** Faults in the log, bounded: what brings about a flood of them is not to flood the log too. The metric counts them all. */

import type { Fault, FaultCode } from '../errors.ts';
import type { LogFields, Logger } from '../log/logger.ts';
import type { Entry } from '../review/entries.ts';

/** Of one code, in `WINDOW_MS`. */
const MOST_LINES = 10;
const WINDOW_MS = 10_000;

export type FaultLog = {
  write(fault: Fault, entry: Entry | undefined): void;
  /** Says what was left out so far. */
  close(): void;
};

export type FaultLogOptions = {
  readonly log: Pick<Logger, 'error'>;
  /** Runs `task` after `ms`, unless what it returns is called before. */
  readonly after?: (ms: number, task: () => void) => () => void;
};

type Window = { lines: number; leftOut: number; readonly cancel: () => void };

/** The first lines of each code, and how many more there were once the time is over. */
export function createFaultLog({ log, after = afterReal }: FaultLogOptions): FaultLog {
  const windows = new Map<FaultCode, Window>();

  function end(code: FaultCode): void {
    const leftOut = windows.get(code)?.leftOut ?? 0;
    windows.delete(code);
    if (leftOut === 0) return;
    const fields = { entry: null, type: null, code, stack: null, leftOut };
    log.error(fields, `${code}: ${leftOut} more within ${WINDOW_MS / 1000} s, left out here`);
  }

  return {
    write(fault, entry) {
      const { code } = fault;
      const window = windows.get(code) ?? { lines: 0, leftOut: 0, cancel: after(WINDOW_MS, () => end(code)) };
      windows.set(code, window);
      if (window.lines >= MOST_LINES) {
        window.leftOut += 1;
        return;
      }
      window.lines += 1;
      log.error(toFields(fault, entry), fault.message);
    },
    close() {
      for (const [code, { cancel }] of windows) {
        cancel();
        end(code);
      }
    },
  };
}

/** The same keys in every line of a fault; `null` says that there is none. */
function toFields({ code, cause }: Fault, entry: Entry | undefined): LogFields {
  const stack = code === 'CURFEW_E_INTERNAL' && cause instanceof Error ? cause.stack : undefined;
  return { entry: entry?.name ?? null, type: entry?.type ?? null, code, stack: stack ?? null, leftOut: null };
}

function afterReal(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
