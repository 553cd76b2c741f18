import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch } from 'rfc6902';
import { issueCertificateAuthority, issueServingCertificate } from '../../src/certificates/issue.ts';
import { isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';

/** What a request looked like to the server. */
export type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

/** Answers a request in place of the server; `hang` never answers. */
export type Intercept = (request: SeenRequest, response: ServerResponse) => 'handled' | 'hang' | 'pass';

export type FakeApiServer = {
  readonly url: string;
  readonly port: number;
  readonly ca: string;
  /** A kubeconfig with the token `fake-token`. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly requests: SeenRequest[];
  intercept: Intercept;
  /** Tells the watches nothing more: to them the server lags. */
  isMute: boolean;
  /** Items on a list page, however many were asked for; undefined for no bound of its own. */
  maxPage: number | undefined;
  get(path: string): JsonObject | undefined;
  /** Stores an object under its path, and tells the watches. */
  put(path: string, object: JsonObject): void;
  remove(path: string): void;
  bookmark(): void;
  /** Writes a line as it is to every watch. */
  sendLine(line: string): void;
  watches(): number;
  /** Ends every watch as the server does at its timeout. */
  closeWatches(): void;
  /** Cuts every watch. */
  breakWatches(): void;
  /** Forgets the past: a watch from before is 410 Gone. */
  compact(): void;
  stop(): Promise<void>;
};

type Watch = { readonly collection: string; readonly response: ServerResponse };
type Change = { readonly version: number; readonly collection: string; readonly line: string };

/** A real TLS server that plays the API server's list, watch, get, apply, update and JSON Patch. */
export async function startFakeApiServer(): Promise<FakeApiServer> {
  const now = Date.now();
  const ca = await issueCertificateAuthority({ commonName: 'fake-ca', notBefore: now, notAfter: now + 3600_000 });
  const leaf = await issueServingCertificate({
    ca,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    notBefore: now,
    notAfter: now + 3600_000,
  });
  const folder = await mkdtemp(join(tmpdir(), 'curfew-fake-api-'));
  const objects = new Map<string, JsonObject>();
  const watches = new Set<Watch>();
  const owners = new Map<string, string>();
  let changes: Change[] = [];
  let version = 100;
  let oldest = 0;

  const emit = (type: string, path: string, object: JsonObject) => {
    const change = { version, collection: toCollection(path), line: JSON.stringify({ type, object }) };
    changes.push(change);
    for (const watch of watches) {
      if (watch.collection === change.collection && !server.isMute) watch.response.write(`${change.line}\n`);
    }
  };
  const store = (path: string, object: JsonObject): JsonObject => {
    version += 1;
    const metadata = member(object, 'metadata');
    const stored = { ...object, metadata: { ...(isObject(metadata) ? metadata : {}), resourceVersion: `${version}` } };
    const type = objects.has(path) ? 'MODIFIED' : 'ADDED';
    objects.set(path, stored);
    emit(type, path, stored);
    return stored;
  };

  const answerList = (request: SeenRequest, response: ServerResponse) => {
    const isAsked = (path: string) => toCollection(path) === request.path || toFolder(path) === request.path;
    const all = [...objects].filter(([path]) => isAsked(path)).map(([, object]) => object);
    const from = Number(request.query.get('continue') ?? 0);
    const limit = Math.min(Number(request.query.get('limit') ?? all.length), server.maxPage ?? Number.MAX_SAFE_INTEGER);
    const rest = from + limit < all.length ? { continue: String(from + limit) } : {};
    sendJson(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: String(version), ...rest },
      items: all.slice(from, from + limit),
    });
  };
  const answerWatch = (request: SeenRequest, response: ServerResponse) => {
    const from = Number(request.query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    if (from < oldest) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`);
      return;
    }
    response.flushHeaders();
    const watch = { collection: request.path, response };
    for (const change of changes) {
      if (change.collection === request.path && change.version > from) response.write(`${change.line}\n`);
    }
    watches.add(watch);
    response.on('close', () => watches.delete(watch));
  };
  const answerApply = (request: SeenRequest, response: ServerResponse) => {
    const manager = request.query.get('fieldManager') ?? '';
    const owner = owners.get(request.path);
    if (objects.has(request.path) && owner !== manager) return sendStatus(response, 409, 'Conflict');
    owners.set(request.path, manager);
    return sendJson(response, 201, store(request.path, JSON.parse(request.body)));
  };
  const answerPut = (request: SeenRequest, response: ServerResponse) => {
    const sent: JsonObject = JSON.parse(request.body);
    const at = ['metadata', 'resourceVersion'];
    if (valueAt(sent, at) !== valueAt(objects.get(request.path), at)) return sendStatus(response, 409, 'Conflict');
    return sendJson(response, 200, store(request.path, sent));
  };
  const answerJsonPatch = (request: SeenRequest, response: ServerResponse) => {
    const object = objects.get(request.path);
    if (object === undefined) return sendStatus(response, 404, 'NotFound');
    const copy: JsonObject = structuredClone(object);
    const failures = applyPatch(copy, JSON.parse(request.body)).filter((failure) => failure !== null);
    return failures.length > 0
      ? sendStatus(response, 422, 'Invalid')
      : sendJson(response, 200, store(request.path, copy));
  };
  const answer = (request: SeenRequest, response: ServerResponse) => {
    const contentType = request.headers['content-type'] ?? '';
    if (request.method === 'PUT') return answerPut(request, response);
    if (contentType.startsWith('application/apply-patch')) return answerApply(request, response);
    if (request.method === 'PATCH') return answerJsonPatch(request, response);
    if (request.query.get('watch') === 'true') return answerWatch(request, response);
    const object = objects.get(request.path);
    if (object !== undefined) return sendJson(response, 200, object);
    return isCollection(request.path) ? answerList(request, response) : sendStatus(response, 404, 'NotFound');
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const url = new URL(incoming.url ?? '/', 'https://fake');
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { method = 'GET', headers } = incoming;
    const request = { method, path: url.pathname, query: url.searchParams, headers, body };
    server.requests.push(request);
    if (server.intercept(request, response) === 'pass') answer(request, response);
  };
  const listener = createServer({ cert: leaf.cert, key: leaf.key }, (incoming, response) => {
    // A client that goes away in the middle of its request is part of the tests.
    serve(incoming, response).catch(() => response.destroy());
  });
  const listening = Promise.withResolvers<void>();
  listener.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const { port } = listener.address() as AddressInfo;
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, toKubeconfig({ server: `https://127.0.0.1:${port}`, ca: ca.cert }));

  const server: FakeApiServer = {
    url: `https://127.0.0.1:${port}`,
    port,
    ca: ca.cert,
    kubeconfig,
    folder,
    requests: [],
    intercept: () => 'pass',
    isMute: false,
    maxPage: undefined,
    get: (path) => objects.get(path),
    put: (path, object) => {
      store(path, object);
    },
    remove: (path) => {
      const object = objects.get(path);
      objects.delete(path);
      version += 1;
      const metadata = member(object, 'metadata');
      const last = { ...object, metadata: { ...(isObject(metadata) ? metadata : {}), resourceVersion: `${version}` } };
      emit('DELETED', path, last);
    },
    bookmark: () => {
      const object = { kind: 'Bookmark', metadata: { resourceVersion: String(version) } };
      server.sendLine(JSON.stringify({ type: 'BOOKMARK', object }));
    },
    sendLine: (line) => {
      for (const watch of watches) watch.response.write(`${line}\n`);
    },
    watches: () => watches.size,
    closeWatches: () => {
      for (const watch of watches) watch.response.end();
      watches.clear();
    },
    breakWatches: () => {
      for (const watch of watches) watch.response.destroy();
      watches.clear();
    },
    compact: () => {
      version += 1;
      oldest = version;
      changes = [];
    },
    stop: async () => {
      const closed = Promise.withResolvers<void>();
      listener.close(() => closed.resolve());
      listener.closeAllConnections();
      await closed.promise;
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}

/** A kubeconfig with one cluster, user and context, all named `fake`. */
export function toKubeconfig({ server, ca, user }: { server: string; ca: string; user?: JsonObject }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
    clusters: [{ name: 'fake', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'fake', user: user ?? { token: 'fake-token' } }],
  });
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function sendStatus(response: ServerResponse, code: number, reason: string): void {
  sendJson(response, code, { kind: 'Status', status: 'Failure', code, reason, message: `it is ${reason}` });
}

/** `/api/v1/namespaces/a/serviceaccounts/b` is listed under `/api/v1/serviceaccounts`. */
function toCollection(path: string): string {
  const parts = path.split('/');
  return parts[3] === 'namespaces' && parts.length === 7 ? `/api/v1/${parts[5]}` : toFolder(path);
}

function toFolder(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function isCollection(path: string): boolean {
  return /^\/api\/v1\/(namespaces|serviceaccounts|secrets|namespaces\/[^/]+\/pods)$|\/(mutatingwebhookconfigurations|endpointslices)$/.test(
    path,
  );
}
