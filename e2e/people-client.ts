/** Requests to the API server as one person, by certificate or by token, with whatever headers. */

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import { asString, valueAt } from '../src/objects/json.ts';

export type Sent = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: object;
  readonly contentType?: string;
  /** Of an account, instead of the person's own certificate. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Throws with the API server's answer at any status but 2xx. */
export type Send = (path: string, sent?: Sent) => Promise<unknown>;

export type Person = { readonly send: Send; readonly close: () => void };

export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;

/** A person of a kubeconfig whose certificates stand in it. */
export async function openPerson(kubeconfig: string): Promise<Person> {
  const config: unknown = parse(await readFile(kubeconfig, 'utf8'));
  const read = (...path: readonly (string | number)[]) => asString(valueAt(config, path)) ?? '';
  const decode = (text: string) => Buffer.from(text, 'base64');
  const server = read('clusters', 0, 'cluster', 'server');
  const ca = decode(read('clusters', 0, 'cluster', 'certificate-authority-data'));
  const agent = new Agent({
    keepAlive: true,
    ca,
    cert: decode(read('users', 0, 'user', 'client-certificate-data')),
    key: decode(read('users', 0, 'user', 'client-key-data')),
  });
  const bare = new Agent({ ca });

  const send: Send = async (
    path,
    { method = 'GET', body, contentType = 'application/json', token, headers = {} } = {},
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const sent = request(
      `${server}${path}`,
      {
        agent: token === undefined ? agent : bare,
        method,
        timeout: TIMEOUT_MS,
        headers: {
          ...headers,
          'content-type': contentType,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const status = response.statusCode ?? 0;
          if (status >= 300) reject(new Refusal(status, `${method} ${path}: ${status} ${text.slice(0, 300)}`));
          else resolve(text === '' ? {} : JSON.parse(text));
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    return await promise;
  };
  return {
    send,
    close() {
      agent.destroy();
      bare.destroy();
    },
  };
}
