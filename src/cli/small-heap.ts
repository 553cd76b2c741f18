/** Memory of a command that reads many pages and keeps little of them. */

import { setFlagsFromString } from 'node:v8';

/**
 * Tells V8 to collect garbage rather than to grow. Left alone it lets the heap grow to ten times what an audit keeps, since
 * each page is garbage a moment later (measured: docs/decisions/0028). Both flags are read whenever the heap might grow, so
 * they count from here on; no flag of that kind fits on the first line of a published command.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}
