/** Requests a second of the webhook server, beside servers that answer "allowed" to everything. */

import { review } from '../test/server/start-app.ts';
import { type Connection, openConnections, toRequest } from './connection.ts';
import { defineBenchmark, type Row, type Table } from './define-benchmark.ts';
import { type LoadResult, runLoad } from './load.ts';
import { quantile, ratioOf, toSample } from './measure.ts';
import { plainPod, tokenPod } from './pods.ts';
import { IMAGE_FLAGS } from './published.ts';
import { type BenchServer, startBenchServer } from './start-server.ts';
import { sendWarmUp, WARM_UP_REVIEWS } from './warm-up.ts';

const CONNECTIONS = 8;
/** So often all servers are started anew: two processes of one program differ for as long as they live. */
const STARTS = 3;
/** Of each start. As fast as answers come: short turns and many, since this machine is a tenth faster in one second than in the next. */
const FULL = { rounds: 7, forMs: 300 } as const;
/**
 * Of each start. At a fixed rate that goes on, since a server whose turn has just come finds its code out of the caches. Each turn in parts
 * with a p99 each: two or three times a second a thread of the kernel, of the caller or of V8 has the server's processor for 1 to 4 ms,
 * which delays a dozen requests. In long parts those are the hundredth that is slowest, and p99 says how soon a server has caught up
 * with them. Half of the short ones have none, and in those it is of 500 requests.
 */
const CALM = { rounds: 4, parts: 8, forMs: 250 } as const;
/** Of each turn, not counted: the handshakes of its connections, and what they leave to do. */
const LEAD_MS = 300;
/** Of what the fastify server can. Of what Curfew can it is more where pods are mutated: there reviews wait for each other. */
const CALM_SHARE = 0.3;

/** Of fastify's, under either load. */
const MOST_P99 = 1.3;

/** `curfew` as the image starts it, which is what a cluster runs and what the other tables measure; `roomy` with the heap that Node chooses. */
const SERVERS = ['raw', 'fastify', 'curfew', 'roomy'] as const;
type Name = (typeof SERVERS)[number];

type Case = {
  readonly name: string;
  readonly requests: readonly Buffer[];
  /** What Curfew must reach of the requests a second of fastify. */
  readonly least: number;
};

const CASES: readonly Case[] = [
  {
    name: 'a pod of 4.8 kB that needs nothing',
    requests: [toRequest('/validate/pods?timeout=3s', JSON.stringify(review('pods', plainPod())))],
    least: 0.85,
  },
  {
    name: 'the same with an API token in each container: it is mutated, and judged by every check',
    requests: [
      toRequest('/mutate/pods?timeout=3s', JSON.stringify(review('pods', tokenPod()))),
      // As the patch leaves it.
      toRequest('/validate/pods?timeout=3s', JSON.stringify(review('pods', plainPod()))),
    ],
    least: 0.7,
  },
];

/** A value for each round of all starts. */
type Measured = {
  readonly perSecond: number[];
  readonly cpu: number[];
  /** While answers come as fast as they can, in ms. */
  readonly busyP99: number[];
  /** At a fixed rate, in ms. */
  readonly p50: number[];
  readonly p99: number[];
};

type ByServer<Value> = Readonly<Record<Name, Value>>;

export default defineBenchmark({
  name: 'throughput',
  title: 'Reviews a second',
  timeoutSeconds: 900,
  run: async () => {
    const cases = CASES.map((one) => ({ one, measured: forEachServer(nothingMeasured) }));
    const requests = CASES.flatMap((one) => one.requests);
    for (let start = 0; start < STARTS; start += 1) {
      const servers = await startServers();
      for (const { port } of Object.values(servers)) await sendWarmUp(port, requests);
      for (const { one, measured } of cases) await measure(one, servers, measured);
      for (const server of Object.values(servers)) server.stop();
    }
    return cases.map(({ one, measured }) => toTable(one, measured));
  },
});

function forEachServer<Value>(make: (name: Name) => Value): ByServer<Value> {
  return { raw: make('raw'), fastify: make('fastify'), curfew: make('curfew'), roomy: make('roomy') };
}

function nothingMeasured(): Measured {
  return { perSecond: [], cpu: [], busyP99: [], p50: [], p99: [] };
}

async function startServers(): Promise<ByServer<BenchServer>> {
  const [raw, fastify, curfew, roomy] = await Promise.all([
    startBenchServer('raw'),
    startBenchServer('fastify'),
    startBenchServer('curfew', { flags: IMAGE_FLAGS }),
    startBenchServer('curfew'),
  ]);
  return { raw, fastify, curfew, roomy };
}

/** The rounds of one start; of each kind the first is not counted. */
async function measure(
  { requests }: Case,
  servers: ByServer<BenchServer>,
  measured: ByServer<Measured>,
): Promise<void> {
  for (let round = -1; round < FULL.rounds; round += 1) {
    const counts = round >= 0;
    for (const name of SERVERS) await turnFull(servers[name], requests, counts ? measured[name] : nothingMeasured());
  }
  const perSecond = Math.round(CALM_SHARE * quantile(measured.fastify.perSecond, 0.5));
  for (let round = -1; round < CALM.rounds; round += 1) {
    const counts = round >= 0;
    for (const name of SERVERS) {
      await turnCalm(servers[name], { requests, perSecond }, counts ? measured[name] : nothingMeasured());
    }
  }
}

function toTable({ name, least }: Case, { raw, fastify, curfew, roomy }: ByServer<Measured>): Table {
  const row = (title: string, { perSecond, cpu, busyP99, p50, p99 }: Measured): Row => ({
    name: title,
    cells: [perSecond, cpu, busyP99, p50, p99].map((values) => toSample(values)),
  });
  return {
    title: name,
    about: `All servers are started ${STARTS} times, since two processes of one program differ. Each time: ${WARM_UP_REVIEWS.toLocaleString('en-US')} requests of all kinds to warm up, then in turn, over ${CONNECTIONS} kept
connections, ${FULL.rounds} rounds of ${FULL.forMs} ms as fast as answers come, and ${CALM.rounds} of ${CALM.parts} parts of ${CALM.forMs} ms at a fixed rate of ${100 * CALM_SHARE} % of what fastify can, each request at its moment. The caller and the server have a process each, and so has who reads
Curfew's log. Curfew runs as its image starts it, with a young generation of the heap that is made for little memory, the others with the heap that Node chooses here,
as Curfew does once more: so one process in three takes up to a fifth more of a processor for mutated reviews. Connections are opened for each turn, and ${LEAD_MS} ms pass before anything is counted; in a cluster one ends after 200 reviews and ten
seconds ([0040](decisions/0040-a-connection-ends.md)), which is a handshake in thousands of reviews. At a fixed rate
nothing waits for long, so p99 is not far from what one review takes, and a mutated one takes more than fastify's: it makes a patch, a note and a line in the log.`,
    columns: [
      { title: 'requests', unit: '/s' },
      { title: 'processor a request', unit: 'µs' },
      { title: 'p99', unit: 'ms' },
      { title: 'median at a fixed rate', unit: 'ms' },
      { title: 'p99 at a fixed rate', unit: 'ms' },
    ],
    ratio: 'Curfew to fastify',
    rows: [
      row('node:https that answers', raw),
      row('fastify that parses and answers', fastify),
      row('Curfew', curfew),
      {
        ...row('Curfew with the heap that Node chooses', roomy),
        ratio: { value: ratioOf(roomy.perSecond, fastify.perSecond) },
      },
      target('requests a second', ratioOf(curfew.perSecond, fastify.perSecond), { least }),
      target('p99 of these requests', ratioOf(curfew.busyP99, fastify.busyP99), { most: MOST_P99 }),
      target('p99 at a fixed rate', ratioOf(curfew.p99, fastify.p99), { most: MOST_P99 }),
    ],
  };
}

async function turnFull(
  server: BenchServer,
  requests: readonly Buffer[],
  { perSecond, cpu, busyP99 }: Measured,
): Promise<void> {
  await withConnections(server, async (connections) => {
    await runLoad({ requests, connections, forMs: LEAD_MS });
    const before = await server.cpuMs();
    const result = await runLoad({ requests, connections, forMs: FULL.forMs });
    const used = (await server.cpuMs()) - before;
    mustBeGood(result);
    perSecond.push(result.perSecond);
    cpu.push((1000 * used) / result.latencies.length);
    busyP99.push(quantile(result.latencies, 0.99));
  });
}

async function turnCalm(
  server: BenchServer,
  load: { readonly requests: readonly Buffer[]; readonly perSecond: number },
  { p50, p99 }: Measured,
): Promise<void> {
  await withConnections(server, async (connections) => {
    await runLoad({ requests: load.requests, connections, forMs: LEAD_MS });
    for (let part = 0; part < CALM.parts; part += 1) {
      const result = await runLoad({ ...load, connections, forMs: CALM.forMs });
      mustBeGood(result);
      p50.push(quantile(result.latencies, 0.5));
      p99.push(quantile(result.latencies, 0.99));
    }
  });
}

function mustBeGood({ errors }: LoadResult): void {
  if (errors > 0) throw new Error(`${errors} answers were not 200`);
}

async function withConnections<T>(
  { port, ca }: BenchServer,
  use: (connections: readonly Connection[]) => Promise<T>,
): Promise<T> {
  const connections = await openConnections({ port, tls: { ca } }, CONNECTIONS);
  try {
    return await use(connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}

function target(name: string, value: number, limit: { readonly least?: number; readonly most?: number }): Row {
  return { name, cells: ['', '', '', '', ''], ratio: { value, ...limit } };
}
