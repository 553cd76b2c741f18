/** What is to run once this turn of the event loop has read all that had arrived: one call of the loop for all of it. */

import { setImmediate } from 'node:timers';

/** Runs its argument after this turn, and in the order of the calls. */
export type AfterTurn = (task: () => void) => void;

/** @param schedule - runs its argument after this turn */
export function createAfterTurn(schedule: (run: () => void) => void = setImmediate): AfterTurn {
  let tasks: (() => void)[] = [];
  const run = (): void => {
    const due = tasks;
    // What these ask for is for the turn after.
    tasks = [];
    for (const task of due) task();
  };
  return (task) => {
    tasks.push(task);
    if (tasks.length === 1) schedule(run);
  };
}
