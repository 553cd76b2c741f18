/** Every benchmark, in the order of `docs/performance.md`. What takes more than two minutes is a script of its own. */

import accessGraph from './access-graph.ts';
import apiServer from './api-server.ts';
import type { Benchmark } from './define-benchmark.ts';
import embeddedToken from './embedded-token.ts';
import longestBlock from './longest-block.ts';
import ruleCost from './rule-cost.ts';
import startAndMemory from './start-and-memory.ts';
import throughput from './throughput.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  throughput,
  apiServer,
  startAndMemory,
  ruleCost,
  embeddedToken,
  longestBlock,
  accessGraph,
];
