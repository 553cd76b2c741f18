/** Requests to the API server without a Kubernetes client, many at a time over connections that stay, as its administrator. */

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import { asString, valueAt } from '../src/objects/json.ts';
import type { TestCluster } from './test-cluster.ts';

export type Answer = {
  readonly status: number;
  readonly body: string;
  /** What kubectl would print after `Warning: `. */
  readonly warnings?: readonly string[];
  /** Of the event in the audit log. */
  readonly auditId?: string;
};

/** Whom the administrator impersonates. */
export type Caller = { readonly username: string; readonly groups?: readonly string[] };

export type SendOptions = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly object?: object;
  /** Of the object; JSON by default. */
  readonly contentType?: string;
  readonly as?: Caller;
};

export type ApiClient = {
  /** A connection that fails is an answer too: status 0, and why. */
  send(path: string, options: SendOptions): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** POSTs `object`. */
  create(path: string, object: object): Promise<Answer>;
  close(): void;
};

const TIMEOUT_MS = 30_000;

/** A client for a kubeconfig whose certificates stand in it. */
export async function createApiClient(kubeconfig: string): Promise<ApiClient> {
  return toClient(await readFile(kubeconfig, 'utf8'));
}

/** The same for any cluster that kubectl reaches. */
export async function openApi({ must }: Pick<TestCluster, 'must'>): Promise<ApiClient> {
  return toClient(await must(['config', 'view', '--raw', '--minify', '--flatten']));
}

/** The object in an answer of this status; throws at any other. */
export function readAnswer({ status, body }: Answer, wanted: number): unknown {
  if (status !== wanted) throw new Error(`the API server answered ${status}: ${body}`);
  return JSON.parse(body);
}

function toClient(kubeconfig: string): ApiClient {
  const config: unknown = parse(kubeconfig);
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
  const send = (path: string, { method, object, contentType = 'application/json', as }: SendOptions) =>
    new Promise<Answer>((resolve) => {
      const headers = { 'content-type': contentType, ...toHeaders(as) };
      const sent = request(`${server}${path}`, { agent, method, headers, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', ({ message }) => resolve({ status: 0, body: message }));
        response.on('end', () => {
          const warnings = readWarnings(response.rawHeaders);
          const auditId = String(response.headers['audit-id'] ?? '');
          const body = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, body, warnings, auditId });
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      sent.on('error', ({ message }) => resolve({ status: 0, body: message }));
      sent.end(object === undefined ? undefined : JSON.stringify(object));
    });
  return {
    send,
    get: async (path) => await send(path, { method: 'GET' }),
    create: async (path, object) => await send(path, { method: 'POST', object }),
    close: () => agent.destroy(),
  };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation */
function toHeaders(as: Caller | undefined): Readonly<Record<string, string | readonly string[]>> {
  if (as === undefined) return {};
  return { 'impersonate-user': as.username, 'impersonate-group': as.groups ?? [] };
}

/** Each header is `299 - "text"`, with a backslash before quotes and backslashes. */
function readWarnings(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && name.toLowerCase() === 'warning'
      ? [(rawHeaders[index + 1] ?? '').replace(/^299 \S+ "(.*)"$/s, '$1').replaceAll(/\\(.)/g, '$1')]
      : [],
  );
}
