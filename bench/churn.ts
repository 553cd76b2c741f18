/**
 * A day of a busy cluster on top of a full index, in minutes: every quarter of a minute a namespace with five service accounts
 * comes, is labelled, and goes half an hour later, and a namespace and an account that stay are changed. Four times the API
 * server is started anew, which ends every watch and makes the index list everything again.
 */

import { isDeepStrictEqual } from 'node:util';
import type { ControlPlane } from '../e2e/control-plane.ts';
import { waitUntil } from '../e2e/installed-curfew.ts';
import { connect } from '../src/kube/client.ts';
import { createSystemClock } from '../src/kube/clock.ts';
import { type ClusterIndex, createClusterIndex } from '../src/kube/cluster-index.ts';
import { listAll } from '../src/kube/list-all.ts';
import { toNamespaceView, toServiceAccountView } from '../src/objects/views.ts';
import { accountKey, type Change, type Etcd, namespaceKey, storedAccount, storedNamespace } from './etcd.ts';
import type { ProbedCurfew } from './probed-curfew.ts';

const SECONDS_PER_STEP = 15;
const STEPS_PER_HOUR = 3_600 / SECONDS_PER_STEP;
/** Half an hour. */
const LIFE = STEPS_PER_HOUR / 2;
const ACCOUNTS = 5;
const CAUGHT_UP_MS = 300_000;

export type Churn = {
  readonly controlPlane: ControlPlane;
  readonly etcd: Etcd;
  readonly curfew: ProbedCurfew;
  readonly hours: number;
  /** How many namespaces stay, of ten accounts each. */
  readonly standing: number;
  /** How often memory is measured, evenly. */
  readonly parts: number;
  /** How often the API server is started anew, evenly. */
  readonly restarts: number;
};

export type Point = {
  readonly hours: number;
  /** In MiB: RSS as it was, and the heap once its garbage was collected. */
  readonly rss: number;
  readonly heap: number;
};

export type Churned = {
  readonly points: readonly Point[];
  readonly changes: number;
  readonly seconds: number;
  /** Of an index of the same code that saw the same: what it holds too much, too little or wrong. Empty, or something is broken. */
  readonly differences: readonly string[];
  /** What the API server has at the end, and what Curfew says that it holds. */
  readonly there: number;
  readonly held: number;
};

export async function churn({ controlPlane, etcd, curfew, hours, standing, parts, restarts }: Churn): Promise<Churned> {
  const beside = await startIndex(controlPlane);
  const { there: before } = await compare(controlPlane, beside);
  const steps = Math.round(hours * STEPS_PER_HOUR);
  const start = performance.now();
  const points: Point[] = [];
  let changes = 0;
  function* changesOf(first: number, last: number): Generator<Change> {
    for (let step = first; step < last; step += 1) {
      for (const change of changesAt(step, standing)) {
        changes += 1;
        yield change;
      }
    }
  }
  const look = async (step: number) => {
    const alive = Math.min(step, LIFE) * (1 + ACCOUNTS);
    const isCaughtUp = async () =>
      entriesOf(beside) === before + alive && (await entriesOfProcess(curfew)) === before + alive;
    await waitUntil(`both indexes hold ${before + alive} objects`, isCaughtUp, CAUGHT_UP_MS);
    const rss = await curfew.rss();
    const { heapUsed } = await curfew.probe('collected');
    const point = { hours: step / STEPS_PER_HOUR, rss, heap: heapUsed / 1_048_576 };
    console.log(`hour ${point.hours.toFixed(1)}: RSS ${rss.toFixed(1)} MiB, heap ${point.heap.toFixed(2)} MiB`);
    points.push(point);
  };
  try {
    await look(0);
    for (let part = 0; part < parts; part += 1) {
      const [first, last] = [part, part + 1].map((edge) => Math.round((steps * edge) / parts));
      await etcd.write(changesOf(first ?? 0, last ?? 0));
      if (Math.floor(((part + 1) * restarts) / parts) > Math.floor((part * restarts) / parts)) {
        await controlPlane.restartApiServer();
      }
      await look(last ?? 0);
    }
    const seconds = (performance.now() - start) / 1_000;
    const { differences, there } = await compare(controlPlane, beside);
    return { points, changes, seconds, differences, there, held: await entriesOfProcess(curfew) };
  } finally {
    await beside.stop();
  }
}

/** What happens within a step. */
function* changesAt(step: number, standing: number): Generator<Change> {
  const name = `build-${step}`;
  yield storedNamespace(name, step);
  for (let account = 0; account < ACCOUNTS; account += 1) yield storedAccount(name, `web-${account}`, step + account);
  yield storedNamespace(name, step, { 'curfew.dev/warn': 'restricted' });
  const stays = step % standing;
  yield storedNamespace(`team-${stays}`, stays, { 'curfew.dev/audit': step % 2 === 0 ? 'baseline' : 'restricted' });
  yield storedAccount(`team-${stays}`, 'account-0', step);
  if (step < LIFE) return;
  const gone = `build-${step - LIFE}`;
  for (let account = 0; account < ACCOUNTS; account += 1) yield { key: accountKey(gone, `web-${account}`) };
  yield { key: namespaceKey(gone) };
}

/** In this process: of Curfew's own nobody can ask what it holds, object by object. */
async function startIndex({ kubeconfig }: ControlPlane): Promise<ClusterIndex> {
  const nothing = () => undefined;
  const index = createClusterIndex({
    client: await connect({ kubeconfig }),
    recorder: { indexError: nothing, indexContact: nothing, indexSize: nothing, liveRead: nothing },
    log: { info: nothing, warn: nothing },
    clock: createSystemClock(),
    withTokenSecrets: false,
    schemeKeys: new Set(),
  });
  index.start();
  await waitUntil('an index beside is filled', async () => index.isSynced(), CAUGHT_UP_MS);
  return index;
}

function entriesOf(index: ClusterIndex): number {
  const { namespaces, serviceAccounts } = index.status();
  return namespaces.entries + serviceAccounts.entries;
}

async function entriesOfProcess(curfew: ProbedCurfew): Promise<number> {
  const [namespaces, accounts] = await Promise.all(
    ['namespaces', 'serviceaccounts'].map((name) => curfew.metric(`curfew_index_entries{resource="${name}"`)),
  );
  return (namespaces ?? 0) + (accounts ?? 0);
}

/** Object by object with what the API server has; as many on both sides, so that none is held that is gone. */
async function compare({ kubeconfig }: ControlPlane, index: ClusterIndex) {
  const client = await connect({ kubeconfig });
  const signal = AbortSignal.timeout(CAUGHT_UP_MS);
  const differences: string[] = [];
  let there = 0;
  const judge = (what: string, wanted: unknown, held: unknown) => {
    there += 1;
    // What is held is there at once; a promise is a read of what is not.
    if (!isDeepStrictEqual(held, { state: 'found', value: wanted })) differences.push(what);
  };
  for await (const page of listAll(client, { path: '/api/v1/namespaces' }, signal)) {
    for (const object of page) {
      const view = toNamespaceView(object);
      if (view !== undefined) judge(view.name, view, index.reader.namespace(view.name));
    }
  }
  for await (const page of listAll(client, { path: '/api/v1/serviceaccounts' }, signal)) {
    for (const object of page) {
      const view = toServiceAccountView(object);
      if (view === undefined) continue;
      judge(`${view.namespace}/${view.name}`, view, index.reader.serviceAccount(view.namespace, view.name));
    }
  }
  if (entriesOf(index) !== there) differences.push(`${entriesOf(index)} are held, ${there} are there`);
  return { differences, there };
}
