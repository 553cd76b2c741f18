import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics/metrics.ts';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import { type JsonObject, member } from '../../src/objects/json.ts';
import { endListening, listen } from '../../src/server/listen.ts';
import { buildOperationsApp, type OperationsDeps, type ReadinessFact } from '../../src/server/operations-app.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const POD_REVIEW = review('pods', ADMITTED_POD);
const NEVER = new Promise<never>(() => undefined);
const HANGING = { ...PLAIN_READER, namespace: async () => await NEVER };

let app: StartedApp | undefined;
let operations: Server | undefined;
afterEach(async () => {
  await app?.stop();
  if (operations !== undefined) await endListening(operations);
  app = undefined;
  operations = undefined;
});

/** Asks the operations server, which listens from then on. */
async function askOperations(deps: OperationsDeps, path: string, method = 'GET'): Promise<Response> {
  operations = buildOperationsApp(deps);
  return await fetch(`${await listen(operations, { host: '127.0.0.1', port: 0 })}${path}`, { method });
}

async function start(...args: Parameters<typeof startApp>): Promise<StartedApp> {
  app = await startApp(...args);
  return app;
}

describe('The deadline', () => {
  it.each([
    ['?timeout=1s', '800'],
    ['?timeout=300ms', '100'],
    ['?timeout=1s&more=1', '800'],
    // Nonsense and longer waits leave ours.
    ['?timeout=9999s', '900'],
    ['?timeout=soon', '900'],
    ['?timeout=-1s', '900'],
    ['?timeout=1s&timeout=2s', '900'],
    ['?timeout=%zz', '900'],
    ['', '900'],
  ])('with the query "%s" is %s ms', async (query, ms) => {
    const { send } = await start({ server: { deadlineMs: 900 } }, HANGING);
    const { status, text } = await send(`/validate/pods${query}`, POD_REVIEW);
    expect({ status, message: member(JSON.parse(text), 'message') }).toEqual({
      status: 500,
      message: `CURFEW_E_DEADLINE: the review could not be judged within ${ms} ms`,
    });
  });

  it('is told as it was chosen, not as what was left of it', async () => {
    let now = 0;
    const clock = { now: Date.now, monotonic: () => (now += 7) };
    const { send } = await start({ server: { deadlineMs: 100 } }, HANGING, { clock });
    const { text } = await send('/validate/pods', POD_REVIEW);
    expect(member(JSON.parse(text), 'message')).toBe('CURFEW_E_DEADLINE: the review could not be judged within 100 ms');
  });

  it('frees the place of a review that it ends', async () => {
    const { send, metric } = await start({ server: { deadlineMs: 100, maxInFlight: 1 } }, HANGING);
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await send('/validate/pods', POD_REVIEW)).status);
    expect(statuses).toEqual([500, 500, 500]);
    expect(await metric('curfew_review_duration_seconds_count{entry="/validate/pods",outcome="fault"}')).toBe(3);
  });
});

describe('A review of what no rule reads', () => {
  it.each<[string, string, JsonObject]>([
    ['a deletion', '/validate/pods', { operation: 'DELETE', object: null, oldObject: ADMITTED_POD }],
    [
      'a connection',
      '/validate/pods',
      { operation: 'CONNECT', subResource: 'exec', object: { kind: 'PodExecOptions' } },
    ],
    ['a subresource', '/validate/pods', { subResource: 'status' }],
    ['another group', '/validate/pods', { resource: { group: 'metrics.k8s.io', version: 'v1', resource: 'pods' } }],
    ['another entry', '/mutate/pods', { resource: { group: '', version: 'v1', resource: 'secrets' } }],
    ['a resource named like a member of every object', '/validate/pods', { resource: { resource: '__proto__' } }],
  ])('%s: is a plain allow, for which nothing is looked up', async (_what, path, fields) => {
    const { send } = await start({}, HANGING);
    const { status, text } = await send(path, review('pods', ADMITTED_POD, fields));
    expect(status).toBe(200);
    expect(Object.keys(member(JSON.parse(text), 'response') ?? {})).toEqual(['uid', 'allowed']);
  });
});

describe('A pod that is odd but legal', () => {
  it.each<[string, JsonObject]>([
    ['without annotations', { name: 'a' }],
    ['with annotations that are null', { name: 'a', annotations: null }],
    ['with annotations', { name: 'a', annotations: { 'a/b~c': 'd' } }],
  ])('%s: is patched', async (_what, metadata) => {
    const { send } = await start({ mutateMode: 'apply' });
    const { status, text } = await send('/mutate/pods', review('pods', { ...ADMITTED_POD, metadata }));
    expect(status).toBe(200);
    expect(member(member(JSON.parse(text), 'response'), 'patchType')).toBe('JSONPatch');
  });
});

describe('The metrics', () => {
  it('count reviews by outcome and findings by what they led to', async () => {
    const { send, metric } = await start();
    await send('/validate/secrets', review('secrets', TOKEN_SECRET));
    await send('/validate/pods', POD_REVIEW);
    const outcome = (entry: string, word: string) =>
      metric(`curfew_review_duration_seconds_count{entry="${entry}",outcome="${word}"}`);
    expect(await outcome('/validate/secrets', 'denied')).toBe(1);
    expect(await outcome('/validate/pods', 'allowed')).toBe(1);
    expect(
      await metric(
        'curfew_evaluations_total{check="long-lived-token-secret",mode="enforce",decision="deny",operation="CREATE",resource="secrets"}',
      ),
    ).toBe(1);
    expect(await metric('curfew_evaluations_total{check="pod-automount",mode="warn",decision="warn"')).toBe(1);
  });

  it('have no label that a request can choose', async () => {
    const { send, metric } = await start();
    for (let count = 0; count < 20; count += 1) {
      await send(`/validate/${count}`, POD_REVIEW);
      await send('/validate/pods', review(`made-up-${count}`, ADMITTED_POD));
      await send('/validate/pods', review('pods', ADMITTED_POD, { namespace: `n${count}`, name: `p${count}` }));
    }
    expect(await metric('curfew_faults_total{entry="none",code="CURFEW_E_PATH"}')).toBe(20);
    expect(await metric('curfew_evaluations_total{check="pod-automount",mode="warn"')).toBe(20);
    const series = await metric('curfew_evaluations_total');
    expect(series).toBe(40);
  });

  it('are told in the text format, each with its help and its type', async () => {
    const recorder = createPrometheusRecorder('1.2.3', () => 0);
    const answer = await askOperations({ readiness: [], notes: [], metrics: recorder }, '/metrics');
    const body = await answer.text();
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain;.*version=/);
    for (const { name, help } of Object.values(METRICS)) {
      expect(body).toContain(`# HELP ${name} ${help}\n# TYPE ${name} `);
    }
    expect(body).toContain('curfew_build_info{version="1.2.3"');
    for (const line of body.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^{}]*\})? [-+0-9.eInfNa]+|)$/);
    }
  });
});

describe('Readiness', () => {
  const fact = (name: string, missing?: string): ReadinessFact => ({ name, missing: () => missing });
  async function ask(path: string, readiness: readonly ReadinessFact[], notes: readonly ReadinessFact[] = []) {
    const deps = { readiness, notes, metrics: createPrometheusRecorder('test', () => 0) };
    const answer = await askOperations(deps, path);
    return { status: answer.status, lines: (await answer.text()).trimEnd().split('\n') };
  }

  it('is one word when all is well', async () => {
    expect(await ask('/readyz', [fact('index synced')])).toEqual({ status: 200, lines: ['ready'] });
  });

  it('lists what there is, if asked', async () => {
    expect(await ask('/readyz?verbose', [fact('index synced'), fact('not stopping')])).toEqual({
      status: 200,
      lines: ['[+] index synced', '[+] not stopping', 'ready'],
    });
  });

  it('says what is missing, asked or not', async () => {
    expect(await ask('/readyz', [fact('index synced'), fact('not stopping', 'it stops')])).toEqual({
      status: 503,
      lines: ['[-] not stopping: it stops', 'not ready'],
    });
  });

  it('shows a note, and does not wait for it', async () => {
    expect(await ask('/readyz?verbose', [fact('index synced')], [fact('webhooks published', 'forbidden')])).toEqual({
      status: 200,
      lines: ['[+] index synced', '[-] webhooks published: forbidden', 'ready'],
    });
  });

  it('is not health: a process that is not ready is alive', async () => {
    expect(await ask('/healthz', [fact('index synced', 'not yet')])).toEqual({ status: 200, lines: ['ok'] });
  });
});

describe('The operations port', () => {
  const deps = (render = async () => await Promise.resolve('')): OperationsDeps => ({
    readiness: [],
    notes: [],
    metrics: { contentType: 'text/plain', render },
  });

  it('answers HEAD without a body', async () => {
    const answer = await askOperations(deps(), '/healthz', 'HEAD');
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '3', '']);
  });

  it('says what there is where there is nothing, and what may be done where something is sent', async () => {
    const nothing = await askOperations(deps(), '/');
    expect([nothing.status, await nothing.text()]).toEqual([404, 'there is /healthz, /readyz, /metrics\n']);
    if (operations !== undefined) await endListening(operations);
    const sent = await askOperations(deps(), '/healthz', 'POST');
    expect([sent.status, sent.headers.get('allow'), await sent.text()]).toEqual([
      405,
      'GET, HEAD',
      'only GET and HEAD\n',
    ]);
  });

  it('keeps no connection whose client still sends', async () => {
    operations = buildOperationsApp(deps());
    const { port } = new URL(await listen(operations, { host: '127.0.0.1', port: 0 }));
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    let text = '';
    socket.on('data', (data: Buffer) => {
      text += data.toString();
    });
    socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nmore');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*\r\n\r\nok\n$/i);
  });

  it('answers what cannot be rendered without a word of the error', async () => {
    const answer = await askOperations(
      deps(async () => await Promise.reject(new Error('a secret'))),
      '/metrics',
    );
    expect([answer.status, await answer.text()]).toEqual([500, 'this could not be rendered\n']);
  });
});
