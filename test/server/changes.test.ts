/** Changes of accounts and namespaces are told before they are let in, and pods go by what is after them. */

import { Agent } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IndexedObject } from '../../src/objects/changed-view.ts';
import { asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { createChanges } from '../../src/server/changes.ts';
import { findFreePorts } from '../free-ports.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';
import { eventually } from './fake-clock.ts';
import { accountOf, accountPath, namespaceOf, namespacePath } from './index-harness.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

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
  let api: FakeApiServer;
  let replicas: ServerProcess[];

  beforeEach(async () => {
    api = await startFakeApiServer();
    api.put(namespacePath('shop'), namespaceOf('shop'));
    api.put(accountPath('shop', 'web'), accountOf('shop', 'web'));
    list(NUMBERS);
    const [port = 0] = await findFreePorts(1);
    replicas = await Promise.all(
      NUMBERS.map((number) =>
        startServerProcess({
          args: ['--kubeconfig', api.kubeconfig, '--namespace', 'curfew-system', '--replica-name', `curfew-${number}`],
          config: 'mutateMode: apply\nforeignWebhooks: { watch: false }\n',
          operations: `127.0.0.${number}:${port}`,
        }),
      ),
    );
  });
  afterEach(async () => {
    for (const replica of replicas) await replica.stop();
    await api.stop();
  });

  it('give a pod what its account asks for since a moment ago, which no watch has told yet, whichever of them is asked', async () => {
    await untilTold();
    api.isMute = true;
    const before = api.requests.length;
    for (const replica of replicas) expect(await makePod(replica)).not.toContain('curfew.dev/injected');
    expect(api.requests.slice(before).map(({ path }) => path)).toEqual([]);

    const reviewed = await replicas[0]?.post('/validate/review', JSON.stringify(ANNOTATED));
    expect(reviewed?.text).toContain('"allowed":true');
    api.put(accountPath('shop', 'web'), { ...ASKING });
    for (const replica of replicas) expect(await makePod(replica)).toContain('curfew.dev/injected');
  });

  it('read all live while one of them is not heard', async () => {
    await untilTold();
    api.isMute = true;
    api.put(accountPath('shop', 'web'), { ...ASKING });
    expect(await makePod(replicas[1])).not.toContain('curfew.dev/injected');
    api.isMute = false;
    list([...NUMBERS, 3]);
    await expect.poll(async () => await notesOf(replicas[1])).toContain('nothing is heard of replica curfew-3');
    expect(await makePod(replicas[1])).toContain('curfew.dev/injected');
  });

  function list(numbers: readonly number[]): void {
    const endpoints = numbers.map((number) => ({
      addresses: [`127.0.0.${number}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `curfew-${number}` },
    }));
    api.put(SLICE, { kind: 'EndpointSlice', metadata: { name: 'curfew-a', namespace: 'curfew-system' }, endpoints });
  }

  async function untilTold(): Promise<void> {
    for (const replica of replicas) {
      await expect.poll(async () => await notesOf(replica)).toContain('[+] told of changes by the other replicas\n');
    }
  }
});

async function notesOf(replica: ServerProcess | undefined): Promise<string> {
  return await (await fetch(`${replica?.operationsUrl}/readyz?verbose`)).text();
}

/** The patch that a pod of account `web` gets. */
async function makePod(replica: ServerProcess | undefined): Promise<string> {
  const agent = new Agent({ keepAlive: false });
  const posted = await replica?.post('/mutate/pods', JSON.stringify(review('pods', ADMITTED_POD)), { agent });
  const response = member(JSON.parse(posted?.text ?? ''), 'response');
  expect(member(response, 'allowed')).toBe(true);
  return Buffer.from(asString(member(response, 'patch')) ?? '', 'base64').toString();
}
