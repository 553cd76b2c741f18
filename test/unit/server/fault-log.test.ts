import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/errors.ts';
import { ENTRIES } from '../../../src/review/entries.ts';
import { createFaultLog } from '../../../src/server/fault-log.ts';

function create() {
  const lines: { readonly fields: unknown; readonly message: string }[] = [];
  let timers: (() => void)[] = [];
  const log = createFaultLog({
    log: { error: (fields, message) => lines.push({ fields, message }) },
    after: (_ms, task) => {
      timers.push(task);
      return () => {
        timers = timers.filter((other) => other !== task);
      };
    },
  });
  return {
    lines,
    log,
    pass: () => {
      for (const task of timers.splice(0)) task();
    },
    timers: () => timers.length,
  };
}

const [entry] = ENTRIES;

describe('A flood of faults', () => {
  it('is ten lines of each code in ten seconds, and one that says how many more there were', () => {
    const { lines, log, pass, timers } = create();
    for (let count = 0; count < 1_000; count += 1) log.write(new Fault('CURFEW_E_LATE', '2000'), entry);
    log.write(new Fault('CURFEW_E_NOT_JSON'), undefined);
    expect(lines).toHaveLength(11);
    expect(timers()).toBe(2);
    pass();
    expect(lines.slice(11)).toEqual([
      {
        fields: { entry: null, type: null, code: 'CURFEW_E_LATE', stack: null, leftOut: 990 },
        message: 'CURFEW_E_LATE: 990 more within 10 s, left out here',
      },
    ]);
    log.write(new Fault('CURFEW_E_LATE', '2000'), entry);
    expect(lines).toHaveLength(13);
  });

  it('is told to its end when the server stops', () => {
    const { lines, log, timers } = create();
    for (let count = 0; count < 12; count += 1) log.write(new Fault('CURFEW_E_LATE', '2000'), entry);
    log.close();
    expect(lines.at(-1)?.message).toBe('CURFEW_E_LATE: 2 more within 10 s, left out here');
    expect(timers()).toBe(0);
  });
});
