/**
 * Health, readiness and metrics, on a plain HTTP port of their own: they must answer when TLS cannot. Other replicas tell here of changes
 * that are about to be let in.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { toFault } from '../errors.ts';
import { type Answer, sendAnswer, TEXT_TYPE } from './answer.ts';
import { refuseUpgrades } from './connections.ts';
import { MAX_MESSAGE_BYTES, PEER_PATH, type PeerMessage, parsePeerMessage } from './peer-message.ts';
import { receiveBody } from './receive-body.ts';

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
  /** Another replica said something. Absent where there are none. */
  readonly onPeerMessage?: ((message: PeerMessage) => void) | undefined;
};

/** Kubelets, Prometheus and other replicas need a handful, each for a moment. */
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
export function buildOperationsApp(deps: OperationsDeps): Server {
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS };
  const server = createServer(limits, (request, response) => void serve(deps, request, response));
  keepNewest(server);
  refuseUpgrades(server);
  return server;
}

async function serve(deps: OperationsDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let answer: Answer;
  try {
    answer = await findAnswer(deps, request);
  } catch {
    answer = toText(500, 'this could not be rendered\n');
  }
  // Only other replicas have a body to send here, and Node would read any to its end.
  sendAnswer(response, answer, !request.complete);
}

async function findAnswer(deps: OperationsDeps, request: IncomingMessage): Promise<Answer> {
  const { method, url = '' } = request;
  const [path = '', query = ''] = url.split('?', 2);
  if (path === PEER_PATH && deps.onPeerMessage !== undefined) return await hearPeer(deps.onPeerMessage, request);
  const render = ROUTES.get(path);
  if (render === undefined) return toText(404, `there is ${[...ROUTES.keys()].join(', ')}\n`);
  if (method !== 'GET' && method !== 'HEAD') {
    return { ...toText(405, 'only GET and HEAD\n'), headers: { allow: 'GET, HEAD' } };
  }
  return await render(deps, new URLSearchParams(query));
}

async function hearPeer(hear: (message: PeerMessage) => void, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'POST') return { ...toText(405, 'only POST\n'), headers: { allow: 'POST' } };
  let body: Buffer;
  try {
    body = await receiveBody(request, MAX_MESSAGE_BYTES).body;
  } catch (error) {
    const { status, message } = toFault(error);
    return toText(status, `${message}\n`);
  }
  const message = parsePeerMessage(body.toString());
  if (message === undefined) return toText(400, 'this is no message of a replica\n');
  hear(message);
  return toText(200, 'ok\n');
}

type Render = (deps: OperationsDeps, query: URLSearchParams) => Answer | Promise<Answer>;

const ROUTES: ReadonlyMap<string, Render> = new Map<string, Render>([
  ['/healthz', () => toText(200, 'ok\n')],
  ['/readyz', ({ readiness, notes }, query) => describeReadiness({ readiness, notes }, query.has('verbose'))],
  ['/metrics', async ({ metrics }) => ({ status: 200, type: metrics.contentType, text: await metrics.render() })],
]);

function describeReadiness(
  { readiness, notes }: Pick<OperationsDeps, 'readiness' | 'notes'>,
  isVerbose: boolean,
): Answer {
  const facts = readiness.map(toState);
  const isReady = facts.every(({ missing }) => missing === undefined);
  const shown = isVerbose ? [...facts, ...notes.map(toState)] : facts.filter(({ missing }) => missing !== undefined);
  const lines = shown.map(({ name, missing }) => (missing === undefined ? `[+] ${name}` : `[-] ${name}: ${missing}`));
  return toText(isReady ? 200 : 503, [...lines, isReady ? 'ready' : 'not ready', ''].join('\n'));
}

function toState({ name, missing }: ReadinessFact): { readonly name: string; readonly missing: string | undefined } {
  return { name, missing: missing() };
}

function toText(status: number, text: string): Answer {
  return { status, type: TEXT_TYPE, text };
}
