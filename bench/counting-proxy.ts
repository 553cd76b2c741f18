/** Stands before an API server, and counts what is asked of it; whoever comes is its administrator. */

import { createServer } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ControlPlane } from '../e2e/control-plane.ts';

/** A list that was asked for, without its page. */
export type AskedList = { readonly path: string; readonly accept: string };

export type CountingProxy = {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Begins anew. */
  reset(): void;
  counts(): { readonly requests: number; readonly bytes: number; readonly lists: readonly AskedList[] };
  stop(): Promise<void>;
};

export async function startCountingProxy(
  controlPlane: Pick<ControlPlane, 'server' | 'certificateAuthority' | 'admin'>,
): Promise<CountingProxy> {
  const { certificate, privateKey } = controlPlane.admin;
  const agent = new Agent({
    ca: controlPlane.certificateAuthority,
    cert: certificate,
    key: privateKey,
    keepAlive: true,
  });
  let [requests, bytes] = [0, 0];
  const lists = new Map<string, AskedList>();
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    const url = new URL(incoming.url ?? '/', controlPlane.server);
    if (url.searchParams.has('limit')) {
      const list = new URL(url);
      list.searchParams.delete('continue');
      const accept = incoming.headers.accept ?? 'application/json';
      lists.set(`${list.href} ${accept}`, { path: `${list.pathname}${list.search}`, accept });
    }
    const { host: _, ...headers } = incoming.headers;
    const forwarded = requestHttps(url, { method: incoming.method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reset() {
      [requests, bytes] = [0, 0];
      lists.clear();
    },
    counts: () => ({ requests, bytes, lists: [...lists.values()] }),
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
