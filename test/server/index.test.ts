import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterIndex } from '../../src/kube/cluster-index.ts';
import { type FakeApiServer, sendJson, sendStatus } from './fake-api-server.ts';
import { eventually, type FakeClock } from './fake-clock.ts';
import {
  ACCOUNTS,
  accountOf,
  accountPath,
  type Counts,
  createIndexHarness,
  type IndexHarness,
  NAMESPACES,
  namespaceOf,
  namespacePath,
  startSynced,
} from './index-harness.ts';

let server: FakeApiServer;
let clock: FakeClock;
let index: ClusterIndex;
let counts: Counts;
let harness: IndexHarness;

/** A key of an administrator's own preset. */
const OWN_KEY = 'shop.example/role';

beforeEach(async () => {
  harness = await createIndexHarness({ schemeKeys: new Set([OWN_KEY]) });
  ({ server, clock, index, counts } = harness);
});

afterEach(async () => {
  await index.stop();
  await server.stop();
});

async function namespaceState(name: string): Promise<string> {
  return (await index.reader.namespace(name)).state;
}

const found = (value: unknown) => ({ state: 'found', value });
const lists = (path: string) =>
  server.requests.filter((request) => request.path === path && request.query.get('watch') === null);
const watchesOf = (path: string) =>
  server.requests.filter((request) => request.path === path && request.query.get('watch') === 'true');

describe('what is kept', () => {
  it('is ours, what the built-in presets read, and what presets of one’s own read: listed, watched and read live', async () => {
    const annotations = { [OWN_KEY]: 'web', 'eks.amazonaws.com/role-arn': 'arn', 'shop.example/other': 'x' };
    const account = (name: string) => ({ kind: 'ServiceAccount', metadata: { namespace: 'a', name, annotations } });
    server.put(namespacePath('a'), namespaceOf('a', { [OWN_KEY]: 'web', 'shop.example/other': 'x' }));
    server.put(accountPath('a', 'ci'), account('ci'));
    await startSynced(harness);
    const kept = new Map([
      [OWN_KEY, 'web'],
      ['eks.amazonaws.com/role-arn', 'arn'],
    ]);
    expect(await index.reader.serviceAccount('a', 'ci')).toMatchObject(found({ annotations: kept }));
    expect(await index.reader.serviceAccount('a', 'ci', 'now')).toMatchObject(found({ annotations: kept }));
    expect(await index.reader.namespace('a')).toMatchObject(found({ labels: new Map([[OWN_KEY, 'web']]) }));
  });
});

describe('list and watch', () => {
  it('lists in pages, metadata only where labels suffice, and keeps narrow views', async () => {
    server.maxPage = 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(namespacePath(name), namespaceOf(name));
    const labels = { 'curfew.dev/enforce': 'restricted', team: 'x' };
    server.put(namespacePath('a'), namespaceOf('a', labels));
    const account = accountOf('a', 'ci', { automountServiceAccountToken: false, secrets: [{ name: 's' }] });
    server.put(accountPath('a', 'ci'), account);
    await startSynced(harness);

    expect(lists(NAMESPACES).map((request) => request.query.get('limit'))).toEqual(['500', '500', '500']);
    expect(lists(NAMESPACES).map((request) => request.query.get('continue'))).toEqual([null, '2', '4']);
    expect(lists(NAMESPACES)[0]?.headers.accept).toBe(
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    );
    expect(lists(ACCOUNTS)[0]?.headers.accept).toBe('application/json');
    const watch = watchesOf(NAMESPACES)[0];
    expect(Object.fromEntries(watch?.query ?? [])).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '107',
      timeoutSeconds: '450',
    });
    expect(watch?.headers.accept).toContain('as=PartialObjectMetadata;');

    expect(await index.reader.namespace('a')).toEqual(
      found({ name: 'a', labels: new Map([['curfew.dev/enforce', 'restricted']]), annotations: new Map() }),
    );
    expect(await index.reader.serviceAccount('a', 'ci')).toEqual(
      found({ namespace: 'a', name: 'ci', automount: false, annotations: new Map() }),
    );
    expect(index.status()).toEqual({
      namespaces: { synced: true, entries: 5, lastContact: clock.monotonic(), failure: undefined, isCurrent: true },
      serviceAccounts: {
        synced: true,
        entries: 1,
        lastContact: clock.monotonic(),
        failure: undefined,
        isCurrent: true,
      },
      tokenSecrets: undefined,
      mutatingWebhooks: undefined,
    });
    expect(Object.fromEntries(counts.sizes)).toEqual({ namespaces: 5, serviceaccounts: 1 });
    expect(counts.live).toEqual([]);
    expect(counts.errors).toBe(0);
  });

  it('follows additions, changes and removals', async () => {
    await startSynced(harness);
    server.put(accountPath('a', 'ci'), accountOf('a', 'ci'));
    await eventually(() => index.status().serviceAccounts.entries === 1);
    server.put(accountPath('a', 'ci'), accountOf('a', 'ci', { automountServiceAccountToken: true }));
    server.put(accountPath('a', 'other'), accountOf('a', 'other'));
    await eventually(() => index.status().serviceAccounts.entries === 2);
    expect(await index.reader.serviceAccount('a', 'ci')).toMatchObject({ value: { automount: true } });
    server.remove(accountPath('a', 'ci'));
    await eventually(() => index.status().serviceAccounts.entries === 1);
    expect(await index.reader.serviceAccount('a', 'ci')).toEqual({ state: 'absent' });
    expect(counts.live).toEqual(['absent']);
  });

  it('is not synced until both first lists are complete', async () => {
    server.intercept = (request, response) => {
      if (request.path !== ACCOUNTS) return 'pass';
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    index.start();
    await eventually(() => index.status().namespaces.synced && counts.errors === 1);
    expect(index.isSynced()).toBe(false);
    expect(counts.lines).toContain(
      'index lost the API server, will try again: list /api/v1/serviceaccounts: HTTP 403 Forbidden: it is Forbidden',
    );
    server.intercept = () => 'pass';
    clock.advance(500);
    await eventually(() => index.isSynced());
    expect(counts.lines).toContain('index hears the API server again');
  });

  it('goes on from the last version after the server closed the watch, and after a bookmark', async () => {
    await startSynced(harness);
    server.put(namespacePath('a'), namespaceOf('a'));
    server.put(accountPath('a', 'x'), accountOf('a', 'x'));
    server.bookmark();
    await eventually(() => counts.contacts === 6);
    server.closeWatches();
    await eventually(() => server.watches() === 2);
    expect(watchesOf(NAMESPACES).map((request) => request.query.get('resourceVersion'))).toEqual(['100', '102']);
    expect(lists(NAMESPACES)).toHaveLength(1);
    expect(counts.errors).toBe(0);
  });

  it('waits longer and longer while it fails, and starts anew from the last version', async () => {
    await startSynced(harness);
    server.intercept = (_, response) => {
      sendStatus(response, 500, 'InternalError');
      return 'handled';
    };
    server.breakWatches();
    await eventually(() => counts.errors === 2 && clock.sleepers() === 2);
    // 500 ms doubled with each failure, three quarters of it with this clock's dice.
    for (const [round, wait] of [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500].entries()) {
      clock.advance(wait - 1);
      const before = counts.errors;
      expect(clock.sleepers()).toBe(2);
      clock.advance(1);
      await eventually(() => counts.errors === before + 2 && clock.sleepers() === 2);
      expect(counts.errors).toBe(2 * (round + 2));
    }
    server.intercept = () => 'pass';
    clock.advance(22_500);
    await eventually(() => server.watches() === 2);
    expect(lists(NAMESPACES)).toHaveLength(1);
  });

  it('lists again on 410, with the old content readable until the new one is complete', async () => {
    server.put(namespacePath('gone'), namespaceOf('gone'));
    server.put(namespacePath('stays'), namespaceOf('stays'));
    await startSynced(harness);
    const pages: (() => void)[] = [];
    server.intercept = (request, response) => {
      if (request.path !== NAMESPACES || request.query.get('watch') !== null) return 'pass';
      pages.push(() =>
        sendJson(response, 200, {
          metadata: { resourceVersion: '500' },
          items: [namespaceOf('stays'), namespaceOf('new')],
        }),
      );
      return 'hang';
    };
    server.bookmark();
    await eventually(() => counts.contacts === 4);
    server.compact();
    server.closeWatches();
    await eventually(() => pages.length === 1);
    expect(await namespaceState('gone')).toBe('found');
    expect(counts.live).toEqual([]);
    for (const send of pages) send();
    await eventually(() => server.watches() === 2);
    expect(counts.errors).toBe(0);
    server.intercept = (request, response) => {
      if (request.path !== namespacePath('gone')) return 'pass';
      sendStatus(response, 404, 'NotFound');
      return 'handled';
    };
    expect(await namespaceState('new')).toBe('found');
    expect(await namespaceState('gone')).toBe('absent');
  });

  it('does not lose a watch line that it cannot read, but starts anew', async () => {
    await startSynced(harness);
    server.sendLine('{"type":"ADDED","object":{"metadata":{"name":');
    await eventually(() => counts.errors === 2);
    server.put(namespacePath('a'), namespaceOf('a'));
    clock.advance(500);
    await eventually(() => index.status().namespaces.entries === 1);
    expect(counts.lines.filter((line) => line.includes('is not JSON'))).toHaveLength(2);
  });

  it('ends a silent watch after three minutes and watches again from the same version', async () => {
    await startSynced(harness);
    clock.advance(2 * 60_000);
    server.bookmark();
    await eventually(() => counts.contacts === 4);
    clock.advance(2 * 60_000);
    expect(counts.errors).toBe(0);
    expect(server.watches()).toBe(2);
    await eventually(() => clock.sleepers() === 2);
    clock.advance(60_000);
    await eventually(() => counts.errors === 2 && server.watches() === 0);
    expect(counts.lines).toContain('index lost the API server, will try again: the watch was silent for 180 s');
    clock.advance(500);
    await eventually(() => server.watches() === 2);
    expect(lists(NAMESPACES)).toHaveLength(1);
  });

  it('asks for smaller pages when one is too large', async () => {
    const padding = 'x'.repeat(250_000);
    for (let count = 0; count < 80; count += 1) {
      server.put(accountPath('a', `n${count}`), accountOf('a', `n${count}`, { padding }));
    }
    index.start();
    await eventually(() => counts.errors === 1);
    clock.advance(500);
    await eventually(() => counts.errors === 2);
    clock.advance(1000);
    await eventually(() => index.isSynced());
    expect(lists(ACCOUNTS).map((request) => request.query.get('limit'))).toEqual(['500', '125', '31', '31', '31']);
    expect(index.status().serviceAccounts.entries).toBe(80);
  });

  it('stops in the middle of anything', async () => {
    server.intercept = () => 'hang';
    index.start();
    await eventually(() => server.requests.length === 2);
    const waiting = index.reader.namespace('a');
    await index.stop();
    expect(await waiting).toEqual({ state: 'unknown', why: 'the index is stopped' });
    expect(clock.sleepers()).toBe(0);
    expect(counts.errors).toBe(0);
  });
});
