/**
 * HTTP to the API server over node:https: bounded, abortable, JSON. Knows nothing of kubeconfigs.
 */

import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isObject, member } from '../objects/json.ts';
import { ANSWER_TOO_LARGE, type KubeRequest, type KubeResponse } from './api.ts';
import { describeError, toSafeLine } from './sentences.ts';

/** Of an answer that is read whole, unless the request names another bound. A page of 500 pods is about 20 MiB. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Of one watch event: etcd stores objects up to 1.5 MiB as protobuf, which is at most a few times that as JSON. */
export const MAX_WATCH_LINE_BYTES = 8 * 1024 * 1024;
/** Of an error page that is no JSON, or a refused watch. */
const MAX_ERROR_BYTES = 64 * 1024;
/** All of them are kept: new pods come in waves, and each would open again what the one before had closed. */
const MAX_SOCKETS = 64;
/** TCP keep-alive and the age at which an idle socket is closed, in ms: below the 60 s of common load balancers. */
const KEEP_ALIVE_MS = 30_000;
const IDLE_SOCKET_MS = 50_000;

/** How to reach the server for one request; TLS material is in the agent, credentials are in the headers. */
export type Route = {
  readonly base: URL;
  readonly agent: HttpAgent | HttpsAgent;
  readonly headers: Readonly<Record<string, string>>;
};

/** An agent that keeps connections open, bounded in number. */
export function createKeepAliveAgent(base: URL, tls: AgentOptions): HttpAgent | HttpsAgent {
  const pool = {
    keepAlive: true,
    keepAliveMsecs: KEEP_ALIVE_MS,
    timeout: IDLE_SOCKET_MS,
    maxSockets: MAX_SOCKETS,
    maxFreeSockets: MAX_SOCKETS,
  };
  const agent = base.protocol === 'http:' ? new HttpAgent(pool) : new HttpsAgent({ ...tls, ...pool });
  // Node makes it of host, port and all of the TLS material, several times for each request; here it is always the same.
  agent.getName = () => base.host;
  return agent;
}

/** Sends `request` and reads the whole answer. */
export async function sendRequest(route: Route, request: KubeRequest): Promise<KubeResponse> {
  try {
    const answer = await openAnswer(route, request);
    const status = answer.statusCode ?? 0;
    return { status, body: parseBody(status, await readBody(answer, request.maxAnswerBytes ?? MAX_ANSWER_BYTES)) };
  } catch (error) {
    throw toTransportError(error, route, request);
  }
}

/** Opens a watch; see `KubeClient.watch`. */
export async function* openWatch(route: Route, request: KubeRequest): AsyncGenerator<unknown, void> {
  let answer: IncomingMessage | undefined;
  try {
    answer = await openAnswer(route, request);
    const status = answer.statusCode ?? 0;
    if (status !== 200) {
      const body = parseBody(status, await readBody(answer, MAX_ERROR_BYTES));
      yield { type: 'ERROR', object: isObject(body) ? { code: status, ...body } : { code: status } };
      return;
    }
    for await (const line of splitLines(answer, MAX_WATCH_LINE_BYTES)) yield parseLine(line);
  } catch (error) {
    throw toTransportError(error, route, request);
  } finally {
    answer?.destroy();
  }
}

/** The lines of a stream of bytes, without the newline. Throws if one is longer than `maxBytes`, or ends early. */
export async function* splitLines(bytes: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of bytes) {
    let from = 0;
    for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
      if (heldBytes + to - from > maxBytes) throw new Error(`a line is longer than ${maxBytes} bytes`);
      held.push(chunk.subarray(from, to));
      yield Buffer.concat(held).toString('utf8');
      held = [];
      heldBytes = 0;
      from = to + 1;
    }
    heldBytes += chunk.length - from;
    if (heldBytes > maxBytes) throw new Error(`a line is longer than ${maxBytes} bytes`);
    if (from < chunk.length) held.push(chunk.subarray(from));
  }
  if (heldBytes > 0) throw new Error('the connection ended in the middle of a line');
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The line is not quoted: it may hold anything.
    throw new Error(`a line of ${line.length} characters is not JSON`);
  }
}

async function openAnswer(route: Route, request: KubeRequest): Promise<IncomingMessage> {
  const first = await sendOnce(route, request);
  if (first.kind === 'answer') return first.answer;
  // The server may close an idle connection just as it is used again; only a GET is safe to send twice.
  const second = request.method === 'GET' && !request.signal.aborted ? await sendOnce(route, request) : first;
  if (second.kind === 'answer') return second.answer;
  throw second.error;
}

/** `stale`: a kept connection turned out to be closed by the server. */
type Sent =
  | { readonly kind: 'answer'; readonly answer: IncomingMessage }
  | { readonly kind: 'stale'; readonly error: Error };

function sendOnce(route: Route, request: KubeRequest): Promise<Sent> {
  const { promise, resolve, reject } = Promise.withResolvers<Sent>();
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const send = route.base.protocol === 'http:' ? requestHttp : requestHttps;
  const outgoing = send({
    agent: route.agent,
    // An IPv6 address stands in brackets in a URL, and without them in a socket.
    hostname: route.base.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: route.base.port === '' ? undefined : Number(route.base.port),
    method: request.method,
    path: toRequestTarget(route.base, request),
    headers: {
      ...route.headers,
      accept: request.accept ?? 'application/json',
      'user-agent': 'curfew',
      ...(body === undefined
        ? {}
        : { 'content-type': request.contentType ?? 'application/json', 'content-length': String(body.length) }),
    },
  });
  // Node's own option for it makes a stream's whole life cycle observed, for each request.
  const abort = (): void => void outgoing.destroy(new Error('the request was given up'));
  if (request.signal.aborted) abort();
  request.signal.addEventListener('abort', abort);
  outgoing.once('close', () => request.signal.removeEventListener('abort', abort));
  outgoing.once('response', (answer) => resolve({ kind: 'answer', answer }));
  // `on`, not `once`: an abort after the answer began is reported here again, and nobody else listens.
  outgoing.on('error', (error) => {
    const isReset = member(error, 'code') === 'ECONNRESET';
    if (isReset && outgoing.reusedSocket) resolve({ kind: 'stale', error });
    else reject(error);
  });
  outgoing.end(body);
  return promise;
}

function toRequestTarget(base: URL, request: KubeRequest): string {
  const query = new URLSearchParams(request.query).toString();
  // A server's address may have a path of its own, as Rancher's has.
  const path = `${base.pathname.replace(/\/$/, '')}${request.path}`;
  return query === '' ? path : `${path}?${query}`;
}

/** By its events: an iterator takes several times as long where there is one chunk. */
async function readBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else
      answer.destroy(
        Object.assign(new Error(`the answer is larger than ${maxBytes} bytes`), { code: ANSWER_TOO_LARGE }),
      );
  });
  answer.on('end', () => resolve(Buffer.concat(chunks)));
  answer.on('error', reject);
  return await promise;
}

function parseBody(status: number, bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    if (status >= 200 && status < 300) throw new Error(`an answer of ${bytes.length} bytes is not JSON`);
    return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message: toSafeLine(text) };
  }
}

/** One sentence naming request and server, never headers or bodies; an abort is passed on as the signal's reason. */
function toTransportError(error: unknown, route: Route, request: KubeRequest): unknown {
  if (request.signal.aborted) return request.signal.reason;
  const code = member(error, 'code');
  return Object.assign(
    new Error(`${request.method} ${route.base.origin}${request.path}: ${describeError(error)}`),
    code === undefined ? {} : { code },
  );
}
