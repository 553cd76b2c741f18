import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PodLister, PodPage } from '../../src/kube/api.ts';
import { connect } from '../../src/kube/client.ts';
import { createPodLister, createUnknownLister } from '../../src/kube/pod-lister.ts';
import { type FakeApiServer, sendStatus, startFakeApiServer } from './fake-api-server.ts';

let server: FakeApiServer;
let list: PodLister;
beforeEach(async () => {
  server = await startFakeApiServer();
  list = createPodLister(await connect({ kubeconfig: server.kubeconfig }));
});
afterEach(() => server.stop());

function store(count: number, namespace = 'shop'): void {
  for (let index = 0; index < count; index += 1) {
    const name = `web-${index}`;
    server.put(`/api/v1/namespaces/${namespace}/pods/${name}`, { metadata: { name, namespace } });
  }
}

async function readAll(signal = new AbortController().signal): Promise<readonly PodPage[]> {
  const pages: PodPage[] = [];
  for await (const page of list('shop', signal)) pages.push(page);
  return pages;
}

const sizes = (pages: readonly PodPage[]) =>
  pages.map((page) => (page.state === 'found' ? page.pods.length : page.why));

describe('The pods of a namespace', () => {
  it('come in pages, and those that have ended are not asked for', async () => {
    store(250);
    store(3, 'other');
    expect(sizes(await readAll())).toEqual([100, 100, 50]);
    expect(server.requests.map(({ path }) => path)).toEqual(Array(3).fill('/api/v1/namespaces/shop/pods'));
    for (const { query } of server.requests) {
      expect(query.get('fieldSelector')).toBe('status.phase!=Succeeded,status.phase!=Failed');
    }
  });

  it('are asked for in smaller pages where one is too large', async () => {
    store(100);
    server.intercept = ({ query }, response) => {
      if (Number(query.get('limit')) <= 25) return 'pass';
      // More than a page may have, without making it: the answer is cut off at the bound.
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(5 * 1024 * 1024, ' '));
      return 'handled';
    };
    expect(sizes(await readAll())).toEqual([25, 25, 25, 25]);
  });

  it.each([
    [403, 'Forbidden'],
    [500, 'InternalError'],
  ])('are unknown after a %s', async (code, reason) => {
    server.intercept = (_request, response) => {
      sendStatus(response, code, reason);
      return 'handled';
    };
    const why = `HTTP ${code} ${reason}: it is ${reason}`;
    expect(await readAll()).toEqual([{ state: 'unknown', why }]);
  });

  it('are unknown once the signal aborts, and the request ends', async () => {
    server.intercept = () => 'hang';
    const controller = new AbortController();
    const reading = readAll(controller.signal);
    controller.abort(new Error('no time'));
    expect(await reading).toEqual([{ state: 'unknown', why: 'no time' }]);
  });

  it('are listed for few at once, and for the next when one is done', async () => {
    store(1);
    server.intercept = () => 'hang';
    const controller = new AbortController();
    const held = [1, 2].map(() => readAll(controller.signal));
    expect(await readAll()).toEqual([{ state: 'unknown', why: 'too many lists of pods (2 in flight)' }]);
    controller.abort(new Error('enough'));
    await Promise.all(held);
    server.intercept = () => 'pass';
    expect(sizes(await readAll())).toEqual([1]);
  });

  it('are none that a caller stopped waiting for', async () => {
    store(250);
    for (let times = 0; times < 10; times += 1) {
      for await (const page of list('shop', new AbortController().signal)) {
        expect(page.state).toBe('found');
        break;
      }
    }
  });

  it('are unknown without a cluster', async () => {
    list = createUnknownLister('Curfew runs without a cluster');
    expect(await readAll()).toEqual([{ state: 'unknown', why: 'Curfew runs without a cluster' }]);
  });
});
