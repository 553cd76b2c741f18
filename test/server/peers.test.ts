import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Replica } from '../../src/kube/replica-index.ts';
import type { IndexedObject } from '../../src/objects/changed-view.ts';
import type { Lookup } from '../../src/objects/views.ts';
import { endListening, listen } from '../../src/server/listen.ts';
import { buildOperationsApp } from '../../src/server/operations-app.ts';
import { findFreePorts } from '../free-ports.ts';
import { createFakeClock, eventually, type FakeClock } from './fake-clock.ts';
import { hearAll, type Started, startPeer } from './started-peer.ts';

const RECENT = 'all replicas are heard of, but only since a moment ago';
const CHANGED: IndexedObject = { resource: 'serviceaccounts', key: 'shop/web' };

let clock: FakeClock;
let port: number;
let listed: Lookup<readonly Replica[]>;
let started: Started[];
let stopping: Set<string>;

beforeEach(async () => {
  clock = createFakeClock();
  [port = 0] = await findFreePorts(1);
  listed = { state: 'found', value: [] };
  started = [];
  stopping = new Set();
});
afterEach(async () => {
  for (const one of started) await one.stop();
});

describe('Replicas that are listed', () => {
  it('hear from each other, and go on', async () => {
    const [one] = await startAll(3);
    await eventually(() => started.every(({ peers }) => peers.missing() === RECENT));
    await eventually(() => clock.sleepsOf(5_000) === 3);
    clock.advance(20_000);
    expect(one?.peers.missing()).toBe('nothing is heard of replica curfew-2');
    await eventually(() => started.every(({ peers }) => peers.missing() === RECENT));
    await settle();
    expect(started.map(({ peers }) => peers.missing())).toEqual([undefined, undefined, undefined]);
    expect(started.flatMap(({ changed }) => changed)).toEqual([]);
  });

  it('tell each other of a change, and whoever tells knows when they were told', async () => {
    const [one, two, three] = await startAll(3);
    await one?.peers.tell(CHANGED);
    expect([one?.changed, two?.changed, three?.changed]).toEqual([[], [CHANGED], [CHANGED]]);
    expect(await one?.told('confirmed')).toBe(2);
    expect(await one?.told('missed')).toBe(0);
  });

  it('tell hundreds of changes at once by a few connections', async () => {
    const [one, two] = await startAll(2);
    const keys = Array.from({ length: 300 }, (_, count) => `shop/web-${count}`);
    let most = 0;
    two?.server.on('connection', () => two.server.getConnections((_, count) => (most = Math.max(most, count))));
    await Promise.all(keys.map(async (key) => await one?.peers.tell({ ...CHANGED, key })));
    expect(two?.changed.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(10);
  });
});

describe('A replica cannot rely on being told', () => {
  it('before all who are listed were heard of, and for as long after that as an API server may take to store a change', async () => {
    const one = await start(1);
    const two = await start(2);
    listed = { state: 'found', value: [one.replica, two.replica] };
    expect(one.peers.missing()).toBe('nothing is heard of replica curfew-2');
    void two.peers.run(two.ending);
    await eventually(() => one.peers.missing() === RECENT);
    expect(two.peers.missing()).toBe('nothing is heard of replica curfew-1');
    await settle([two, one], 39_000);
    expect(one.peers.missing()).toBe(RECENT);
    await settle([two, one], 1_000);
    expect(one.peers.missing()).toBeUndefined();
  });

  it('while one that is listed is silent, and for a while after it was, though nobody asked meanwhile', async () => {
    const [one, two] = await startAll(2);
    await settle();
    await two?.stop();
    clock.advance(16_499);
    expect(one?.peers.missing()).toBeUndefined();
    clock.advance(2);
    one?.peers.heard({ from: 'curfew-2' });
    expect(one?.peers.missing()).toBe(RECENT);
    clock.advance(17_501);
    expect(one?.peers.missing()).toBe('nothing is heard of replica curfew-2');
    list(one);
    expect(one?.peers.missing()).toBeUndefined();
  });

  it('on one that tells of changes alone', async () => {
    const [one, two] = await startAll(2);
    await settle();
    await two?.stop();
    clock.advance(16_000);
    one?.peers.heard({ from: 'curfew-2', changed: CHANGED });
    clock.advance(1_000);
    expect(one?.changed).toEqual([CHANGED]);
    expect(one?.peers.missing()).toBe('nothing is heard of replica curfew-2');
  });

  it('while it is not listed itself, as one that is not ready', async () => {
    const [one, two] = await startAll(2);
    await settle();
    list(two);
    expect(one?.peers.missing()).toBe('curfew-1 is not listed as ready');
  });

  it('while nobody knows who is there', async () => {
    const [one] = await startAll(2);
    listed = { state: 'unknown', why: 'the API server does not answer' };
    one?.peers.poke();
    expect(one?.peers.missing()).toBe('the API server does not answer');
    listed = { state: 'absent' };
    expect(one?.peers.missing()).toBe('replicas are not watched');
  });

  it('once it is stopping', async () => {
    const only = await start(1);
    list(only);
    expect(only.peers.missing()).toBeUndefined();
    stopping.add('curfew-1');
    expect(only.peers.missing()).toBe('it is stopping');
  });
});

describe('Whoever lets a change in', () => {
  it('tells those who were there when they were last known', async () => {
    const [one, two] = await startAll(2);
    listed = { state: 'unknown', why: 'the API server does not answer' };
    one?.peers.poke();
    await one?.peers.tell(CHANGED);
    expect(two?.changed).toEqual([CHANGED]);
  });

  it('tells one that is listed no longer for as long as it may not know, and does not miss it', async () => {
    const [one, two] = await startAll(2);
    await eventually(() => clock.sleepsOf(5_000) === 2);
    list(one);
    await one?.peers.tell(CHANGED);
    expect(two?.changed).toEqual([CHANGED]);
    await two?.stop();
    await one?.peers.tell(CHANGED);
    expect(await one?.told('missed')).toBe(0);
    clock.advance(18_001);
    await one?.peers.tell(CHANGED);
    expect(await one?.told('confirmed')).toBe(1);
  });

  it('waits for the first list of the others, and says where it does not come in time', async () => {
    const one = await start(1);
    const two = await start(2);
    listed = { state: 'unknown', why: 'replicas are not listed yet' };
    const told = one.peers.tell(CHANGED);
    list(one, two);
    await told;
    expect(two.changed).toEqual([CHANGED]);

    const three = await start(3);
    listed = { state: 'unknown', why: 'replicas are not listed yet' };
    const missed = three.peers.tell(CHANGED);
    await eventually(() => clock.sleepsOf(500) > 0);
    clock.advance(500);
    await missed;
    expect(await three.told('missed')).toBe(1);
    expect(three.lines).toEqual(['a replica could not be told of a change: replicas are not listed yet']);
  });

  it('goes on without one that cannot be reached, and says so', async () => {
    const [one, two, three] = await startAll(3);
    await two?.stop();
    await one?.peers.tell(CHANGED);
    expect(three?.changed).toEqual([CHANGED]);
    expect(await one?.told('missed')).toBe(1);
    expect(one?.lines).toEqual([expect.stringMatching(/^a replica could not be told of a change: .*ECONNREFUSED/)]);
  });

  it('waits for one that does not answer no longer than half a second', async () => {
    const [one, two] = await startAll(2);
    two?.server.removeAllListeners('request');
    const told = one?.peers.tell(CHANGED);
    await eventually(() => clock.sleepsOf(500) > 0);
    clock.advance(500);
    await told;
    expect(one?.lines).toEqual(['a replica could not be told of a change: no answer within 500 ms']);
  });

  it('counts one that answers anything else as not told', async () => {
    const [one] = await startAll(1);
    const silent = buildOperationsApp({
      readiness: [],
      notes: [],
      metrics: { contentType: '', render: async () => '' },
    });
    await listen(silent, { host: '127.0.0.2', port });
    list(one, { replica: { pod: 'curfew-2', address: '127.0.0.2' } });
    await one?.peers.tell(CHANGED);
    expect(one?.lines).toEqual(['a replica could not be told of a change: it answered with status 404']);
    await endListening(silent);
  });
});

describe('The port for it', () => {
  it.each([
    ['405 to a GET', { method: 'GET' }, 405],
    ['400 to what is no message', { method: 'POST', body: '{}' }, 400],
    ['413 to what is too long', { method: 'POST', body: 'x'.repeat(2049) }, 413],
    ['200 to a message', { method: 'POST', body: JSON.stringify({ from: 'curfew-9', changed: CHANGED }) }, 200],
  ])('answers %s', async (_title, request, status) => {
    const one = await start(1);
    expect((await fetch(`http://127.0.0.1:${port}/changes`, request)).status).toBe(status);
    expect(one.changed).toEqual(status === 200 ? [CHANGED] : []);
  });

  it('keeps no more names than a Service has pods, whoever sends them', async () => {
    const [one, two] = await startAll(2);
    await settle();
    expect(one?.peers.missing()).toBeUndefined();
    for (let count = 0; count < 1_001; count += 1) one?.peers.heard({ from: `made-up-${count}` });
    expect(one?.peers.missing()).toBe('nothing is heard of replica curfew-2');
    two?.peers.poke();
    await eventually(() => one?.peers.missing() === RECENT);
  });
});

async function start(number: number): Promise<Started> {
  const isStopping = (pod: string) => stopping.has(pod);
  const one = await startPeer({ number, port, clock, replicas: () => listed, isStopping });
  started.push(one);
  return one;
}

async function startAll(count: number): Promise<readonly Started[]> {
  for (let number = 1; number <= count; number += 1) await start(number);
  list(...started);
  for (const one of started) void one.peers.run(one.ending);
  return started;
}

/** As the EndpointSlices have it now. */
function list(...replicas: readonly (Pick<Started, 'replica'> | undefined)[]): void {
  listed = { state: 'found', value: replicas.flatMap((one) => one?.replica ?? []) };
  for (const { peers } of started) peers.poke();
}

/** Lets time go by in which these hear from each other; by default so much that they rely on it. */
async function settle(among: readonly (Started | undefined)[] = started, ms = 45_000): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    for (const one of among) hearAll(one, among);
    await new Promise(setImmediate);
    clock.advance(1_000);
  }
}
