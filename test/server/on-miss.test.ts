/** Lookups that ask the API server only for what is not held, or may be old. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterIndex } from '../../src/kube/cluster-index.ts';
import type { Lookup, ServiceAccountView } from '../../src/objects/views.ts';
import { type FakeApiServer, sendStatus } from './fake-api-server.ts';
import { eventually, type FakeClock } from './fake-clock.ts';
import {
  ACCOUNTS,
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
let isTold: boolean;

beforeEach(async () => {
  isTold = true;
  harness = await createIndexHarness({ isToldOfChanges: () => isTold });
  ({ server, clock, index, counts } = harness);
});

afterEach(async () => {
  await index.stop();
  await server.stop();
});

describe('A lookup on a miss', () => {
  it('asks on a miss alone where that is wanted, and while the API server is heard', async () => {
    await startWithAccount(harness);
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    expect(annotationsOf(await readAccount('ci'))).toEqual([]);
    expect(counts.live).toEqual([]);
    server.put(accountPath('a', 'unseen'), accountOf('a', 'unseen'));
    expect((await readAccount('unseen')).state).toBe('found');
    expect((await readAccount('unseen')).state).toBe('found');
    expect(counts.live).toEqual(['found']);

    server.intercept = ({ path }, response) => {
      if (path === accountPath('a', 'ci')) return 'pass';
      sendStatus(response, 500, 'down');
      return 'handled';
    };
    server.closeWatches();
    await eventually(() => index.status().serviceAccounts.failure !== undefined);
    expect(annotationsOf(await readAccount('ci'))).toEqual(['tokens.curfew.dev/vault']);
  });

  it('asks for what was changed a moment ago, each time', async () => {
    await startWithAccount(harness);
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    index.invalidate({ resource: 'serviceaccounts', key: 'a/other' });
    index.invalidate({ resource: 'namespaces', key: 'a/ci' });
    expect(annotationsOf(await readAccount('ci'))).toEqual([]);
    index.invalidate({ resource: 'serviceaccounts', key: 'a/ci' });
    expect(annotationsOf(await readAccount('ci'))).toEqual(['tokens.curfew.dev/vault']);
    expect(annotationsOf(await readAccount('ci'))).toEqual(['tokens.curfew.dev/vault']);
    expect(counts.live).toEqual(['found', 'found']);
  });

  it('asks for a namespace that was changed a moment ago', async () => {
    await startSynced(harness);
    server.put(namespacePath('a'), namespaceOf('a'));
    await eventually(() => index.status().namespaces.entries === 1);
    await index.reader.namespace('a', 'onMiss');
    expect(counts.live).toEqual([]);
    index.invalidate({ resource: 'namespaces', key: 'a' });
    await index.reader.namespace('a', 'onMiss');
    expect(counts.live).toEqual(['found']);
  });

  it('does not take what was read before a change for what is after it', async () => {
    await startWithAccount(harness);
    expect(annotationsOf(await index.reader.serviceAccount('a', 'ci', 'now'))).toEqual([]);
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    index.invalidate({ resource: 'serviceaccounts', key: 'a/ci' });
    expect(annotationsOf(await readAccount('ci'))).toEqual(['tokens.curfew.dev/vault']);
  });

  it('asks for all while nobody would tell of a change', async () => {
    await startWithAccount(harness);
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    expect(annotationsOf(await readAccount('ci'))).toEqual([]);
    isTold = false;
    expect(annotationsOf(await readAccount('ci'))).toEqual(['tokens.curfew.dev/vault']);
  });

  it('asks for all while what is held is listed anew, page by page, after the API server was away', async () => {
    await startWithAccount(harness);
    server.put(accountPath('a', 'other'), accountOf('a', 'other'));
    await eventually(() => index.status().serviceAccounts.entries === 2);
    server.isMute = true;
    annotateUnseen(harness, 'tokens.curfew.dev/vault');
    let release: (() => void) | undefined;
    server.maxPage = 1;
    server.compact();
    server.intercept = ({ path, query }, response) => {
      if (path !== ACCOUNTS || query.get('continue') === null) return 'pass';
      release = () => sendStatus(response, 500, 'down');
      return 'handled';
    };
    server.closeWatches();
    await eventually(() => {
      clock.advance(500);
      return release !== undefined;
    });
    expect(index.status().serviceAccounts.failure).toBeUndefined();
    expect(annotationsOf(await readAccount('ci'))).toEqual(['tokens.curfew.dev/vault']);
    release?.();
  });

  it('asks for all until the backlog of what was missed must have come', async () => {
    await startWithAccount(harness);
    server.intercept = ({ path }, response) => {
      if (path === accountPath('a', 'ci')) return 'pass';
      sendStatus(response, 500, 'down');
      return 'handled';
    };
    server.breakWatches();
    await eventually(() => index.status().serviceAccounts.failure !== undefined);
    server.intercept = () => 'pass';
    await eventually(() => {
      clock.advance(500);
      return server.watches() === 2;
    });
    server.put(accountPath('a', 'other'), accountOf('a', 'other'));
    await eventually(() => index.status().serviceAccounts.failure === undefined);
    expect(index.status().serviceAccounts.isCurrent).toBe(false);
    const before = counts.live.length;
    await readAccount('ci');
    clock.advance(10_000);
    await readAccount('ci');
    expect(counts.live.length).toBe(before + 1);
  });

  it('asks for what does not exist each time where only a miss is asked for, since it may have come', async () => {
    await startSynced(harness);
    expect(await readAccount('late')).toEqual({ state: 'absent' });
    server.isMute = true;
    server.put(accountPath('a', 'late'), accountOf('a', 'late'));
    expect((await readAccount('late')).state).toBe('found');
  });
});

/** Of namespace `a`, as the review of a pod would ask for it. */
async function readAccount(name: string): Promise<Lookup<ServiceAccountView>> {
  return await index.reader.serviceAccount('a', name, 'onMiss');
}
