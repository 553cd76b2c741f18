/** What makes the programs that tests start by the hundred take less of the processors, and changes nothing of what they do. */

import { join } from 'node:path';

/**
 * For the environment of a test run: programs in Go collect garbage when their memory is five times what they use, in place of
 * twice, and Node keeps what it made of each source file, beside the packages. A seventh of what the end-to-end suite takes.
 */
export const SPEED = {
  GOGC: '400',
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'node-compile'),
};

/** Of this process's environment what `SPEED` gave it, for programs that inherit nothing else. Benchmarks have none of it. */
export function inheritSpeed(): Readonly<Record<string, string>> {
  const given = Object.keys(SPEED).map((name) => [name, process.env[name] ?? ''] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}
