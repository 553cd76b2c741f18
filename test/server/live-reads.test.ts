import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClusterIndex, createUnknownReader } from '../../src/kube/cluster-index.ts';
import { createViewStore } from '../../src/kube/view-store.ts';
import { type FakeApiServer, sendStatus } from './fake-api-server.ts';
import { eventually, type FakeClock } from './fake-clock.ts';
import {
  accountOf,
  accountPath,
  type Counts,
  createIndexHarness,
  type IndexHarness,
  namespaceOf,
  namespacePath,
  startSynced,
} from './index-harness.ts';

let server: FakeApiServer;
let clock: FakeClock;
let index: ClusterIndex;
let counts: Counts;
let harness: IndexHarness;

beforeEach(async () => {
  harness = await createIndexHarness();
  ({ server, clock, index, counts } = harness);
});

afterEach(async () => {
  await index.stop();
  await server.stop();
});

async function namespaceState(name: string): Promise<string> {
  return (await index.reader.namespace(name)).state;
}

describe('live reads', () => {
  it('asks the API server on a miss: found and absent, each remembered for a second', async () => {
    server.put(namespacePath('a'), namespaceOf('a'));
    expect(await namespaceState('a')).toBe('found');
    expect(await index.reader.serviceAccount('a', 'ci')).toEqual({ state: 'absent' });
    expect(await index.reader.serviceAccount('a', 'ci')).toEqual({ state: 'absent' });
    server.remove(namespacePath('a'));
    expect(await namespaceState('a')).toBe('found');
    expect(server.requests).toHaveLength(2);
    clock.advance(1000);
    expect(await namespaceState('a')).toBe('absent');
    expect(counts.live).toEqual(['found', 'absent', 'absent']);
    expect(server.requests[0]?.headers.accept).toContain('as=PartialObjectMetadata;');
  });

  it('asks for a fresh answer though the index has one, once for all who want it at a time', async () => {
    await startSynced(harness);
    server.put(accountPath('a', 'ci'), accountOf('a', 'ci'));
    await eventually(() => index.status().serviceAccounts.entries === 1);
    expect((await index.reader.serviceAccount('a', 'ci')).state).toBe('found');
    expect(counts.live).toEqual([]);
    const fresh = { fresh: true };
    await Promise.all([index.reader.serviceAccount('a', 'ci', fresh), index.reader.serviceAccount('a', 'ci', fresh)]);
    expect(counts.live).toEqual(['found']);
  });

  it('forgets what it remembered when the watch says otherwise', async () => {
    await startSynced(harness);
    expect(await namespaceState('a')).toBe('absent');
    server.put(namespacePath('a'), namespaceOf('a'));
    await eventually(() => index.status().namespaces.entries === 1);
    server.remove(namespacePath('a'));
    await eventually(() => index.status().namespaces.entries === 0);
    expect(await namespaceState('a')).toBe('absent');
    expect(counts.live).toEqual(['absent', 'absent']);
  });

  it('asks once for many who want the same', async () => {
    server.put(namespacePath('a'), namespaceOf('a'));
    const states = await Promise.all(Array.from({ length: 100 }, () => namespaceState('a')));
    expect(new Set(states)).toEqual(new Set(['found']));
    expect(server.requests).toHaveLength(1);
  });

  it('has at most 32 requests in flight, and says so to the rest', async () => {
    server.intercept = () => 'hang';
    const waiting = Array.from({ length: 40 }, (_, count) => index.reader.serviceAccount('a', `n${count}`));
    expect(await waiting[39]).toEqual({ state: 'unknown', why: 'too many live reads (32 in flight)' });
    await eventually(() => server.requests.length === 32);
    clock.advance(500);
    expect(await waiting[0]).toEqual({ state: 'unknown', why: 'no answer within 500 ms' });
    await Promise.all(waiting);
    expect(server.requests).toHaveLength(32);
    expect(clock.sleepers()).toBe(0);
  });

  it.each([
    [403, 'Forbidden'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
  ])('does not know when the API server answers %i, and asks again next time', async (code, reason) => {
    server.intercept = (_, response) => {
      sendStatus(response, code, reason);
      return 'handled';
    };
    const why = `HTTP ${code} ${reason}: it is ${reason}`;
    expect(await index.reader.namespace('a')).toEqual({ state: 'unknown', why });
    expect(await index.reader.namespace('a')).toEqual({ state: 'unknown', why });
    expect(server.requests).toHaveLength(2);
    expect(counts.live).toEqual(['unknown', 'unknown']);
  });

  it('does not know when the API server is away', async () => {
    await server.stop();
    expect(await index.reader.namespace('a')).toMatchObject({
      state: 'unknown',
      why: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each(['', '.', '..', 'a/b', 'a b', 'A', '?watch=1', 'x'.repeat(254)])(
    'never sends the name %j, which cannot exist',
    async (name) => {
      expect(await namespaceState(name)).toBe('absent');
      expect(await index.reader.serviceAccount('a', name)).toEqual({ state: 'absent' });
      expect(await index.reader.serviceAccount(name, 'a')).toEqual({ state: 'absent' });
      expect(server.requests).toHaveLength(0);
    },
  );
});

describe('createViewStore', () => {
  const limits = { sizeOf: (view: string) => view.length, maxBytes: 10, maxEntryBytes: 6 };

  it('keeps no more than its limits, and never an old view in place of a new one', () => {
    const store = createViewStore<string>(limits);
    store.set({ key: 'a', view: '123456' });
    store.set({ key: 'b', view: '123456' });
    expect([store.get('a'), store.get('b'), store.isFull()]).toEqual(['123456', undefined, true]);
    store.set({ key: 'a', view: '1234567' });
    expect(store.get('a')).toBeUndefined();
    store.set({ key: 'b', view: '123456' });
    store.set({ key: 'c', view: '1234' });
    store.delete('b');
    store.delete('b');
    store.set({ key: 'd', view: '123456' });
    expect([store.get('c'), store.get('d'), store.size()]).toEqual(['1234', '123456', 2]);
  });

  it('shows a new content at its commit', () => {
    const store = createViewStore<string>(limits);
    store.set({ key: 'a', view: '1' });
    const fresh = store.collect();
    fresh.add({ key: 'b', view: '2' });
    expect([store.get('a'), store.get('b')]).toEqual(['1', undefined]);
    fresh.commit();
    expect([store.get('a'), store.get('b')]).toEqual([undefined, '2']);
  });
});

describe('createUnknownReader', () => {
  it('knows nothing, and why', async () => {
    const reader = createUnknownReader('there is no cluster');
    const unknown = { state: 'unknown', why: 'there is no cluster' };
    expect(await reader.namespace('a')).toEqual(unknown);
    expect(await reader.serviceAccount('a', 'b')).toEqual(unknown);
  });
});
