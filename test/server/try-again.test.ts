import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/kube/client.ts';
import { tryAgain } from '../../src/kube/try-again.ts';
import { type FakeApiServer, sendJson, startFakeApiServer } from './fake-api-server.ts';

const PATH = '/api/v1/namespaces/shop';

let server: FakeApiServer;
let waits: number[];
beforeEach(async () => {
  server = await startFakeApiServer();
  server.put(PATH, { metadata: { name: 'shop' } });
  waits = [];
});
afterEach(() => server.stop());

/** Answers the first `times` requests by 429. */
function beBusy(times: number, details?: object): void {
  let left = times;
  server.intercept = (_request, response) => {
    if (left === 0) return 'pass';
    left -= 1;
    sendJson(response, 429, { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'busy', details });
    return 'handled';
  };
}

async function ask(signal = new AbortController().signal): Promise<number> {
  const client = tryAgain(await connect({ kubeconfig: server.kubeconfig }), {
    sleep: async (ms) => void waits.push(ms),
  });
  return (await client.request({ method: 'GET', path: PATH, signal })).status;
}

describe('A request that is answered 429', () => {
  it('is sent again after the time that the answer names', async () => {
    beBusy(2, { retryAfterSeconds: 3 });
    expect(await ask()).toBe(200);
    expect(waits).toEqual([3_000, 3_000]);
  });

  it('is sent again after a second if the answer names none, and never later than after ten', async () => {
    beBusy(1);
    expect(await ask()).toBe(200);
    beBusy(1, { retryAfterSeconds: 3_600 });
    expect(await ask()).toBe(200);
    beBusy(1, { retryAfterSeconds: -1 });
    expect(await ask()).toBe(200);
    expect(waits).toEqual([1_000, 10_000, 1_000]);
  });

  it('is given up after five times, and then that is the answer', async () => {
    beBusy(100);
    expect(await ask()).toBe(429);
    expect(server.requests).toHaveLength(5);
  });

  it('is not sent again once nobody waits for it', async () => {
    beBusy(100);
    await expect(ask(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(waits).toEqual([]);
  });
});

it('Any other answer is the answer', async () => {
  server.remove(PATH);
  expect(await ask()).toBe(404);
  expect(waits).toEqual([]);
});
