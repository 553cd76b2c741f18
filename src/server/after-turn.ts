/** What is to run once this turn of the event loop has read all that had arrived: one call of the loop for all of it. */

/** @param schedule - runs its argument after this turn, as setImmediate does */
export function createAfterTurn(schedule: (run: () => void) => void): (task: () => void) => void {
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
