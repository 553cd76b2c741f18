import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/kube/client.ts';
import { listAll } from '../../src/kube/list-all.ts';
import { asString, valueAt } from '../../src/objects/json.ts';
import { type FakeApiServer, sendStatus, startFakeApiServer } from './fake-api-server.ts';

let server: FakeApiServer;
beforeEach(async () => {
  server = await startFakeApiServer();
  for (let index = 0; index < 1_200; index += 1) {
    const name = `web-${String(index).padStart(4, '0')}`;
    server.put(`/api/v1/namespaces/shop/pods/${name}`, { metadata: { name, namespace: 'shop' } });
  }
});
afterEach(() => server.stop());

async function listNames(): Promise<readonly number[]> {
  const client = await connect({ kubeconfig: server.kubeconfig });
  const sizes: number[] = [];
  const names = new Set<string>();
  for await (const page of listAll(client, { path: '/api/v1/namespaces/shop/pods' }, new AbortController().signal)) {
    sizes.push(page.length);
    for (const item of page) names.add(asString(valueAt(item, ['metadata', 'name'])) ?? '');
  }
  expect(names.size).toBe(1_200);
  return sizes;
}

describe('A whole list', () => {
  it('comes in pages of 500', async () => {
    expect(await listNames()).toEqual([500, 500, 200]);
  });

  it('comes in smaller pages where one is too large', async () => {
    server.intercept = ({ query }, response) => {
      if (Number(query.get('limit')) <= 125) return 'pass';
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(17 * 1024 * 1024, ' '));
      return 'handled';
    };
    expect(await listNames()).toEqual([...Array<number>(9).fill(125), 75]);
  });

  it('goes on where the API server says, when the list as it was is compacted away', async () => {
    let hasExpired = false;
    server.intercept = ({ query }, response) => {
      if (query.get('continue') !== '500' || hasExpired) return 'pass';
      hasExpired = true;
      response.writeHead(410, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired', metadata: { continue: '500.0' } }));
      return 'handled';
    };
    expect(await listNames()).toEqual([500, 500, 200]);
    expect(hasExpired).toBe(true);
  });

  it('fails where a single object is too large', async () => {
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(Buffer.alloc(17 * 1024 * 1024, ' '));
      return 'handled';
    };
    await expect(listNames()).rejects.toThrow(/larger than 16777216 bytes/);
  });

  it('says what the API server said where it may not be listed', async () => {
    server.intercept = (_request, response) => {
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    await expect(listNames()).rejects.toThrow(/^\/api\/v1\/namespaces\/shop\/pods cannot be listed: HTTP 403/);
  });
});
