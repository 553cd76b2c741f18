import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANSWER_TOO_LARGE, type KubeClient, type KubeRequest } from '../../src/kube/api.ts';
import { connect } from '../../src/kube/client.ts';
import { splitLines } from '../../src/kube/transport.ts';
import { type FakeApiServer, sendJson, sendStatus, startFakeApiServer, toKubeconfig } from './fake-api-server.ts';
import { eventually } from './fake-clock.ts';

let server: FakeApiServer;
let client: KubeClient;
const never = () => new AbortController().signal;
const get = (path: string, more: Partial<KubeRequest> = {}): KubeRequest => ({
  method: 'GET',
  path,
  signal: never(),
  ...more,
});

beforeEach(async () => {
  server = await startFakeApiServer();
  client = await connect({ kubeconfig: server.kubeconfig });
});

afterEach(() => server.stop());

async function write(name: string, text: string): Promise<string> {
  const file = join(server.folder, name);
  await writeFile(file, text);
  return file;
}

describe('request', () => {
  it('sends credentials, query, Accept and body, and parses the answer', async () => {
    server.put('/api/v1/namespaces/a', { metadata: { name: 'a' } });
    const answer = await client.request(get('/api/v1/namespaces/a', { query: { 'a b': 'c&d' }, accept: 'x/y' }));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ metadata: { name: 'a' } });
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer fake-token', accept: 'x/y' });
    expect(server.requests[0]?.query.get('a b')).toBe('c&d');
    expect(client.server).toBe(server.url);

    const put = { ...get('/x'), method: 'PUT', body: { metadata: { name: 'é' } } } as const;
    expect((await client.request(put)).status).toBe(200);
    expect(server.requests[1]?.body).toBe('{"metadata":{"name":"é"}}');
  });

  it('uses one connection again', async () => {
    const ports = new Set<number | undefined>();
    server.intercept = (_, response) => {
      ports.add(response.socket?.remotePort);
      return 'pass';
    };
    for (let count = 0; count < 3; count += 1) await client.request(get('/api/v1/namespaces'));
    expect(ports.size).toBe(1);
  });

  it('keeps the connections of requests that came at once for the next ones that do', async () => {
    const ports = new Set<number | undefined>();
    server.intercept = (_, response) => {
      ports.add(response.socket?.remotePort);
      return 'pass';
    };
    // As many as there are live reads at once: a wave of new pods, and the next one.
    const wave = async () =>
      await Promise.all(Array.from({ length: 32 }, () => client.request(get('/api/v1/namespaces'))));
    await wave();
    const opened = ports.size;
    await wave();
    expect(opened).toBeGreaterThan(8);
    expect(ports.size).toBe(opened);
  });

  it('answers with any status, and makes a Status of a page that is no JSON', async () => {
    server.intercept = (_, response) => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<h1>bad\ngateway</h1>');
      return 'handled';
    };
    expect(await client.request(get('/x'))).toEqual({
      status: 502,
      body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 502, message: '<h1>bad gateway</h1>' },
    });
  });

  it('refuses a success that is no JSON without quoting it', async () => {
    server.intercept = (_, response) => {
      response.end('not json: s3cr3t');
      return 'handled';
    };
    await expect(client.request(get('/x'))).rejects.toThrow(`GET ${server.url}/x: an answer of 16 bytes is not JSON`);
  });

  it('refuses an answer that is too large, with a code', async () => {
    server.intercept = (_, response) => {
      sendJson(response, 200, { a: 'x'.repeat(5000) });
      return 'handled';
    };
    const failing = client.request(get('/x', { maxAnswerBytes: 1000 }));
    await expect(failing).rejects.toMatchObject({ code: ANSWER_TOO_LARGE });
    await expect(failing).rejects.toThrow('the answer is larger than 1000 bytes');
  });

  it('heeds the signal, before and during the answer', async () => {
    const stop = new AbortController();
    server.intercept = () => 'hang';
    const hanging = client.request(get('/x', { signal: stop.signal }));
    await eventually(() => server.requests.length === 1);
    stop.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
    await expect(client.request(get('/x', { signal: stop.signal }))).rejects.toThrow('enough');

    const later = new AbortController();
    server.intercept = (_, response) => {
      response.write('{"a":');
      return 'hang';
    };
    const half = client.request(get('/y', { signal: later.signal }));
    await eventually(() => server.requests.some((request) => request.path === '/y'));
    later.abort(new Error('enough of this too'));
    await expect(half).rejects.toThrow('enough of this too');
  });

  it('refuses an answer that is cut off, whether or not its length was announced', async () => {
    for (const length of [{ 'content-length': 100 }, {}]) {
      server.intercept = (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...length });
        response.write('{}', () => response.socket?.destroy());
        return 'handled';
      };
      await expect(client.request(get('/x'))).rejects.toThrow(/^GET https:.*\/x: (aborted|.*ECONNRESET)/);
    }
  });

  it('says in a sentence that the server is not there, and does not trust another CA', async () => {
    await server.stop();
    await expect(client.request(get('/x'))).rejects.toThrow(
      `GET ${server.url}/x: connect ECONNREFUSED 127.0.0.1:${server.port}`,
    );
    const first = server;
    server = await startFakeApiServer();
    const file = await write('other-ca', toKubeconfig({ server: server.url, ca: first.ca }));
    const stranger = await connect({ kubeconfig: file });
    await expect(stranger.request(get('/x'))).rejects.toThrow(/signature|self-signed|certificate/);
  });

  it('sends a GET again when the server closed a kept connection just then', async () => {
    await client.request(get('/api/v1/namespaces'));
    let isFirst = true;
    server.intercept = (_, response) => {
      if (!isFirst) return 'pass';
      isFirst = false;
      response.socket?.destroy();
      return 'handled';
    };
    expect((await client.request(get('/api/v1/namespaces'))).status).toBe(200);
  });
});

describe('watch', () => {
  async function collect(request: KubeRequest): Promise<unknown[]> {
    const lines: unknown[] = [];
    for await (const line of client.watch(request)) lines.push(line);
    return lines;
  }
  const watch = () => get('/api/v1/namespaces', { query: { watch: 'true', resourceVersion: '100' } });

  it('yields each line and ends with the answer', async () => {
    const collecting = collect(watch());
    await eventually(() => server.watches() === 1);
    server.put('/api/v1/namespaces/a', { metadata: { name: 'a' } });
    server.sendLine('{"type":"é"}\n{"type":"b"}');
    server.closeWatches();
    expect(await collecting).toMatchObject([{ type: 'ADDED' }, { type: 'é' }, { type: 'b' }]);
  });

  it('throws on a line that is no JSON, without quoting it', async () => {
    const collecting = collect(watch());
    await eventually(() => server.watches() === 1);
    server.sendLine('{"type": s3cr3t');
    await expect(collecting).rejects.toThrow(/a line of 15 characters is not JSON$/);
  });

  it('throws when the connection is cut', async () => {
    const collecting = collect(watch());
    await eventually(() => server.watches() === 1);
    server.breakWatches();
    await expect(collecting).rejects.toThrow(/^GET https:.*(aborted|hang up|ECONNRESET)/);
  });

  it('yields a refusal as an ERROR event', async () => {
    server.intercept = (_, response) => {
      sendStatus(response, 403, 'Forbidden');
      return 'handled';
    };
    expect(await collect(watch())).toMatchObject([{ type: 'ERROR', object: { code: 403, reason: 'Forbidden' } }]);
  });

  it('ends the connection when the reader leaves or the signal aborts', async () => {
    const stop = new AbortController();
    const collecting = collect({ ...watch(), signal: stop.signal });
    await eventually(() => server.watches() === 1);
    stop.abort(new Error('enough'));
    await expect(collecting).rejects.toThrow('enough');
    await eventually(() => server.watches() === 0);

    const reading = (async () => {
      for await (const line of client.watch(watch())) return line;
      return undefined;
    })();
    await eventually(() => server.watches() === 1);
    server.bookmark();
    expect(await reading).toMatchObject({ type: 'BOOKMARK' });
    await eventually(() => server.watches() === 0);
  });
});

describe('splitLines', () => {
  async function split(chunks: readonly string[], max: number): Promise<string[]> {
    const lines: string[] = [];
    const bytes = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
    })();
    for await (const line of splitLines(bytes, max)) lines.push(line);
    return lines;
  }

  it('joins chunks wherever they were cut, inside a character too', async () => {
    expect(await split(['a', 'b\nc', '\n\xc3', '\xa9\n'], 10)).toEqual(['ab', 'c', 'é']);
  });

  it('throws on a line that is too long, complete or not', async () => {
    await expect(split(['abcdef\n'], 5)).rejects.toThrow('a line is longer than 5 bytes');
    await expect(split(['abc', 'def'], 5)).rejects.toThrow('a line is longer than 5 bytes');
  });

  it('throws on an end in the middle of a line', async () => {
    await expect(split(['a\nb'], 5)).rejects.toThrow('the connection ended in the middle of a line');
  });
});
