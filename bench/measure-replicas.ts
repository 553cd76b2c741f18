/** What `replicas.ts` runs in the cluster's network: installs the chart, and measures one, two and three replicas in turn. */

import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { type InstalledChart, openCluster, RELEASE, RELEASE_NAMESPACE } from '../e2e/cluster/installed-chart.ts';
import { asString, valueAt } from '../src/objects/json.ts';
import { review } from '../test/server/start-app.ts';
import { openConnections, type Target, toRequest } from './connection.ts';
import type { Row, Table } from './define-benchmark.ts';
import { runLoad } from './load.ts';
import { describeMachine, toRun, writeRun } from './machine.ts';
import { quantile, ratioOf, toSample } from './measure.ts';
import { ADMITTED, submittedPod } from './pods.ts';
import { renderText } from './render.ts';
import { createReplicas, type Done, since } from './replica-pods.ts';

type Settings = { readonly rounds: number; readonly cpu: string; readonly routing: string; readonly out?: string };

const COUNTS = [1, 2, 3] as const;
type Count = (typeof COUNTS)[number];

/** Callers at once: enough for a replica that has used up its time to leave none of the others without work. */
const CONNECTIONS = 24;
const WARM_UP_MS = 60_000;
/** Until as many callers as there are have come to where they stay. */
const LEAD_MS = 1_000;
const SLICE_MS = 6_000;
/** Accounts and namespaces are read for each pod, and pods of one share what is read: these are not of one. */
const NAMESPACES = Array.from({ length: 8 }, (_, index) => `team-${index}`);
const SERVER = { host: '192.0.2.10', port: 6443 };

/** New replicas under a load that goes on: pods a second through the API server, callers at once, and how it is cut. */
const CALM = { perSecond: 60, connections: 8, parts: 6, partMs: 10_000 };

type Measured = {
  /** Answers that were no verdict, of all rounds. */
  errors: number;
  readonly perSecond: number[];
  /** Cores that all replicas together used. */
  readonly cores: number[];
  readonly p99: number[];
  /** The largest part of all reviews that one replica got, in %. */
  readonly largest: number[];
  /** Seconds of a processor a review, in µs. */
  readonly cost: number[];
};

const settings = JSON.parse(process.argv[2] ?? '') as Settings;
const machine = describeMachine();
const cluster = await openCluster();
const replicas = createReplicas(cluster);
const limit = ['requests', 'limits'].flatMap((part) => ['--set', `resources.${part}.cpu=${settings.cpu}`]);
await cluster.install([...limit, '--set', `replicas=${COUNTS.length}`, '--set', 'config.mutateMode=apply']);
await cluster.untilPublished();
for (const name of NAMESPACES) {
  await cluster.createNamespace(name);
  await cluster.createAccount(name);
}
const apiTarget = { ...SERVER, tls: await readAdmin() };
const serviceTarget = await findService(cluster);

const direct = emptyMeasures();
const through = emptyMeasures();
await replicas.choose(COUNTS.length);
await warmUp();
for (let round = 0; round < settings.rounds; round += 1) {
  for (const count of COUNTS) {
    await replicas.choose(count);
    await measure(direct[count], { target: serviceTarget, requests: reviews(), status: 200, count });
    await measure(through[count], { target: apiTarget, requests: creations(), status: 201, count });
    const told = [direct, through].map((measured) => measured[count].perSecond.at(-1)?.toFixed(0));
    console.log(`round ${round + 1}, ${count}: ${told[0]} reviews/s, ${told[1]} pods/s`);
  }
}
await replicas.chooseAll();
const memory = await replicas.memory();
const tables = [
  toTable(direct, {
    title: 'Reviews through the Service',
    about: `${CONNECTIONS} kept connections over TLS to the Service's address, opened anew for each measurement; a pod to be mutated and the same
pod to be judged, in turn.`,
    unit: 'reviews',
  }),
  toTable(through, {
    title: 'Pods through the API server',
    about: `${CONNECTIONS} callers create pods as dry runs; the API server has the connections to replicas that it likes to have. Each pod
is two reviews.`,
    unit: 'pods',
  }),
  await watchNewReplicas(),
];
for (const table of tables) console.log(`\n${renderText(table)}\n${table.about}`);
console.log(`\nresident memory of the replicas: ${memory.map((each) => `${each.toFixed(0)} MiB`).join(', ')}`);
if (settings.out !== undefined) {
  const results = [{ name: 'replicas', title: 'Replicas', seconds: Math.round(performance.now() / 1000), tables }];
  await writeRun(settings.out, toRun(machine, results));
}
await cluster.removeNamespaces();
await cluster.uninstall();

function emptyMeasures(): Readonly<Record<Count, Measured>> {
  const empty = (): Measured => ({ errors: 0, perSecond: [], cores: [], p99: [], largest: [], cost: [] });
  return { 1: empty(), 2: empty(), 3: empty() };
}

/** Until V8 has compiled what it will, at a fraction of a core. */
async function warmUp(): Promise<void> {
  const connections = await openConnections(serviceTarget, CONNECTIONS);
  const { errors, latencies } = await runLoad({ requests: reviews(), connections, forMs: WARM_UP_MS });
  for (const connection of connections) connection.close();
  console.log(`warm after ${latencies.length} reviews, of which ${errors} were not answered in time`);
}

type Given = {
  readonly target: Target;
  readonly requests: readonly Buffer[];
  /** Of a good answer. */
  readonly status: number;
  readonly count: Count;
};

async function measure(into: Measured, { target, requests, status, count }: Given): Promise<void> {
  const connections = await openConnections(target, CONNECTIONS);
  await runLoad({ requests, connections, forMs: LEAD_MS, status });
  const before = await replicas.read();
  const start = performance.now();
  const load = await runLoad({ requests, connections, forMs: SLICE_MS, status });
  const seconds = (performance.now() - start) / 1000;
  const all = since(before, await replicas.read());
  for (const connection of connections) connection.close();
  const done = all.filter(({ reviews: own }) => own > 0);
  if (done.length > count) throw new Error(`${done.length} replicas had reviews, and ${count} were to have them`);
  const [judged, cpu] = [sum(done, 'reviews'), sum(done, 'cpu')];
  into.perSecond.push((load.latencies.length - load.errors) / seconds);
  into.errors += load.errors;
  into.cores.push(cpu / seconds);
  into.p99.push(quantile(load.latencies, 0.99));
  into.largest.push((100 * Math.max(...done.map(({ reviews: own }) => own))) / judged);
  into.cost.push((1e6 * cpu) / judged);
}

function sum(done: readonly Done[], key: keyof Done): number {
  return done.reduce((total, each) => total + each[key], 0);
}

/** One replica answers a steady load, and two come: what part of the reviews do these get? */
async function watchNewReplicas(): Promise<Table> {
  await replicas.scale(1);
  const connections = await openConnections(apiTarget, CALM.connections);
  const forMs = 120_000 + CALM.parts * CALM.partMs;
  const isEnough = { at: Infinity };
  const rows: Row[] = [];
  let errors = 0;
  const load = async () => {
    const start = performance.now();
    while (performance.now() < isEnough.at && performance.now() - start < forMs) {
      const { perSecond } = CALM;
      errors += (await runLoad({ requests: creations(), connections, forMs: 1_000, perSecond, status: 201 })).errors;
    }
  };
  const loading = load();
  const [old = ''] = (await replicas.read()).keys();
  await replicas.scale(3);
  for (let part = 1; part <= CALM.parts; part += 1) {
    const before = await replicas.read();
    await new Promise((resolve) => setTimeout(resolve, CALM.partMs));
    const now = await replicas.read();
    const done = since(before, now);
    const ofOld = [...now.keys()].indexOf(old);
    const all = sum(done, 'reviews');
    const shares = done.map(({ reviews: own }) => (100 * own) / all);
    const others = shares.filter((_, index) => index !== ofOld);
    rows.push({
      name: `${(part * CALM.partMs) / 1000} s after they are ready`,
      cells: [shares[ofOld] ?? 0, ...others],
    });
  }
  isEnough.at = 0;
  await loading;
  for (const connection of connections) connection.close();
  return {
    title: 'Two replicas more, under a load that goes on',
    about: `${CALM.perSecond} pods a second by ${CALM.connections} callers through the API server, to one replica; then the Deployment is scaled to three.
Parts of the reviews of the ten seconds before. Calls that failed: ${errors}.`,
    columns: [
      { title: 'the old one', unit: '%' },
      { title: 'a new one', unit: '%' },
      { title: 'a new one', unit: '%' },
    ],
    rows,
  };
}

function toTable(
  measured: Readonly<Record<Count, Measured>>,
  { title, about, unit }: { readonly title: string; readonly about: string; readonly unit: string },
): Table {
  return {
    title,
    about: `${about} Each replica may use ${settings.cpu} of a core; ${settings.rounds} rounds. The API server calls the ${settings.routing}.`,
    columns: [
      { title: unit, unit: '/s' },
      { title: 'p99', unit: 'ms' },
      { title: 'cores used' },
      { title: 'processor a review', unit: 'µs' },
      { title: 'most for one replica', unit: '%' },
      { title: 'failed' },
    ],
    ratio: 'to one replica, in the same round',
    rows: COUNTS.map((count): Row => {
      const { perSecond, p99, cores, cost, largest, errors } = measured[count];
      return {
        name: count === 1 ? 'one replica' : `${count} replicas`,
        cells: [...[perSecond, p99, cores, cost, largest].map((values) => toSample(values)), errors],
        ratio: { value: ratioOf(perSecond, measured[1].perSecond) },
      };
    }),
  };
}

/** As the API server sends them for a new pod, in this order. */
function reviews(): readonly Buffer[] {
  return NAMESPACES.flatMap((namespace) => {
    const pod = { ...ADMITTED, metadata: { name: 'example', namespace } };
    const body = JSON.stringify(review('pods', pod, { namespace }));
    return ['/mutate/pods?timeout=3s', '/validate/pods?timeout=3s'].map((path) => toRequest(path, body));
  });
}

function creations(): readonly Buffer[] {
  const body = JSON.stringify(submittedPod('example'));
  return NAMESPACES.map((name) =>
    toRequest(`/api/v1/namespaces/${name}/pods?dryRun=All`, body, `${SERVER.host}:${SERVER.port}`),
  );
}

async function findService({ must }: InstalledChart): Promise<Target> {
  const text = await must(['get', 'service', RELEASE, '-n', RELEASE_NAMESPACE, '-o', 'json']);
  const host = asString(valueAt(JSON.parse(text), ['spec', 'clusterIP'])) ?? '';
  // That the certificate is right, the API server finds out.
  return { host, port: 443, tls: { rejectUnauthorized: false } };
}

async function readAdmin() {
  const config: unknown = parse(await readFile(process.env['KUBECONFIG'] ?? '', 'utf8'));
  const read = (kind: 'clusters' | 'users', within: 'cluster' | 'user', key: string) =>
    Buffer.from(asString(valueAt(config, [kind, 0, within, key])) ?? '', 'base64');
  return {
    ca: read('clusters', 'cluster', 'certificate-authority-data'),
    cert: read('users', 'user', 'client-certificate-data'),
    key: read('users', 'user', 'client-key-data'),
  };
}
