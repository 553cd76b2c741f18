/** Changes of accounts and namespaces are told before they are let in, and pods go by what is after them. */

import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServedIndex, type ServedIndex } from '../../src/cli/serve-index.ts';
import { connect } from '../../src/kube/client.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import { createSilentRecorder } from '../../src/metrics/recorder.ts';
import type { IndexedObject } from '../../src/objects/changed-view.ts';
import { asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { createChanges } from '../../src/server/changes.ts';
import { endListening, listen } from '../../src/server/listen.ts';
import { buildOperationsApp } from '../../src/server/operations-app.ts';
import { findFreePorts } from '../free-ports.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';
import { createFakeClock, eventually, type FakeClock } from './fake-clock.ts';
import { accountOf, accountPath, namespaceOf, namespacePath } from './index-harness.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp } from './start-app.ts';

const VAULT = { 'tokens.curfew.dev/vault': '{audience: vault}' };
const ACCOUNT: JsonObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop' } };
const ASKING: JsonObject = { ...ACCOUNT, metadata: { name: 'web', namespace: 'shop', annotations: VAULT } };
const OF_ACCOUNT = { operation: 'UPDATE', oldObject: ACCOUNT, name: 'web' };
const ANNOTATED = review('serviceaccounts', ASKING, OF_ACCOUNT);

describe('A change that is reviewed', () => {
  let app: StartedApp;
  let told: IndexedObject[];
  let held: PromiseWithResolvers<void>;

  beforeEach(async () => {
    told = [];
    held = Promise.withResolvers();
    const tellAll = async (changed: IndexedObject): Promise<void> => {
      told.push(changed);
      await held.promise;
    };
    const index = { invalidate: (changed: IndexedObject) => void told.push(changed) };
    app = await startApp({}, undefined, {
      changes: createChanges({ schemeKeys: new Set(), index, peers: { tell: tellAll } }),
    });
  });
  afterEach(async () => {
    held.resolve();
    await app.stop();
  });

  it('of an account is let in once all were told, this replica first', async () => {
    let isAnswered = false;
    const answer = app.send('/validate/review', ANNOTATED).finally(() => (isAnswered = true));
    await eventually(() => told.length === 2);
    // What needs nobody's word is answered meanwhile, on another connection.
    expect((await app.send('/validate/pods', review('pods', ADMITTED_POD))).status).toBe(200);
    expect(isAnswered).toBe(false);
    held.resolve();
    expect(valueAt(JSON.parse((await answer).text), ['response', 'allowed'])).toBe(true);
    const changed = { resource: 'serviceaccounts', key: 'shop/web' };
    expect(told).toEqual([changed, changed]);
  });

  it('is told before a fault is answered, which lets it in where the entry fails open', async () => {
    const broken = async () => await Promise.reject(new Error('broken'));
    await app.stop();
    app = await startApp(
      {},
      { ...PLAIN_READER, namespace: broken },
      {
        changes: createChanges({
          schemeKeys: new Set(),
          index: { invalidate: (changed) => void told.push(changed) },
          peers: { tell: async () => await held.promise },
        }),
      },
    );
    let isAnswered = false;
    const answer = app.send('/validate/review', ANNOTATED).finally(() => (isAnswered = true));
    await eventually(() => told.length === 1);
    await app.send('/validate/pods', review('pods', ADMITTED_POD));
    expect(isAnswered).toBe(false);
    held.resolve();
    expect((await answer).status).toBe(500);
  });

  it('of a namespace is told too, by its guard', async () => {
    held.resolve();
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
    const asking = { ...namespace, metadata: { name: 'shop', annotations: VAULT } };
    const more = { operation: 'UPDATE', oldObject: namespace, name: 'shop', namespace: 'shop' };
    expect((await app.send('/validate/namespaces', review('namespaces', asking, more))).status).toBe(200);
    expect(told[1]).toEqual({ resource: 'namespaces', key: 'shop' });
  });

  it.each([
    ['is a dry run', '/validate/review', review('serviceaccounts', ASKING, { ...OF_ACCOUNT, dryRun: true })],
    ['may still be changed by others', '/mutate/service-accounts', ANNOTATED],
    ['changes nothing that is kept', '/validate/review', review('serviceaccounts', ACCOUNT, OF_ACCOUNT)],
    ['is of something else', '/validate/pods', review('pods', ADMITTED_POD)],
  ])('is not told where it %s', async (_title, path, body) => {
    expect((await app.send(path, body)).status).toBe(200);
    expect(told).toEqual([]);
  });
});

describe('Two replicas', () => {
  const SLICE = '/apis/discovery.k8s.io/v1/namespaces/curfew-system/endpointslices/curfew-a';
  const NUMBERS = [1, 2];
  type Running = ServedIndex & {
    readonly app: StartedApp;
    readonly operations: Server;
    readonly ending: AbortController;
  };
  let api: FakeApiServer;
  let clock: FakeClock;
  let replicas: Running[];

  beforeEach(async () => {
    api = await startFakeApiServer();
    clock = createFakeClock();
    api.put(namespacePath('shop'), namespaceOf('shop'));
    api.put(accountPath('shop', 'web'), accountOf('shop', 'web'));
    list(NUMBERS);
    const [port = 0] = await findFreePorts(1);
    replicas = [];
    for (const number of NUMBERS) replicas.push(await start(number, port));
    await eventually(() => replicas.every(({ index }) => index.isSynced()) && api.watches() === 6);
  });
  afterEach(async () => {
    for (const { app, operations, ending, index } of replicas) {
      ending.abort();
      await app.stop();
      await endListening(operations);
      await index.stop();
    }
    await api.stop();
  });

  it('give a pod what its account asks for since a moment ago, which no watch has told yet, whichever of them is asked', async () => {
    await untilTold();
    api.isMute = true;
    const before = api.requests.length;
    for (const { app } of replicas) expect(await makePod(app)).not.toContain('curfew.dev/injected');
    expect(api.requests.slice(before).map(({ path }) => path)).toEqual([]);

    const reviewed = await replicas[0]?.app.send('/validate/review', ANNOTATED);
    expect(reviewed?.text).toContain('"allowed":true');
    api.put(accountPath('shop', 'web'), { ...ASKING });
    for (const { app } of replicas) expect(await makePod(app)).toContain('curfew.dev/injected');
  });

  it('read all live while one of them is not heard', async () => {
    await untilTold();
    api.isMute = true;
    api.put(accountPath('shop', 'web'), { ...ASKING });
    expect(await makePod(replicas[1]?.app)).not.toContain('curfew.dev/injected');
    api.isMute = false;
    list([...NUMBERS, 3]);
    await eventually(() => replicas[1]?.peers?.missing() === 'nothing is heard of replica curfew-3');
    expect(await makePod(replicas[1]?.app)).toContain('curfew.dev/injected');
  });

  /** With the parts of `curfew serve`; on 127.0.0.N, since all of them listen on one port for each other. */
  async function start(number: number, port: number): Promise<Running> {
    const keys = { mutateMode: 'apply', foreignWebhooks: { watch: false } };
    const configuration = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
    if (!configuration.ok) throw new Error(JSON.stringify(configuration.problems));
    const recorder = createPrometheusRecorder('test', clock.monotonic);
    const served = createServedIndex({
      client: await connect({ kubeconfig: api.kubeconfig }),
      recorder,
      log: createLogger('error', { write: () => undefined }),
      clock,
      configuration: configuration.configuration,
      release: 'curfew',
      onWebhooksChange: () => undefined,
      replica: { pod: `curfew-${number}`, namespace: 'curfew-system', operationsPort: port },
      isStopping: () => false,
    });
    const onPeerMessage = served.peers?.heard;
    const operations = buildOperationsApp({ readiness: [], notes: [], metrics: recorder, onPeerMessage });
    await listen(operations, { host: `127.0.0.${number}`, port });
    const app = await startApp(keys, served.index.reader, { changes: served.changes });
    const ending = new AbortController();
    served.index.start();
    void served.peers?.run(ending.signal);
    return { ...served, app, operations, ending };
  }

  function list(numbers: readonly number[]): void {
    const endpoints = numbers.map((number) => ({
      addresses: [`127.0.0.${number}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `curfew-${number}` },
    }));
    api.put(SLICE, { kind: 'EndpointSlice', metadata: { name: 'curfew-a', namespace: 'curfew-system' }, endpoints });
  }

  /** 45 seconds in which each says that it is there. */
  async function untilTold(): Promise<void> {
    for (let round = 0; round < 9; round += 1) {
      await eventually(() => clock.sleepsOf(5_000) === NUMBERS.length);
      clock.advance(5_000);
    }
    await eventually(() => replicas.every(({ peers }) => peers?.missing() === undefined));
  }
});

it('A replica that has no name, where there may be others, reads all live', async () => {
  const api = await startFakeApiServer();
  const lines: string[] = [];
  const configuration = readConfiguration(EMPTY_CONFIGURATION_FILE);
  if (!configuration.ok) throw new Error(JSON.stringify(configuration.problems));
  const { index } = createServedIndex({
    client: await connect({ kubeconfig: api.kubeconfig }),
    recorder: createSilentRecorder(),
    log: createLogger('warn', { write: (line) => lines.push(line) }),
    clock: createFakeClock(),
    configuration: configuration.configuration,
    release: 'curfew',
    onWebhooksChange: () => undefined,
    replica: 'unnamed',
    isStopping: () => false,
  });
  api.put(namespacePath('shop'), namespaceOf('shop'));
  index.start();
  await eventually(() => index.isSynced() && index.status().namespaces.entries === 1);
  expect(api.requests.map(({ path }) => path)).not.toContain(namespacePath('shop'));
  await index.reader.namespace('shop', 'onMiss');
  expect(api.requests.map(({ path }) => path)).toContain(namespacePath('shop'));
  expect(lines.join('')).toContain('without --replica-name');
  await index.stop();
  await api.stop();
});

/** The patch that a pod of account `web` gets. */
async function makePod(app: StartedApp | undefined): Promise<string> {
  const response = member(
    JSON.parse((await app?.send('/mutate/pods', review('pods', ADMITTED_POD)))?.text ?? ''),
    'response',
  );
  expect(member(response, 'allowed')).toBe(true);
  return Buffer.from(asString(member(response, 'patch')) ?? '', 'base64').toString();
}
