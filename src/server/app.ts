/** The webhook server as a function of its dependencies: it does not listen, read the environment or a file. */

import { METHODS } from 'node:http';
import type { ServerOptions as TlsOptions } from 'node:https';
import { setImmediate as nextTurn } from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fastify } from 'fastify';
import { Fault, toFault } from '../errors.ts';
import type { Entry } from '../review/entries.ts';
import { ENTRIES } from '../review/entries.ts';
import { respondToFault } from '../review/respond.ts';
import { addAdmissionRoutes, readTimeout } from './admission-routes.ts';
import { createAfterTurn } from './after-turn.ts';
import { type Arrivals, watchArrivals } from './arrivals.ts';
import { createGate, toTlsOptions } from './callers.ts';
import {
  CONNECTION_OPTIONS,
  continueWhenRead,
  createRetirement,
  KEEP_ALIVE_MS,
  limitConnections,
  NEW_CONNECTION_MS,
  refuseUpgrades,
} from './connections.ts';
import { createFaultLog } from './fault-log.ts';
import { createInFlight } from './in-flight.ts';
import type { ReviewDeps } from './judge-review.ts';
import { createBodyReader } from './read-body.ts';
import { createTurnstile } from './turnstile.ts';

export type AppDeps = ReviewDeps & {
  /** Absent in tests that do not listen. */
  readonly tls?: Pick<TlsOptions, 'cert' | 'key'>;
  /** PEM of the CA whose client certificates are believed; absent where everybody may call. */
  readonly callers?: (() => string) | undefined;
  /** True while the server is being stopped: answers ask the client to open its next connection elsewhere. */
  readonly isDraining: () => boolean;
  /** Since when requests may have been waiting; by default as the event loop of this process shows it. */
  readonly arrivals?: Arrivals;
  /** Longest time for a body to arrive once its head has, in ms. Default: 30 s. */
  readonly bodyMs?: number;
  /** How much of that a slow one has while others are waiting for its place, in ms. Default: 250. */
  readonly giveWayMs?: number;
};

/** What is known of a request once its head is there. */
type Receipt = {
  readonly entry: Entry | undefined;
  /** The earliest moment at which it can have arrived, in ms of the monotonic clock. */
  readonly at: number;
  /** From then until its answer is worth nothing any more, in ms. */
  readonly timeoutMs: number;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined where there is no route for what was asked. */
    receipt: Receipt | undefined;
  }
}

/**
 * Of the time for an answer, so much may have gone by when a review comes to its turn. Where there is not enough for all,
 * those go first whose objects are admitted then.
 */
const PATIENCE = { Fail: 1, Ignore: 0.5 } as const;

/** The API server waits for an answer for 30 s at most, so what arrives later is for nobody. */
const BODY_MS = 30_000;
/** It sends head and body in one go, so a body that is not there by then, nor on its way, is in nobody's hurry. */
const GIVE_WAY_MS = 250;

/** The server with one route for each webhook entry. Everything that is no verdict is answered by a fault's Status. */
export function buildApp(deps: AppDeps): FastifyInstance {
  // Read once: the HTTP library's limit cannot change, and the two limits in bytes were checked together.
  const { bodyLimitBytes, maxBodyBytesInFlight, maxInFlight } = deps.policy().configuration.server;
  const bodyMs = deps.bodyMs ?? BODY_MS;
  const giveWayMs = deps.giveWayMs ?? GIVE_WAY_MS;
  const inFlight = createInFlight({
    maxBytes: maxBodyBytesInFlight,
    maxRequests: () => deps.policy().configuration.server.maxInFlight,
    giveWayMs,
    bodyMs,
    monotonic: deps.clock.monotonic,
    // Nothing is left to be refused once the server is closed.
    after: (ms, task) => void setTimeout(task, ms).unref(),
  });
  const afterTurn = createAfterTurn((task) => void nextTurn(task));
  const arrivals = deps.arrivals ?? watchArrivals(deps.clock.monotonic, afterTurn);
  const faults = createFaultLog({ log: deps.log });
  const turnstile = createTurnstile({ monotonic: deps.clock.monotonic, afterTurn });

  const { monotonic } = deps.clock;
  const bodies = createBodyReader({
    inFlight,
    turnstile,
    maxBytes: maxBodyBytesInFlight,
    onTurn: ({ arrived }) => deps.recorder.wait((monotonic() - arrived) / 1000),
  });

  function receiptOf({ receipt }: FastifyRequest): Receipt {
    const { deadlineMs } = deps.policy().configuration.server;
    return receipt ?? { entry: undefined, at: monotonic(), timeoutMs: deadlineMs };
  }

  const { callers, clock, log, policy, recorder } = deps;
  const settings = () => policy().configuration.callerAuthentication;
  const gate =
    callers === undefined ? undefined : createGate({ bundle: callers, settings, recorder, log, now: clock.now });

  async function answerFault(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const fault = fromServerError(error, bodyLimitBytes);
    const entry = entryOf(request);
    deps.recorder.fault({ entry: entry?.path ?? 'none', code: fault.code });
    if (fault.code === 'CURFEW_E_CALLER') {
      // Told by the gate, which does not tell each call; and nothing is kept open for a stranger.
      return await reply.code(fault.status).header('connection', 'close').send(respondToFault(fault));
    }
    faults.write(fault, entry);
    if (fault.code === 'CURFEW_E_OVERLOADED') reply.header('retry-after', '1');
    // A small body comes with its head, and Node gets to it in this turn: then the connection may stay.
    if (!request.raw.complete) await setImmediate();
    // Else Node would read the body to its end to get it out of the way, for as long as somebody sends.
    if (!request.raw.complete) reply.header('connection', 'close');
    await reply.code(fault.status).send(respondToFault(fault));
  }

  const app = fastify({
    // The library's type for a server with TLS differs from one without; to its users both are the same.
    ...(deps.tls === undefined
      ? {}
      : ({
          https: { ...CONNECTION_OPTIONS, ...toTlsOptions(deps.tls, deps.callers?.()) },
        } as object)),
    bodyLimit: bodyLimitBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: NEW_CONNECTION_MS,
    // While draining we still answer; the default is a 503 for whoever comes after close.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Our own log has one line a decision.
    logger: false,
    exposeHeadRoutes: false,
    // A path that cannot be decoded never reaches a route or the error handler.
    frameworkErrors: (error, request, reply) => void answerFault(gate?.(request.raw.socket) ?? error, request, reply),
  });
  limitConnections(app.server, maxInFlight, () => {
    // Counted and not logged: it is what a flood looks like.
    deps.recorder.fault({ entry: 'none', code: 'CURFEW_E_OVERLOADED' });
  });
  continueWhenRead(app.server);
  refuseUpgrades(app.server);
  for (const event of ['connection', 'secureConnection']) app.server.on(event, arrivals.note);
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }

  app.decorateRequest('receipt');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    (request: FastifyRequest, body: string | Buffer, done) => {
      const { entry, at, timeoutMs } = receiptOf(request);
      const { failurePolicy = 'Ignore' } = entry ?? {};
      const read = bodies.read(request, String(body), {
        isFailOpen: failurePolicy === 'Ignore',
        arrived: at,
        patienceMs: PATIENCE[failurePolicy] * timeoutMs,
        isGone: () => request.raw.socket.destroyed,
        bytes: body.length,
      });
      if (read instanceof Promise) return read;
      done(null, read);
      return undefined;
    },
  );

  // Before the body is read: a stranger's request is not worth its bytes.
  app.addHook('onRequest', (request, reply, done) => {
    arrivals.note();
    // Before anything is told, such as which paths there are.
    const refusal = gate?.(request.raw.socket);
    if (refusal !== undefined) return done(refusal);
    try {
      admit(request, reply);
    } catch (error) {
      return done(toFault(error));
    }
    done();
  });

  /** @throws Fault for what is not worth its bytes, or has no room */
  function admit(request: FastifyRequest, reply: FastifyReply): void {
    const entry = entryOf(request);
    const timeoutMs = readTimeout(request.query, deps.policy().configuration.server.deadlineMs);
    request.receipt = { entry, at: arrivals.earliest(), timeoutMs };
    if (request.is404) throw new Fault('CURFEW_E_PATH');
    if (request.method !== 'POST') throw new Fault('CURFEW_E_METHOD');
    const bytes = announcedBytes(request.headers, bodyLimitBytes);
    // Turned round, so that a length which is no number is too large too.
    if (!(bytes <= bodyLimitBytes)) throw new Fault('CURFEW_E_BODY_TOO_LARGE', String(bodyLimitBytes));
    const { socket } = request.raw;
    const atHead = socket.bytesRead;
    inFlight.enter(request, bytes, {
      received: () => socket.bytesRead - atHead,
      isFailOpen: entry?.failurePolicy === 'Ignore',
      giveWay: (ms) => void reply.send(new Fault('CURFEW_E_BODY_TIMEOUT', String(ms))),
    });
  }

  const isLastOf = createRetirement(monotonic);
  // Every answer comes by here, also the one that nobody waits for any more.
  app.addHook('onSend', (request, reply, ...[, done]) => {
    inFlight.leave(request);
    if (isLastOf(request.raw.socket) || deps.isDraining()) reply.header('connection', 'close');
    done();
  });
  app.setErrorHandler(answerFault);
  app.addHook('onClose', async () => faults.close());

  addAdmissionRoutes(app, { ...deps, receiptOf });
  return app;
}

/** What a body may have; without a length (in chunks) as many bytes as are read of one. */
function announcedBytes(headers: FastifyRequest['headers'], bodyLimitBytes: number): number {
  if (headers['transfer-encoding'] !== undefined) return bodyLimitBytes;
  return Number(headers['content-length'] ?? 0);
}

const ENTRY_OF_PATH: ReadonlyMap<string, Entry> = new Map(ENTRIES.map((entry) => [entry.path, entry]));

/** The entry that the router found, whose path a URL may write in many ways. */
function entryOf(request: FastifyRequest): Entry | undefined {
  const query = request.url.indexOf('?');
  const written = ENTRY_OF_PATH.get(query === -1 ? request.url : request.url.slice(0, query));
  // The library makes the options anew each time that it is asked for them.
  return written ?? ENTRY_OF_PATH.get(request.routeOptions.url ?? '');
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
