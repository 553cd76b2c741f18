/** The webhook server as a function of its dependencies: it does not listen, read the environment or a file. */

import type { ServerOptions as TlsOptions } from 'node:https';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fastify } from 'fastify';
import { Fault, toFault } from '../errors.ts';
import type { Entry } from '../review/entries.ts';
import { ENTRIES } from '../review/entries.ts';
import { respondToFault } from '../review/respond.ts';
import { addAdmissionRoutes } from './admission-routes.ts';
import type { ReviewDeps } from './judge-review.ts';

export type AppDeps = ReviewDeps & {
  /** Absent in tests that do not listen. */
  readonly tls?: Pick<TlsOptions, 'cert' | 'key'>;
  /** True while the server is being stopped: answers ask the client to open its next connection elsewhere. */
  readonly isDraining: () => boolean;
};

/** Longer than the 90 s for which the API server keeps an idle connection, or it would reuse a closed one (EOF). */
const KEEP_ALIVE_MS = 95_000;
const HEADERS_MS = 100_000;
/** A request that takes longer to arrive than this is a slow attacker, not an API server. */
const REQUEST_MS = 120_000;

/** The server with one route for each webhook entry. Everything that is no verdict is answered by a fault's Status. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const { bodyLimitBytes } = deps.policy().configuration.server;

  async function answerFault(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const fault = fromServerError(error, bodyLimitBytes);
    const entry = entryOf(request.url);
    deps.recorder.fault({ entry: entry?.path ?? 'none', code: fault.code });
    const stack = fault.code === 'CURFEW_E_INTERNAL' && fault.cause instanceof Error ? fault.cause.stack : undefined;
    deps.log.error({ entry: entry?.name, type: entry?.type, code: fault.code, stack }, fault.message);
    if (fault.code === 'CURFEW_E_OVERLOADED') reply.header('retry-after', '1');
    await reply.code(fault.status).send(respondToFault(fault));
  }

  const app = fastify({
    // The library's type for a server with TLS differs from one without; to its users both are the same.
    ...(deps.tls === undefined
      ? {}
      : ({ https: { cert: deps.tls.cert, key: deps.tls.key, minVersion: 'TLSv1.2' } } as object)),
    bodyLimit: bodyLimitBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    // While draining we still answer; the default is a 503 for whoever comes after close.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Our own log has one line a decision.
    logger: false,
    exposeHeadRoutes: false,
    // A path that cannot be decoded never reaches a route or the error handler.
    frameworkErrors: (error, request, reply) => void answerFault(error, request, reply),
  });
  app.server.headersTimeout = HEADERS_MS;

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      // Plain JSON.parse: a key named __proto__ is an own property here, and data, not an error.
      done(null, JSON.parse(String(body)));
    } catch {
      // The parser's own message quotes the body.
      done(new Fault('CURFEW_E_NOT_JSON'));
    }
  });

  app.addHook('onSend', async (_request, reply) => {
    if (deps.isDraining()) reply.header('connection', 'close');
  });

  // Before the body is read: a stranger's request is not worth its bytes.
  app.addHook('onRequest', async (request) => {
    if (request.is404) throw new Fault(entryOf(request.url) === undefined ? 'CURFEW_E_PATH' : 'CURFEW_E_METHOD');
  });
  app.setErrorHandler(answerFault);

  addAdmissionRoutes(app, deps);
  return app;
}

/** The entry a URL names, whatever its query says. */
function entryOf(url: string): Entry | undefined {
  return ENTRIES.find(({ path }) => path === url.split('?')[0]);
}

/** The HTTP library's own errors have codes; each is one of our faults. */
function fromServerError(error: unknown, bodyLimitBytes: number): Fault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Fault('CURFEW_E_BODY_TOO_LARGE', String(bodyLimitBytes));
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new Fault('CURFEW_E_CONTENT_TYPE');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new Fault('CURFEW_E_NOT_JSON');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'ECONNRESET':
      return new Fault('CURFEW_E_CLIENT_GONE');
    case 'FST_ERR_BAD_URL':
      return new Fault('CURFEW_E_PATH');
    default:
      return toFault(error);
  }
}
