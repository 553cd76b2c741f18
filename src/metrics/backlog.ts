/**
 * What is counted for each review waits until there is much of it, and before each scrape it is handed over. What the metrics
 * library does for one observation takes many times as long among all that a review does, in which its code and data leave the
 * processor's caches.
 *
 * It waits as numbers in memory that is there for good. As an object each, those of the last reviews outlived two collections
 * of the young generation, and each of these made the old one larger by 16 KB.
 */

/** Of one series; handed over at once it is a quarter of a millisecond's work. */
const MOST_WAITING = 256;

export type Backlog = {
  /** @param observe - called for each value, in order */
  histogram(observe: (value: number) => void): (value: number) => void;
  /** @param increase - called with how many there were */
  counter(increase: (by: number) => void): () => void;
  /** Hands over what waits. */
  settle(): void;
};

export function createBacklog(): Backlog {
  const settlers: (() => void)[] = [];
  return {
    histogram(observe) {
      const values = new Float64Array(MOST_WAITING);
      let waiting = 0;
      const settle = (): void => {
        for (const value of values.subarray(0, waiting)) observe(value);
        waiting = 0;
      };
      settlers.push(settle);
      return (value) => {
        values[waiting] = value;
        waiting += 1;
        if (waiting === MOST_WAITING) settle();
      };
    },
    counter(increase) {
      let waiting = 0;
      settlers.push(() => {
        if (waiting > 0) increase(waiting);
        waiting = 0;
      });
      return () => {
        waiting += 1;
      };
    },
    settle: () => {
      for (const settle of settlers) settle();
    },
  };
}

type Branch<Series> = { readonly branches: Map<string, Branch<Series>>; series?: Series };

/**
 * One of what `create` makes for each series, made when its labels are seen for the first time. Found label by label: a key put
 * together of all of them would be a text to make, and to hash, each time.
 *
 * @param listValues - the values of the labels, in an order that is always the same
 */
export function bySeries<Labels, Series>(
  listValues: (labels: Labels) => readonly string[],
  create: (labels: Labels) => Series,
): (labels: Labels) => Series {
  const root: Branch<Series> = { branches: new Map() };
  return (labels) => {
    let branch = root;
    for (const value of listValues(labels)) {
      let next = branch.branches.get(value);
      if (next === undefined) {
        next = { branches: new Map() };
        branch.branches.set(value, next);
      }
      branch = next;
    }
    branch.series ??= create(labels);
    return branch.series;
  };
}
