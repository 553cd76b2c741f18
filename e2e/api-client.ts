/** Requests to the API server over a few connections that stay: for thousands of them, too many for a kubectl each. */

import { Agent, request } from 'node:https';
import type { JsonObject } from '../src/objects/json.ts';
import { asString, valueAt } from '../src/objects/json.ts';
import type { TestCluster } from './test-cluster.ts';

export type Api = {
  /** GETs an object; throws unless it is there. */
  get(path: string): Promise<unknown>;
  /** POSTs an object and returns what came back; throws unless it was created. */
  create(path: string, object: JsonObject): Promise<unknown>;
  close(): void;
};

/** As the administrator of the kubeconfig; at most `connections` at a time. */
export async function openApi({ must }: TestCluster, connections = 16): Promise<Api> {
  const config: unknown = JSON.parse(await must(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']));
  const read = (...path: readonly (string | number)[]) => asString(valueAt(config, path)) ?? '';
  const decode = (...path: readonly (string | number)[]) => Buffer.from(read(...path), 'base64');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: connections,
    ca: decode('clusters', 0, 'cluster', 'certificate-authority-data'),
    cert: decode('users', 0, 'user', 'client-certificate-data'),
    key: decode('users', 0, 'user', 'client-key-data'),
  });
  const server = read('clusters', 0, 'cluster', 'server');
  return {
    get: (path) => send(agent, `${server}${path}`, { method: 'GET', wanted: 200 }),
    create: (path, object) => send(agent, `${server}${path}`, { method: 'POST', wanted: 201, object }),
    close: () => agent.destroy(),
  };
}

type Sent = { readonly method: 'GET' | 'POST'; readonly wanted: number; readonly object?: JsonObject };

function send(agent: Agent, url: string, { method, wanted, object }: Sent): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const sent = request(url, { agent, method, headers: { 'content-type': 'application/json' } });
  sent.on('error', reject);
  sent.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      if (response.statusCode === wanted) resolve(JSON.parse(text));
      else reject(new Error(`${method} ${url} answered ${response.statusCode}: ${text}`));
    });
  });
  sent.end(object === undefined ? undefined : JSON.stringify(object));
  return promise;
}
