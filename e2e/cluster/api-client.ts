/** Requests to the API server without a Kubernetes client, many at a time, as its administrator. */

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import { asString, valueAt } from '../../src/objects/json.ts';

export type Answer = { readonly status: number; readonly body: string };

export type ApiClient = {
  /** POSTs `object`. A connection that fails is an answer too: status 0, and why. */
  create(path: string, object: object): Promise<Answer>;
  close(): void;
};

const TIMEOUT_MS = 30_000;

/** A client for a kubeconfig whose certificates stand in it. */
export async function createApiClient(kubeconfig: string): Promise<ApiClient> {
  const config: unknown = parse(await readFile(kubeconfig, 'utf8'));
  const read = (...path: readonly (string | number)[]) => asString(valueAt(config, path)) ?? '';
  const decode = (text: string) => Buffer.from(text, 'base64');
  const cluster = ['clusters', 0, 'cluster'] as const;
  const user = ['users', 0, 'user'] as const;
  const server = read(...cluster, 'server');
  const agent = new Agent({
    keepAlive: true,
    ca: decode(read(...cluster, 'certificate-authority-data')),
    cert: decode(read(...user, 'client-certificate-data')),
    key: decode(read(...user, 'client-key-data')),
  });
  return {
    create: (path, object) =>
      new Promise((resolve) => {
        const headers = { 'content-type': 'application/json' };
        const sent = request(
          `${server}${path}`,
          { agent, method: 'POST', headers, timeout: TIMEOUT_MS },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('error', ({ message }) => resolve({ status: 0, body: message }));
            response.on('end', () => {
              resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
            });
          },
        );
        sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
        sent.on('error', ({ message }) => resolve({ status: 0, body: message }));
        sent.end(JSON.stringify(object));
      }),
    close: () => agent.destroy(),
  };
}
