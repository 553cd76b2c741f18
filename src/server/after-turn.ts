/** What is to run once this turn of the event loop has read all that had arrived: one call of the loop for all of it. */

import { setImmediate } from 'node:timers';

export type AfterTurn = {
  /** Runs `task` after this turn, and in the order of the calls. */
  readonly run: (task: () => void) => void;
  /** The same once all of `run` is done: for what nobody waits for. What such a task asks for in this way is done with them. */
  readonly runLast: (task: () => void) => void;
  /** Runs at once what is due after this turn so far. */
  readonly runNow: () => void;
};

/** @param schedule - runs its argument after this turn */
export function createAfterTurn(schedule: (run: () => void) => void = setImmediate): AfterTurn {
  let tasks: (() => void)[] = [];
  const lastTasks: (() => void)[] = [];
  let isScheduled = false;

  function runNow(): void {
    const due = tasks;
    // What these ask for is for the turn after.
    if (due.length > 0) tasks = [];
    for (const task of due) task();
    for (let last = lastTasks.shift(); last !== undefined; last = lastTasks.shift()) last();
  }

  function scheduleOnce(): void {
    if (isScheduled) return;
    isScheduled = true;
    schedule(runScheduled);
  }

  function runScheduled(): void {
    isScheduled = false;
    runNow();
  }

  return {
    run: (task) => {
      tasks.push(task);
      scheduleOnce();
    },
    runLast: (task) => {
      lastTasks.push(task);
      scheduleOnce();
    },
    runNow,
  };
}
