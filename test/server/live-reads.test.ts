import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Newness } from '../../src/kube/api.ts';
import { type ClusterIndex, createUnknownReader } from '../../src/kube/cluster-index.ts';
import type { Lookup, ServiceAccountView } from '../../src/objects/views.ts';
import { type FakeApiServer, sendJson, sendStatus } from './fake-api-server.ts';
import { eventually, type FakeClock } from './fake-clock.ts';
import {
  accountOf,
  accountPath,
  annotateUnseen,
  annotationsOf,
  type Counts,
  createIndexHarness,
  type IndexHarness,
  namespaceOf,
  namespacePath,
  startSynced,
  startWithAccount,
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

/** Of namespace `a`, as a review would ask for it. */
async function readAccount(name: string, newness?: Newness): Promise<Lookup<ServiceAccountView>> {
  return await index.reader.serviceAccount('a', name, newness);
}

async function namespaceState(name: string): Promise<string> {
  return (await index.reader.namespace(name)).state;
}

describe('live reads', () => {
  it('asks the API server on a miss: found and absent, each remembered for a second', async () => {
    server.put(namespacePath('a'), namespaceOf('a'));
    expect(await namespaceState('a')).toBe('found');
    expect(await readAccount('ci')).toEqual({ state: 'absent' });
    expect(await readAccount('ci')).toEqual({ state: 'absent' });
    server.remove(namespacePath('a'));
    expect(await namespaceState('a')).toBe('found');
    expect(server.requests).toHaveLength(2);
    clock.advance(1000);
    expect(await namespaceState('a')).toBe('absent');
    expect(counts.live).toEqual(['found', 'absent', 'absent']);
    expect(server.requests[0]?.headers.accept).toContain('as=PartialObjectMetadata;');
  });

  it('asks for a fresh answer though the index has one', async () => {
    await startWithAccount(harness);
    expect((await readAccount('ci')).state).toBe('found');
    expect(counts.live).toEqual([]);
    expect(await readAccount('ci', 'now')).toMatchObject({ state: 'found' });
    expect(await readAccount('ci', 'now')).toMatchObject({ state: 'found' });
    expect(counts.live).toEqual(['found', 'found']);
  });

  it('never answers a fresh lookup with what was asked before it, and asks once for all who came too late', async () => {
    await startWithAccount(harness);
    const held: (() => void)[] = [];
    server.intercept = ({ path }, response) => {
      if (path !== accountPath('a', 'ci')) return 'pass';
      const seen = server.get(path);
      held.push(() => sendJson(response, 200, seen));
      return 'handled';
    };
    const first = readAccount('ci', 'now');
    await eventually(() => held.length === 1);
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    const late = Array.from({ length: 20 }, () => readAccount('ci', 'now'));
    held[0]?.();
    expect(annotationsOf(await first)).toEqual([]);
    await eventually(() => held.length === 2);
    held[1]?.();
    for (const lookup of await Promise.all(late)) expect(annotationsOf(lookup)).toEqual(['tokens.curfew.dev/vault']);
    expect(counts.live).toEqual(['found', 'found']);
  });

  it('answers by the index, and says why it is stale, when a fresh answer does not come in time', async () => {
    await startWithAccount(harness);
    server.intercept = () => 'hang';
    const before = server.requests.length;
    const asked = ['ci', 'other'].map((name) => readAccount(name, 'now'));
    await eventually(() => server.requests.length === before + 2);
    clock.advance(1500);
    const why = 'no answer within 1500 ms';
    expect(await asked[0]).toMatchObject({ state: 'found', value: { name: 'ci' }, stale: why });
    expect(await asked[1]).toEqual({ state: 'unknown', why });
  });

  it('prefers for a second what a fresh answer said to what the index still holds', async () => {
    await startWithAccount(harness);
    annotateUnseen(harness, 'curfew.dev/api-access');
    expect(annotationsOf(await readAccount('ci', 'now'))).toEqual(['curfew.dev/api-access']);
    expect(annotationsOf(await readAccount('ci'))).toEqual(['curfew.dev/api-access']);
    clock.advance(1000);
    expect(annotationsOf(await readAccount('ci'))).toEqual([]);
    expect(counts.live).toEqual(['found']);
  });

  it('falls back to what it read within the last second, if a fresh answer does not come', async () => {
    await startWithAccount(harness);
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    await readAccount('ci', 'now');
    server.intercept = () => 'hang';
    const before = server.requests.length;
    const asked = readAccount('ci', 'now');
    await eventually(() => server.requests.length === before + 1);
    clock.advance(999);
    await index.stop();
    const lookup = await asked;
    expect(lookup).toMatchObject({ state: 'found', stale: expect.any(String) });
    expect(annotationsOf(lookup)).toEqual(['tokens.curfew.dev/vault']);
  });

  it('reads a namespace anew where a fresh answer is wanted', async () => {
    await startSynced(harness);
    server.put(namespacePath('a'), namespaceOf('a'));
    await eventually(() => index.status().namespaces.entries === 1);
    server.isMute = true;
    const annotations = { 'tokens.curfew.dev/vault': 'x' };
    server.put(namespacePath('a'), { kind: 'Namespace', metadata: { name: 'a', annotations } });
    expect(await index.reader.namespace('a', 'now')).toMatchObject({
      state: 'found',
      value: { annotations: new Map(Object.entries(annotations)) },
    });
    expect(server.requests.at(-1)?.headers.accept).toContain('as=PartialObjectMetadata;');
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

  it('has at most 32 requests in flight: the rest waits, no longer than its deadline', async () => {
    server.intercept = () => 'hang';
    const waiting = Array.from({ length: 40 }, (_, count) => readAccount(`n${count}`));
    await eventually(() => server.requests.length === 32);
    clock.advance(500);
    for (const answer of await Promise.all(waiting)) {
      expect(answer).toEqual({ state: 'unknown', why: 'no answer within 500 ms' });
    }
    expect(server.requests).toHaveLength(32);
    expect(clock.sleepers()).toBe(0);
  });

  it('answers a burst of names that are all new', async () => {
    const names = Array.from({ length: 500 }, (_, count) => `n${count}`);
    for (const name of names) server.put(accountPath('a', name), accountOf('a', name));
    const answers = await Promise.all(names.map((name) => readAccount(name)));
    expect(answers.filter(({ state }) => state === 'found')).toHaveLength(500);
  });

  it('lets at most 1024 wait, and says so to the rest', async () => {
    server.intercept = () => 'hang';
    const waiting = Array.from({ length: 32 + 1024 + 1 }, (_, count) => readAccount(`n${count}`));
    const why = 'too many live reads (32 in flight, 1024 waiting)';
    expect(await waiting.at(-1)).toEqual({ state: 'unknown', why });
    clock.advance(500);
    await Promise.all(waiting);
    expect(counts.live).toHaveLength(1057);
  });

  it('stops looking up names of a namespace of which too many do not exist, and goes on a moment later', async () => {
    const lookUp = async (namespace: string, name: string) => await index.reader.serviceAccount(namespace, name);
    for (let count = 0; count < 100; count += 1) {
      expect(await lookUp('a', `n${count}`)).toEqual({ state: 'absent' });
    }
    const spent = { state: 'unknown', why: 'too many names that do not exist were looked up' };
    const flood = await Promise.all(Array.from({ length: 1000 }, (_, count) => lookUp('a', `m${count}`)));
    expect(new Set(flood.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(spent)]));
    expect(server.requests).toHaveLength(100);
    expect(counts.live.filter((outcome) => outcome === 'unknown')).toHaveLength(1000);
    // Neither another namespace nor an account of which the API server said that it exists pays for that.
    server.put(accountPath('a', 'ci'), accountOf('a', 'ci'));
    expect(await lookUp('b', 'n0')).toEqual({ state: 'absent' });
    expect(await readAccount('ci', 'now')).toMatchObject({ state: 'found' });
    clock.advance(1000);
    const later = await Promise.all(Array.from({ length: 30 }, (_, count) => lookUp('a', `later${count}`)));
    expect(later.at(0)).toEqual({ state: 'absent' });
    expect(await lookUp('a', 'another')).toEqual(spent);
    // They were asked at once, before the first was answered: 20 more than there was to spend, which is paid back first.
    clock.advance(2000);
    expect(await lookUp('a', 'another')).toEqual(spent);
    clock.advance(100);
    expect(await lookUp('a', 'another')).toEqual({ state: 'absent' });
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
      expect(await readAccount(name)).toEqual({ state: 'absent' });
      expect(await index.reader.serviceAccount(name, 'a')).toEqual({ state: 'absent' });
      expect(server.requests).toHaveLength(0);
    },
  );
});

describe('createUnknownReader', () => {
  it('knows nothing, and why', async () => {
    const reader = createUnknownReader('there is no cluster');
    const unknown = { state: 'unknown', why: 'there is no cluster', isFinal: true };
    expect(await reader.namespace('a')).toEqual(unknown);
    expect(await reader.serviceAccount('a', 'b')).toEqual(unknown);
  });
});
