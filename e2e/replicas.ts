/** Two replicas of Curfew behind one address, as a Service puts them, on a control plane without nodes. */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { JsonObject } from '../src/objects/json.ts';
import { findFreePorts } from '../test/free-ports.ts';
import { isAnswering } from './api-request.ts';
import { pointAtProcess, RELEASE_NAMESPACE, renderChart } from './chart.ts';
import { waitUntil } from './installed-curfew.ts';
import { type ManagedProcess, readLastLines, startSupervisor } from './processes.ts';
import { startServer } from './server-process.ts';
import type { TestCluster } from './test-cluster.ts';

export type Replica = {
  readonly webhookPort: number;
  readonly operationsUrl: string;
  readonly pid: number;
  readonly logFile: string;
};

export type Replicas = {
  /** HOST:PORT that the webhook configurations name. */
  readonly address: string;
  readonly all: readonly Replica[];
  /** As endpoints change: new connections go to these alone. */
  route(replicas: readonly Replica[]): void;
  /** Ends all connections of callers. */
  cut(): void;
  /** Bytes that came from callers so far. */
  received(): number;
  lastLines(count: number): string;
  stop(): Promise<void>;
};

export type ReplicaOptions = {
  readonly count: number;
  readonly args: readonly string[];
  /** Of the chart, beside what replicas need here. */
  readonly values?: JsonObject;
  /** More arguments for one of them. */
  readonly argsOf?: (index: number) => readonly string[];
};

/** Installs the chart and starts `count` replicas with these arguments beside those of the Deployment. */
export async function startReplicas(
  cluster: TestCluster,
  { count, args, values = {}, argsOf = () => [] }: ReplicaOptions,
): Promise<Replicas> {
  const supervisor = await startSupervisor();
  const ports = await findFreePorts(2 * count);
  const places = Array.from({ length: count }, (_, index) => ({
    webhookPort: ports[2 * index] ?? 0,
    operationsUrl: `http://127.0.0.1:${ports[2 * index + 1]}`,
  }));
  const balancer = createBalancer(places.map(({ webhookPort }) => webhookPort));
  const address = `127.0.0.1:${await balancer.listen()}`;
  const baseUrl = `https://${address}`;
  const rendered = await renderChart({ ...values, config: { server: { drainSeconds: 0 } } });
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: RELEASE_NAMESPACE } };
  const { code, stderr } = await cluster.kubectl.apply([namespace, ...pointAtProcess(rendered, baseUrl)]);
  if (code !== 0) throw new Error(`the rendered chart was not applied: ${stderr}`);

  const processes: ManagedProcess[] = [];
  for (const [index, { webhookPort, operationsUrl }] of places.entries()) {
    processes.push(
      await startServer(supervisor, {
        cluster,
        objects: rendered,
        name: `curfew-${index}`,
        webhook: `127.0.0.1:${webhookPort}`,
        operations: operationsUrl.slice('http://'.length),
        more: ['--serving-name', '127.0.0.1', ...args, ...argsOf(index)],
      }),
    );
  }
  const all = places.map((place, index) => ({
    ...place,
    pid: processes[index]?.pid ?? 0,
    logFile: processes[index]?.logFile ?? '',
  }));
  await waitUntil('every replica is ready', async () => {
    const answers = await Promise.all(all.map(({ operationsUrl }) => isReady(operationsUrl)));
    return answers.every(Boolean);
  });
  return {
    address,
    all,
    route: (replicas) => balancer.route(replicas.map(({ webhookPort }) => webhookPort)),
    cut: balancer.cut,
    received: balancer.received,
    lastLines: (lines) => processes.map(({ logFile }) => readLastLines(logFile, lines)).join('\n'),
    async stop() {
      await supervisor.stop();
      balancer.close();
    },
  };
}

async function isReady(operationsUrl: string): Promise<boolean> {
  try {
    return await isAnswering(`${operationsUrl}/readyz`);
  } catch {
    return false;
  }
}

/** One connection to each in turn. */
function createBalancer(first: readonly number[]) {
  let ports = first;
  let next = 0;
  let received = 0;
  const open = new Set<Socket>();
  const server = createServer((inbound) => {
    const outbound = connect(ports[next % ports.length] ?? 0, '127.0.0.1');
    next += 1;
    open.add(inbound);
    inbound.on('close', () => open.delete(inbound));
    inbound.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    inbound.pipe(outbound).pipe(inbound);
    for (const [one, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  return {
    listen: async (): Promise<number> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.listen(0, '127.0.0.1', resolve);
      await promise;
      return (server.address() as AddressInfo).port;
    },
    route: (chosen: readonly number[]) => {
      ports = chosen;
    },
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    received: () => received,
    close: () => server.close(),
  };
}
