/** Every benchmark, in the order of `docs/performance.md`; the long ones, which are not on it, last. */

import accessGraph from './access-graph.ts';
import apiServer from './api-server.ts';
import auditScale from './audit-scale.ts';
import type { Benchmark } from './define-benchmark.ts';
import embeddedToken from './embedded-token.ts';
import indexScale from './index-scale.ts';
import longestBlock from './longest-block.ts';
import nativeEngines from './native-engines.ts';
import ruleCost from './rule-cost.ts';
import startAndMemory from './start-and-memory.ts';
import throughput from './throughput.ts';
import usageScale from './usage-scale.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  throughput,
  apiServer,
  nativeEngines,
  startAndMemory,
  indexScale,
  ruleCost,
  embeddedToken,
  longestBlock,
  accessGraph,
  auditScale,
  usageScale,
];
