/** Health, readiness and metrics, on a plain HTTP port of their own: they must answer when TLS cannot. */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { fastify } from 'fastify';
import { refuseUpgrades } from './connections.ts';

/** One thing that must be true before requests may come. */
export type ReadinessFact = {
  /** For people: `index synced`. */
  readonly name: string;
  /** Undefined when it is true; else a sentence that says what is missing. */
  readonly missing: () => string | undefined;
};

export type OperationsDeps = {
  readonly readiness: readonly ReadinessFact[];
  /** Shown by `?verbose` and no condition of readiness: what is missing here is worse with one replica less. */
  readonly notes: readonly ReadinessFact[];
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
};

/** Kubelets and Prometheus need a handful, each for a moment. */
const MOST_CONNECTIONS = 64;

/** Both ask at once and read at once, in ms; Node's own times are ten times as long. */
const REQUEST_MS = 10_000;
const CHECK_MS = 1_000;

/**
 * At the bound the oldest connection goes and the new one is served: a stranger who holds connections open must not keep
 * out the probe that would have the kubelet start this replica again.
 */
function keepNewest(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const [oldest] = open;
    if (open.size <= MOST_CONNECTIONS || oldest === undefined) return;
    open.delete(oldest);
    oldest.destroy();
  });
}

/** The operations server; it does not listen. */
export function buildOperationsApp(deps: OperationsDeps): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: 1_024,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS },
    return503OnClosing: false,
  });
  keepNewest(app.server);
  refuseUpgrades(app.server);
  app.get('/healthz', async (_request, reply) => await reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (request, reply) => {
    const facts = deps.readiness.map(toState);
    const isReady = facts.every(({ missing }) => missing === undefined);
    const isVerbose = typeof request.query === 'object' && request.query !== null && 'verbose' in request.query;
    const shown = isVerbose
      ? [...facts, ...deps.notes.map(toState)]
      : facts.filter(({ missing }) => missing !== undefined);
    const lines = shown.map(({ name, missing }) => (missing === undefined ? `[+] ${name}` : `[-] ${name}: ${missing}`));
    const text = [...lines, isReady ? 'ready' : 'not ready', ''].join('\n');
    return await reply
      .code(isReady ? 200 : 503)
      .type('text/plain')
      .send(text);
  });
  app.get('/metrics', async (_request, reply) => {
    return await reply.type(deps.metrics.contentType).send(await deps.metrics.render());
  });
  return app;
}

function toState({ name, missing }: ReadinessFact): { readonly name: string; readonly missing: string | undefined } {
  return { name, missing: missing() };
}
