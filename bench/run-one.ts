/** One benchmark in a process of its own: `run.ts` starts it and reads its tables. */

import { BENCHMARKS } from './registry.ts';

const benchmark = BENCHMARKS.find(({ name }) => name === process.argv[2]);
try {
  if (benchmark === undefined) throw new Error(`no benchmark ${process.argv[2]}`);
  const tables = await benchmark.run();
  process.send?.({ tables }, () => process.exit(0));
} catch (error) {
  console.error(error);
  process.send?.({ failure: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) }, () =>
    process.exit(1),
  );
}
