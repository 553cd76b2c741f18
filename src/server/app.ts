/** The webhook server as a function of its dependencies: it does not listen, read the environment or a file. */

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type ServerOptions as TlsOptions } from 'node:https';
import { setImmediate } from 'node:timers/promises';
import { Fault, toFault } from '../errors.ts';
import type { Entry } from '../review/entries.ts';
import { respondToFault } from '../review/respond.ts';
import { type AfterTurn, createAfterTurn } from './after-turn.ts';
import { type Answer, JSON_TYPE, sendAnswer } from './answer.ts';
import { type Arrivals, watchArrivals } from './arrivals.ts';
import { createGate, toTlsOptions } from './callers.ts';
import {
  CONNECTION_OPTIONS,
  continueWhenRead,
  createRetirement,
  limitConnections,
  refuseUpgrades,
} from './connections.ts';
import { createFaultLog } from './fault-log.ts';
import { createInFlight, type Place } from './in-flight.ts';
import { judgeEntry } from './judge-entry.ts';
import type { ReviewDeps } from './judge-review.ts';
import { createBodyReader } from './read-body.ts';
import { type Arriving, receiveBody } from './receive-body.ts';
import { readTarget, toTimeout } from './target.ts';
import { createTurnstile } from './turnstile.ts';

export type AppDeps = ReviewDeps & {
  /** Absent where nobody listens. */
  readonly tls?: Pick<TlsOptions, 'cert' | 'key'>;
  /** PEM of the CA whose client certificates are believed; absent where everybody may call. */
  readonly callers?: (() => string) | undefined;
  /** True while the server is being stopped: answers ask the client to open its next connection elsewhere. */
  readonly isDraining: () => boolean;
  /** Answers go by it, and by its `runLast` what is counted and logged of them. */
  readonly afterTurn: AfterTurn;
  /** Since when requests may have been waiting; by default as the event loop of this process shows it. */
  readonly arrivals?: Arrivals;
  /** Longest time for a body to arrive once its head has, in ms. Default: 30 s. */
  readonly bodyMs?: number;
  /** How much of that a slow one has while others are waiting for its place, in ms. Default: 250. */
  readonly giveWayMs?: number;
};

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What `arrivals` knows it by. */
  readonly number: number;
  /** Undefined as long as it has none. */
  place: Place | undefined;
};

type Admitted = { readonly place: Place; readonly arriving: Arriving };

/**
 * Of the time for an answer, so much may have gone by when a review comes to its turn. Where there is not enough for all,
 * those go first whose objects are admitted then.
 */
const PATIENCE = { Fail: 1, Ignore: 0.5 } as const;

/** The API server waits for an answer for 30 s at most, so what arrives later is for nobody. */
const BODY_MS = 30_000;
/** It sends head and body in one go, so a body that is not there by then, nor on its way, is in nobody's hurry. */
const GIVE_WAY_MS = 250;

/** Answers the path of each webhook entry. Everything that is no verdict is answered by a fault's Status. */
export function buildApp(deps: AppDeps): Server {
  const { afterTurn, callers, clock, log, policy, recorder } = deps;
  const { monotonic } = clock;
  // Read once: the two limits in bytes were checked together.
  const { bodyLimitBytes, maxBodyBytesInFlight, maxInFlight } = policy().configuration.server;
  const inFlight = createInFlight({
    maxBytes: maxBodyBytesInFlight,
    maxRequests: () => policy().configuration.server.maxInFlight,
    giveWayMs: deps.giveWayMs ?? GIVE_WAY_MS,
    bodyMs: deps.bodyMs ?? BODY_MS,
    monotonic,
    // Nothing is left to be refused once the server is closed.
    after: (ms, task) => void setTimeout(task, ms).unref(),
  });
  // Apart from the answers, since one that goes at once need not wait for it.
  const bookkeeping = createAfterTurn();
  const arrivals = deps.arrivals ?? watchArrivals(monotonic, bookkeeping.run);
  const faults = createFaultLog({ log });
  const bodies = createBodyReader({
    inFlight,
    turnstile: createTurnstile({ monotonic, afterTurn: (turn) => bookkeeping.run(() => takeTurn(turn)) }),
    maxBytes: maxBodyBytesInFlight,
    onTurn: ({ arrived }) => recorder.wait((monotonic() - arrived) / 1000),
  });
  const settings = () => policy().configuration.callerAuthentication;
  const gate =
    callers === undefined ? undefined : createGate({ bundle: callers, settings, recorder, log, now: clock.now });
  const isLastOf = createRetirement(monotonic);

  async function serve(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const target = readTarget(request.url ?? '');
    const { entry } = target;
    let text: string;
    try {
      // Before anything is told, such as which paths there are.
      const refusal = gate?.(request.socket);
      if (refusal !== undefined) throw refusal;
      if (entry === undefined) throw new Fault('CURFEW_E_PATH');
      text = await judge(exchange, entry, toTimeout(target, policy().configuration.server.deadlineMs));
    } catch (error) {
      await answerFault(exchange, toFault(error), entry);
      return;
    }
    send(exchange, { status: 200, type: JSON_TYPE, text });
  }

  /** What is ready is written before the next reviews are let in, of which one alone may take its time. */
  function takeTurn(turn: () => void): void {
    afterTurn.runNow();
    turn();
  }

  async function judge(exchange: Exchange, entry: Entry, timeoutMs: number): Promise<string> {
    const at = arrivals.earliest();
    const { request } = exchange;
    const { place, arriving } = admit(request, entry);
    exchange.place = place;
    const bytes = await arriving.body;
    const body = await bodies.read(place, bytes.toString(), {
      isFailOpen: entry.failurePolicy === 'Ignore',
      arrived: at,
      patienceMs: PATIENCE[entry.failurePolicy] * timeoutMs,
      isGone: () => request.socket.destroyed,
      bytes: bytes.length,
    });
    const judged = judgeEntry(deps, entry, { body, started: monotonic(), until: at + timeoutMs, timeoutMs });
    return (await judged).answer;
  }

  /**
   * Before a byte of the body is read.
   *
   * @throws Fault for what is not worth its bytes, or has no room
   */
  function admit(request: IncomingMessage, { failurePolicy }: Entry): Admitted {
    const { headers, method, socket } = request;
    if (method !== 'POST') throw new Fault('CURFEW_E_METHOD');
    const announced = announcedBytes(headers, bodyLimitBytes);
    // Turned round, so that a length which is no number is too large too.
    if (!(announced <= bodyLimitBytes)) throw new Fault('CURFEW_E_BODY_TOO_LARGE', String(bodyLimitBytes));
    if (!isJson(headers['content-type'])) throw new Fault('CURFEW_E_CONTENT_TYPE');
    const atHead = socket.bytesRead;
    let arriving: Arriving | undefined;
    const place = inFlight.enter(announced, {
      received: () => socket.bytesRead - atHead,
      isFailOpen: failurePolicy === 'Ignore',
      giveWay: (ms) => arriving?.giveUp(new Fault('CURFEW_E_BODY_TIMEOUT', String(ms))),
    });
    arriving = receiveBody(request, bodyLimitBytes);
    return { place, arriving };
  }

  async function answerFault(exchange: Exchange, fault: Fault, entry: Entry | undefined): Promise<void> {
    recorder.fault({ entry: entry?.path ?? 'none', code: fault.code });
    const answer = { status: fault.status, type: JSON_TYPE, text: JSON.stringify(respondToFault(fault)) };
    // Told by the gate, which does not tell each call; and nothing is kept open for a stranger.
    if (fault.code === 'CURFEW_E_CALLER') return send(exchange, answer, true);
    faults.write(fault, entry);
    // A small body comes with its head, and Node gets to it in this turn: then the connection may stay. Else it would
    // read the body to its end to get it out of the way, for as long as somebody sends.
    const { request } = exchange;
    if (!request.complete) await setImmediate();
    const headers = fault.code === 'CURFEW_E_OVERLOADED' ? { 'retry-after': '1' } : {};
    send(exchange, { ...answer, headers }, !request.complete);
  }

  /**
   * Every answer goes by here, also the one that nobody waits for any more. Those of one turn are written together: a
   * write that wakes its reader takes longer than all else that is done to it, and a caller that is awake is not woken.
   * Where there is but one, it goes at once. Then come the lines of the log that tell of them, for which no caller waits.
   */
  function send({ request, response, number, place }: Exchange, answer: Answer, isLast = false): void {
    if (place !== undefined) inFlight.leave(place);
    const write = (): void => sendAnswer(response, answer, isLastOf(request.socket) || deps.isDraining() || isLast);
    if (!arrivals.isAlone(number)) return afterTurn.run(write);
    write();
    afterTurn.runNow();
  }

  const server = createServer(deps, (request, response) => {
    void serve({ request, response, number: arrivals.note(), place: undefined });
  });
  limitConnections(server, maxInFlight, () => {
    // Counted and not logged: it is what a flood looks like.
    recorder.fault({ entry: 'none', code: 'CURFEW_E_OVERLOADED' });
  });
  continueWhenRead(server);
  refuseUpgrades(server);
  for (const event of ['connection', 'secureConnection']) server.on(event, arrivals.note);
  server.once('close', () => faults.close());
  return server;
}

function createServer({ tls, callers }: Pick<AppDeps, 'tls' | 'callers'>, listener: RequestListener): Server {
  if (tls === undefined) return createHttpServer(CONNECTION_OPTIONS, listener);
  return createHttpsServer({ ...CONNECTION_OPTIONS, ...toTlsOptions(tls, callers?.()) }, listener);
}

/** What a body may have; without a length (in chunks) as many bytes as are read of one. */
function announcedBytes(headers: IncomingMessage['headers'], bodyLimitBytes: number): number {
  if (headers['transfer-encoding'] !== undefined) return bodyLimitBytes;
  return Number(headers['content-length'] ?? 0);
}

/** What is said of a character set means nothing: JSON is UTF-8 (RFC 8259). */
function isJson(contentType: string | undefined): boolean {
  return contentType === 'application/json' || /^application\/json[\t ]*(?:;|$)/i.test(contentType ?? '');
}
