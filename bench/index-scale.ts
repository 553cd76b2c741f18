/**
 * The index of a large cluster: how long it takes to fill beside a bare client that reads the same lists, what it holds of
 * memory, how long the process stands still for garbage, and what is left of it after a day of namespaces that come and go.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../e2e/control-plane.ts';
import { METADATA_LIST } from '../src/kube/metadata.ts';
import type { BareLists } from './bare-list.ts';
import { churn, type Point } from './churn.ts';
import { defineBenchmark, type Row, type Table } from './define-benchmark.ts';
import { type Change, openEtcd, storedAccount, storedNamespace } from './etcd.ts';
import { runLoad } from './load.ts';
import { fitLine, provenSlope, quantile, ratioOf, toSample, toSlope } from './measure.ts';
import type { Probed } from './probe.ts';
import { describePauses, installProbed, type ProbedCurfew, podRequest } from './probed-curfew.ts';

const IS_LONG = process.env['CURFEW_LONG'] !== undefined;
const NAMESPACES = IS_LONG ? 10_000 : 1_000;
const ACCOUNTS = 10;
const ENTRIES = NAMESPACES * (1 + ACCOUNTS);
const ROUNDS = 3;
const HOURS = IS_LONG ? 24 : 1;
/** Of 100,000 service accounts in 10,000 namespaces, in MiB. */
const MOST_GROWTH_MIB = 60;
const LOAD_MS = IS_LONG ? 30_000 : 5_000;
const LISTS = [
  { path: '/api/v1/namespaces', accept: METADATA_LIST },
  { path: '/api/v1/serviceaccounts', accept: 'application/json' },
] as const;

/** What one round of starts gave, by round. */
type Rounds = { readonly sync: readonly number[]; readonly bare: readonly number[]; readonly last: Probed };

export default defineBenchmark({
  name: 'index-scale',
  title: 'The index of a large cluster',
  timeoutSeconds: IS_LONG ? 3_600 : 420,
  run: async () => {
    const controlPlane = await startControlPlane();
    const etcd = openEtcd(controlPlane.etcd);
    try {
      const curfew = await installProbed(controlPlane);
      // It would make an account and a config map in each namespace, and this is about an index.
      controlPlane.pauseControllerManager();
      const empty = await startRounds(controlPlane, curfew);
      const idle = await settle(curfew);
      await etcd.write(standing());
      const full = await startRounds(controlPlane, curfew);
      const filled = await settle(curfew);
      const loaded = await load(curfew);
      const bytes = (filled.collected.heapUsed - idle.collected.heapUsed) / ENTRIES;
      const growth = filled.rss - idle.rss;
      const size: Table = {
        title: `${NAMESPACES.toLocaleString('en')} namespaces with ${ACCOUNTS} service accounts each`,
        about: `Written into the etcd of a real API server, with the labels and managed fields that Helm leaves on them. Filled: from
the first request for a list until it is watched. The bare client is a process that asks for the same pages side by side,
parses and drops them, in turns with Curfew's. Memory of an index of ${ENTRIES.toLocaleString('en')} objects, 5 s after it was filled.`,
        columns: [{ title: 'measured' }, { title: 'in' }],
        ratio: 'as a multiple of the bare client, or as the target says',
        rows: [
          { name: 'filled, empty cluster', cells: [toSample(empty.sync), 'ms'] },
          { name: 'bare client, empty cluster', cells: [toSample(empty.bare), 'ms'] },
          {
            name: 'filled',
            cells: [toSample(full.sync), 'ms'],
            ratio: { value: ratioOf(full.sync, full.bare), most: 2 },
          },
          { name: 'bare client', cells: [toSample(full.bare), 'ms'] },
          { name: 'RSS, empty cluster', cells: [idle.rss, 'MiB'] },
          { name: 'RSS', cells: [filled.rss, 'MiB'] },
          {
            name: 'RSS more than of an empty cluster',
            cells: [growth, 'MiB'],
            ratio: { value: growth, most: MOST_GROWTH_MIB },
          },
          { name: 'RSS after reviews', cells: [loaded.rss, 'MiB'] },
          { name: 'heap of one object', cells: [bytes, 'bytes'] },
        ],
      };
      const pauses: Table = {
        title: 'Pauses for garbage',
        about: `Of the process from its start until it was ready, and while 8 callers asked without a pause (${Math.round(loaded.perSecond)} reviews a second).`,
        columns: [
          { title: 'pauses' },
          { title: '99 of 100 at most', unit: 'ms' },
          { title: 'longest', unit: 'ms' },
          { title: 'together', unit: 'ms' },
        ],
        rows: [
          toPauseRow('start, empty cluster', empty.last),
          toPauseRow('start', full.last),
          toPauseRow('under load', loaded.probed),
        ],
      };
      const parts = IS_LONG ? 24 : 12;
      const restarts = IS_LONG ? 4 : 1;
      const day = await churn({ controlPlane, etcd, curfew, hours: HOURS, standing: NAMESPACES, parts, restarts });
      if (day.differences.length > 0) {
        throw new Error(`${day.differences.length} differences, the first: ${day.differences.slice(0, 3).join('; ')}`);
      }
      if (day.held !== day.there) throw new Error(`Curfew holds ${day.held} objects, ${day.there} are there`);
      await curfew.uninstall();
      return [size, pauses, toChurnTable(day, restarts)];
    } finally {
      etcd.close();
      await controlPlane.stop();
    }
  },
});

function* standing(): Generator<Change> {
  for (let number = 0; number < NAMESPACES; number += 1) {
    yield storedNamespace(`team-${number}`, number);
    for (let account = 0; account < ACCOUNTS; account += 1) {
      yield storedAccount(`team-${number}`, `account-${account}`, number * ACCOUNTS + account);
    }
  }
}

async function startRounds(controlPlane: ControlPlane, curfew: ProbedCurfew): Promise<Rounds> {
  const sync: number[] = [];
  const bare: number[] = [];
  let last: Probed | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await listBare(controlPlane));
    const { probed } = await curfew.startAnew();
    const listed = LISTS.map(({ path }) => (probed.watches[path] ?? Number.NaN) - (probed.lists[path] ?? Number.NaN));
    sync.push(Math.max(...listed));
    last = probed;
  }
  if (last === undefined) throw new Error('no round was run');
  return { sync, bare, last };
}

async function listBare({ server, certificateAuthority, admin }: ControlPlane): Promise<number> {
  const asked: BareLists = {
    server,
    ca: certificateAuthority,
    cert: admin.certificate,
    key: admin.privateKey,
    lists: LISTS,
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-list.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(asked));
  const ms = Number(await text(child.stdout));
  if (!(ms > 0)) throw new Error('the bare client did not read the lists');
  return ms;
}

/** RSS first: a collection on demand would make it look better than it is. */
async function settle(curfew: ProbedCurfew): Promise<{ readonly rss: number; readonly collected: Probed }> {
  await sleep(5_000);
  const rss = await curfew.rss();
  return { rss, collected: await curfew.probe('collected') };
}

async function load(curfew: ProbedCurfew) {
  const connections = await curfew.connect();
  // Once for the compiler; what is asked for afterwards is counted from here.
  await runLoad({ requests: [podRequest()], connections, forMs: 2_000 });
  await curfew.probe();
  const { perSecond, errors } = await runLoad({ requests: [podRequest()], connections, forMs: LOAD_MS });
  for (const connection of connections) connection.close();
  if (errors > 0) throw new Error(`${errors} answers were not 200`);
  return { perSecond, rss: await curfew.rss(), probed: await curfew.probe() };
}

function toPauseRow(name: string, { pauses }: Probed): Row {
  return { name, cells: [...describePauses(pauses), pauses.reduce((sum, { ms }) => sum + ms, 0)] };
}

function toChurnTable(day: Awaited<ReturnType<typeof churn>>, restarts: number): Table {
  const half = day.points.slice(day.points.length / 2);
  const toRow = (name: string, read: (point: Point) => number): Row => {
    const values = day.points.map(read);
    const line = fitLine(half.map((point) => [point.hours / 24, read(point)]));
    return {
      name,
      cells: [values[0] ?? '', quantile(values, 0.5), quantile(values, 1), values.at(-1) ?? '', toSlope(line)],
      // An hour says nothing of a day.
      ...(IS_LONG ? { ratio: { value: provenSlope(line), most: 0 } } : {}),
    };
  };
  return {
    title: `${HOURS} h of namespaces that come and go`,
    about: `Every 15 seconds a namespace with five service accounts comes, is labelled, and goes half an hour later; a namespace and an
account that stay are changed. ${day.changes.toLocaleString('en')} changes, sent through etcd and a real API server in ${Math.round(day.seconds)} s; the API
server was started anew ${restarts} times, so that everything was listed again. In the end an index of the same code held exactly the
${day.there.toLocaleString('en')} objects that were there, each with its labels and annotations, and Curfew as many. RSS was read before each
collection that measured the heap. Slope: of the second half, with the range that holds it in 95 of 100 cases.`,
    columns: [
      { title: 'before', unit: 'MiB' },
      { title: 'median', unit: 'MiB' },
      { title: 'most', unit: 'MiB' },
      { title: 'after', unit: 'MiB' },
      { title: 'MiB a day' },
    ],
    ratio: 'slope beyond doubt',
    rows: [toRow('RSS', ({ rss }) => rss), toRow('heap after a collection', ({ heap }) => heap)],
  };
}
