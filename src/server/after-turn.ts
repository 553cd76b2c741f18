/** What is to run once this turn of the event loop has read all that had arrived: one call of the loop for all of it. */

import { setImmediate } from 'node:timers';

export type AfterTurn = {
  /** Runs `task` after this turn, and in the order of the calls. */
  readonly run: (task: () => void) => void;
  /** Runs at once what is due after this turn so far. */
  readonly runNow: () => void;
};

/** @param schedule - runs its argument after this turn */
export function createAfterTurn(schedule: (run: () => void) => void = setImmediate): AfterTurn {
  let tasks: (() => void)[] = [];
  let isScheduled = false;

  function runNow(): void {
    if (tasks.length === 0) return;
    const due = tasks;
    // What these ask for is for the turn after.
    tasks = [];
    for (const task of due) task();
  }

  function runScheduled(): void {
    isScheduled = false;
    runNow();
  }

  return {
    run: (task) => {
      tasks.push(task);
      if (isScheduled) return;
      isScheduled = true;
      schedule(runScheduled);
    },
    runNow,
  };
}
