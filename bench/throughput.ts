/** Requests a second of the webhook server, beside servers that answer "allowed" to everything. */

import { review } from '../test/server/start-app.ts';
import { type Connection, type LoadResult, openConnections, runLoad, toRequest } from './connection.ts';
import { defineBenchmark, type Row, type Table } from './define-benchmark.ts';
import { quantile, ratioOf, toSample } from './measure.ts';
import { plainPod, tokenPod } from './pods.ts';
import { IMAGE_FLAGS } from './published.ts';
import { type BenchServer, startBenchServer } from './start-server.ts';
import { WARM_UP_REVIEWS } from './warm-up.ts';

const CONNECTIONS = 8;
/** As fast as answers come: short turns and many, since this machine is a tenth faster in one second than in the next. */
const FULL = { rounds: 21, forMs: 300 } as const;
/** At a fixed rate: longer ones, or a pause now and then would be seen in too few of them. */
const CALM = { rounds: 15, forMs: 1_000 } as const;
/** Of each turn, not counted: the handshakes of its connections, and what they leave to do. */
const LEAD_MS = 300;
/** Of what the fastify server can. Of what Curfew can it is more where pods are mutated: there reviews wait for each other. */
const CALM_SHARE = 0.3;

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

type Measured = {
  readonly server: BenchServer;
  readonly perSecond: number[];
  readonly cpu: number[];
  readonly p50: number[];
  readonly p99: number[];
};

export default defineBenchmark({
  name: 'throughput',
  title: 'Reviews a second',
  timeoutSeconds: 600,
  run: async () => {
    const servers = await Promise.all([
      startBenchServer('raw'),
      startBenchServer('fastify'),
      startBenchServer('curfew'),
      startBenchServer('curfew', { flags: IMAGE_FLAGS }),
    ]);
    const tables: Table[] = [];
    for (const one of CASES) tables.push(await measure(one, servers));
    for (const server of servers) server.stop();
    return tables;
  },
});

async function measure({ name, requests, least }: Case, servers: readonly BenchServer[]): Promise<Table> {
  const measured = servers.map((server): Measured => ({ server, perSecond: [], cpu: [], p50: [], p99: [] }));
  const [raw, plain, curfew, small] = measured;
  if (raw === undefined || plain === undefined || curfew === undefined || small === undefined) {
    throw new Error('a server is missing');
  }
  for (const server of servers) {
    await withConnections(server, async (connections) => {
      await runLoad({ requests, connections, forMs: 60_000, most: WARM_UP_REVIEWS });
    });
  }
  for (let round = -1; round < FULL.rounds; round += 1) {
    for (const one of measured) await turnFull(one, requests, { counts: round >= 0 });
  }
  const perSecond = Math.round(CALM_SHARE * quantile(plain.perSecond, 0.5));
  for (let round = -1; round < CALM.rounds; round += 1) {
    for (const one of measured) await turnCalm(one, { requests, perSecond }, { counts: round >= 0 });
  }
  const row = (title: string, { perSecond, cpu, p50, p99 }: Measured): Row => ({
    name: title,
    cells: [toSample(perSecond), toSample(cpu), toSample(p50), toSample(p99)],
  });
  return {
    title: name,
    about: `${CONNECTIONS} kept connections over TLS, ${WARM_UP_REVIEWS.toLocaleString('en-US')} requests to warm up, then in turn: ${FULL.rounds} rounds of ${FULL.forMs} ms as fast as answers
come, and ${CALM.rounds} of ${CALM.forMs} ms at a fixed rate of ${100 * CALM_SHARE} % of what fastify can, for the latencies. The caller and the server have a process each, and so has who reads
Curfew's log. All have the heap that Node chooses here, and Curfew also that of its image, which is made for little memory. Connections are opened for each turn, and ${LEAD_MS} ms pass before anything is counted; in a cluster one ends after 200 reviews and ten
seconds ([0040](decisions/0040-a-connection-ends.md)), which is a handshake in thousands of reviews.`,
    columns: [
      { title: 'requests', unit: '/s' },
      { title: 'processor a request', unit: 'µs' },
      { title: 'median', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
    ],
    ratio: 'Curfew to fastify',
    rows: [
      row('node:https that answers', raw),
      row('fastify that parses and answers', plain),
      row('Curfew', curfew),
      {
        ...row('Curfew with the small young generation of its image', small),
        ratio: { value: ratioOf(small.perSecond, plain.perSecond) },
      },
      target('requests a second', ratioOf(curfew.perSecond, plain.perSecond), { least }),
      target('p99 at a fixed rate', ratioOf(curfew.p99, plain.p99), { most: 1.3 }),
    ],
  };
}

async function turnFull(
  { server, perSecond, cpu }: Measured,
  requests: readonly Buffer[],
  { counts }: { readonly counts: boolean },
): Promise<void> {
  await withConnections(server, async (connections) => {
    await runLoad({ requests, connections, forMs: LEAD_MS });
    const before = await server.cpuMs();
    const result = await runLoad({ requests, connections, forMs: FULL.forMs });
    const used = (await server.cpuMs()) - before;
    mustBeGood(result);
    if (!counts) return;
    perSecond.push(result.perSecond);
    cpu.push((1000 * used) / result.latencies.length);
  });
}

async function turnCalm(
  { server, p50, p99 }: Measured,
  load: { readonly requests: readonly Buffer[]; readonly perSecond: number },
  { counts }: { readonly counts: boolean },
): Promise<void> {
  await withConnections(server, async (connections) => {
    await runLoad({ requests: load.requests, connections, forMs: LEAD_MS });
    const result = await runLoad({ ...load, connections, forMs: CALM.forMs });
    mustBeGood(result);
    if (!counts) return;
    p50.push(quantile(result.latencies, 0.5));
    p99.push(quantile(result.latencies, 0.99));
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
  return { name, cells: ['', '', '', ''], ratio: { value, ...limit } };
}
