/** The thread of `pacer.ts`: sends a message at each moment of a schedule. */

import { parentPort } from 'node:worker_threads';
import type { Pace } from './pacer.ts';

/** Never written to: waiting for a change of it is sleeping for parts of a ms. */
const NEVER = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

parentPort?.on('message', ({ perSecond, count }: Pace) => {
  const start = performance.now();
  for (let number = 0; number < count; number += 1) {
    const early = start + (1000 * number) / perSecond - performance.now();
    if (early > 0) Atomics.wait(NEVER, 0, 0, early);
    parentPort?.postMessage(number);
  }
});
