import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { member } from '../../src/objects/json.ts';
import { exchange, openConnection } from './raw-connection.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp } from './start-app.ts';

const LIMIT = 65_536;
/** Room for one body of the largest size. */
const ONE_BODY = { server: { bodyLimitBytes: LIMIT, maxBodyBytesInFlight: LIMIT, deadlineMs: 30_000 } };
const POST = 'POST /validate/pods HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
const POD_REVIEW = review('pods', ADMITTED_POD);
/** A review whose body is as large as one may be. */
const LARGEST = JSON.stringify(POD_REVIEW).padEnd(LIMIT);
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';

/** Only ends a test that has failed. */
const BOUND = { timeout: 20_000 };

/** Lookups of the namespace `slow` end when the test says so. */
let gate = Promise.withResolvers<void>();
const READER = {
  ...PLAIN_READER,
  namespace: async (name: string) => {
    if (name === 'slow') await gate.promise;
    return await PLAIN_READER.namespace(name);
  },
};
const SLOW_REVIEW = JSON.stringify(review('pods', ADMITTED_POD, { namespace: 'slow' })).padEnd(LIMIT);

let app: StartedApp | undefined;
const sockets: TLSSocket[] = [];
beforeEach(() => {
  gate = Promise.withResolvers<void>();
});
afterEach(async () => {
  gate.resolve();
  for (const socket of sockets.splice(0)) socket.destroy();
  await app?.stop();
  app = undefined;
});

/** With patience for bodies that do not come, but where a test is about it. */
async function start(
  keys?: Parameters<typeof startApp>[0],
  reader?: Parameters<typeof startApp>[1],
  more: Parameters<typeof startApp>[2] = {},
): Promise<StartedApp> {
  app = await startApp(keys, reader, { giveWayMs: 600_000, ...more });
  return app;
}

type Held = { readonly socket: TLSSocket; readonly heard: () => string };

/** Sends `bytes` and leaves the connection open. */
async function hold(port: number, bytes: string): Promise<Held> {
  const socket = await openConnection(port);
  sockets.push(socket);
  let heard = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  await new Promise((resolve) => socket.write(bytes, resolve));
  return { socket, heard: () => heard };
}

/** Whether there is room for one more review of the largest size, and for how many unfinished ones beside it. */
async function expectRoomForOne({ port, send }: StartedApp): Promise<void> {
  await expect.poll(async () => (await send('/validate/pods', LARGEST)).status, BOUND).toBe(200);
  const head = `${POST}content-length: ${LIMIT}\r\n\r\n`;
  const held = [await hold(port, head), await hold(port, head), await hold(port, head)];
  await expect.poll(() => held.filter(({ heard }) => heard().includes('HTTP/1.1 429')).length, BOUND).toBe(2);
  for (const { socket } of held) socket.destroy();
}

describe('A request that is never finished', () => {
  it('gives its place to those that send', async () => {
    const { port, send, metric } = await start({ server: { maxInFlight: 20 } }, READER, { giveWayMs: 250 });
    for (let count = 0; count < 20; count += 1) await hold(port, `${POST}content-length: 10\r\n\r\n{`);
    await expect.poll(async () => (await send('/validate/pods', POD_REVIEW)).status, BOUND).toBe(200);
    expect(await metric('curfew_faults_total{entry="/validate/pods",code="CURFEW_E_BODY_TIMEOUT"}')).toBeGreaterThan(0);
  });
});

describe('A body holds its bytes from the moment it is announced', () => {
  it.each([
    ['of the largest size', `${POST}content-length: ${LIMIT}\r\n\r\n`],
    ['of a size that leaves a little', `${POST}content-length: ${LIMIT - 100}\r\n\r\n`],
    ['of a size that is not told', `${POST}${CHUNKED}1\r\n{\r\n`],
  ])('%s: then others wait', async (_what, bytes) => {
    const { port, send } = await start(ONE_BODY);
    const { socket } = await hold(port, bytes);
    await expect.poll(async () => (await send('/validate/pods', POD_REVIEW)).status, BOUND).toBe(429);
    const { headers, text } = await send('/validate/pods', POD_REVIEW);
    expect(headers['retry-after']).toBe('1');
    expect(member(JSON.parse(text), 'message')).toBe(
      `CURFEW_E_OVERLOADED: too many reviews at once: server.maxBodyBytesInFlight is ${LIMIT}`,
    );
    socket.destroy();
    await expect.poll(async () => (await send('/validate/pods', POD_REVIEW)).status, BOUND).toBe(200);
  });

  it('and no more: small ones are judged beside it', async () => {
    const { port, send } = await start(ONE_BODY);
    await hold(port, `${POST}content-length: ${LIMIT - 10_000}\r\n\r\n`);
    expect((await send('/validate/pods', POD_REVIEW)).status).toBe(200);
    expect((await send('/validate/pods', JSON.stringify(POD_REVIEW).padEnd(10_001))).status).toBe(429);
  });
});

describe('What a request held is given back once', () => {
  it.each([
    ['it is judged', `${POST}content-length: ${LIMIT}\r\n\r\n${LARGEST}`, '200'],
    ['it is no JSON', `${POST}content-length: ${LIMIT}\r\n\r\n${'x'.repeat(LIMIT)}`, '400'],
    ['it is no JSON by its type', `${POST.replace('json', 'yaml')}content-length: ${LIMIT}\r\n\r\n`, '415'],
    ['its chunks are too many', `${POST}${CHUNKED}20000\r\n${'x'.repeat(2 * LIMIT)}\r\n`, '413'],
    ['its chunks break the protocol', `${POST}${CHUNKED}1\r\n{\r\nnonsense\r\n`, '400'],
    [
      'its deadline passes',
      `${POST.replace('pods', 'pods?timeout=300ms')}content-length: ${LIMIT}\r\n\r\n${SLOW_REVIEW}`,
      '500',
    ],
    ['its body does not arrive', `${POST}content-length: ${LIMIT}\r\n\r\n{`, '408'],
  ])('when %s', async (_what, bytes, status) => {
    const started = await start(ONE_BODY, READER, { bodyMs: 2_000 });
    const { heard } = await hold(started.port, bytes);
    await expect.poll(() => heard().split(' ')[1], BOUND).toBe(status);
    await expectRoomForOne(started);
  });

  it.each([
    ['its body', `${POST}content-length: ${LIMIT}\r\n\r\n{`],
    ['its answer', `${POST}content-length: ${LIMIT}\r\n\r\n${SLOW_REVIEW}`],
    [
      'its turn behind another on the same connection',
      `${POST}content-length: 30000\r\n\r\n${SLOW_REVIEW.slice(0, 30_000)}${POST}content-length: 30000\r\n\r\n{`,
    ],
  ])('when its client goes away during %s', async (_what, bytes) => {
    const started = await start(ONE_BODY, READER);
    const { socket } = await hold(started.port, bytes);
    await expect.poll(async () => (await started.send('/validate/pods', LARGEST)).status, BOUND).toBe(429);
    socket.destroy();
    gate.resolve();
    await expectRoomForOne(started);
  });
});

describe('The time for a body', () => {
  it('is told when it is over, and counted', async () => {
    const { port, metric } = await start({}, READER, { bodyMs: 100 });
    const text = await exchange(port, `${POST}content-length: 10\r\n\r\n{`);
    expect(text).toContain('CURFEW_E_BODY_TIMEOUT: the body did not arrive within 100 ms');
    expect(text.toLowerCase()).toContain('connection: close');
    expect(await metric('curfew_faults_total{entry="/validate/pods",code="CURFEW_E_BODY_TIMEOUT"}')).toBe(1);
  });

  it('ends when the body is there, however long the review takes', async () => {
    const { send } = await start({}, READER, { bodyMs: 200 });
    const { text } = await send('/validate/pods?timeout=1s', SLOW_REVIEW.trimEnd());
    expect(text).toContain('CURFEW_E_DEADLINE');
  });
});

describe('A client that asks whether to send its body', () => {
  const ask = (head: string) => `${head}expect: 100-continue\r\n`;

  it('is told to go on when it will be read', async () => {
    const { port } = await start();
    const { socket, heard } = await hold(port, `${ask(POST)}content-length: ${LIMIT}\r\n\r\n`);
    await expect.poll(heard, BOUND).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(LARGEST);
    await expect.poll(heard, BOUND).toContain('HTTP/1.1 200');
  });

  it.each([
    ['there is no room', ask(POST), LIMIT, '429'],
    ['it is too large', ask(POST), LIMIT + 1, '413'],
    ['it is of another type', ask(POST.replace('json', 'yaml')), 10, '415'],
    ['the path is unknown', ask(POST.replace('pods', 'none')), 10, '404'],
    ['the method is another', ask(POST.replace('POST', 'PUT')), 10, '405'],
  ])('is refused, and the connection closed, when %s', async (_what, head, length, status) => {
    const { port } = await start(ONE_BODY);
    await hold(port, `${POST}content-length: 10000\r\n\r\n`);
    const text = await exchange(port, `${head}content-length: ${length}\r\n\r\n`);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text).not.toContain('100 Continue');
  });
});

describe('A connection', () => {
  it.each([
    ['the load', POST, '429'],
    ['the path', POST.replace('pods', 'none'), '404'],
    ['the method', POST.replace('POST', 'PUT'), '405'],
    ['the content type', POST.replace('json', 'yaml'), '415'],
  ])('whose request is refused for %s is closed: nobody reads a body that never ends', async (_what, head, status) => {
    const { port } = await start(ONE_BODY);
    if (status === '429') await hold(port, `${POST}content-length: ${LIMIT}\r\n\r\n`);
    const text = await exchange(port, `${head}${CHUNKED}1\r\n{\r\n`);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text.toLowerCase()).toContain('connection: close');
  });

  it('is kept by a refused request that has arrived whole: a new one costs more than its bytes', async () => {
    const { port } = await start(ONE_BODY);
    const { heard } = await hold(port, `${POST.replace('pods', 'none')}content-length: 2\r\n\r\n{}`);
    await expect.poll(heard, BOUND).toContain('HTTP/1.1 404');
    expect(heard().toLowerCase()).toContain('connection: keep-alive');
  });

  it('that is idle, or was never used, is not closed while an API server may still use it', async () => {
    const { server } = await start();
    expect(server).toSatisfy((http: unknown) =>
      ['keepAliveTimeout', 'requestTimeout', 'headersTimeout'].every(
        (key) => Number(Reflect.get(Object(http), key)) > 90_000,
      ),
    );
  });

  it('is closed at once when there are as many as requests in flight and idle ones of API servers', async () => {
    const { port, metric, openConnections } = await start({ server: { maxInFlight: 1 } });
    const all = Array.from({ length: 260 }, () => connectPlain(port));
    await expect
      .poll(async () => await metric('curfew_faults_total{entry="none",code="CURFEW_E_OVERLOADED"}'), BOUND)
      .toBe(9);
    expect(await openConnections()).toBe(251);
    for (const socket of all) socket.destroy();
  });
});

/** A connection on which not even TLS is spoken. */
function connectPlain(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  return socket.on('error', () => undefined);
}

describe('A body that takes more memory than its bytes', () => {
  const many = (count: number) => `{"a":[${'{},'.repeat(count)}{}]}`;

  it('is refused if no limit can hold it', async () => {
    const { send, metric } = await start({ server: { bodyLimitBytes: LIMIT, maxBodyBytesInFlight: LIMIT } });
    const { status, text } = await send('/validate/pods', many(1_400));
    expect({ status, message: member(JSON.parse(text), 'message') }).toEqual({
      status: 413,
      message: 'CURFEW_E_TOO_MANY_VALUES: the review holds more than 1365 values',
    });
    expect(await metric('curfew_faults_total{entry="/validate/pods",code="CURFEW_E_TOO_MANY_VALUES"}')).toBe(1);
  });

  it('counts twice where it is not all Latin-1, and alone it is judged however large', async () => {
    const started = await start(ONE_BODY);
    const [narrow, wide] = ['e'.repeat(10), 'ě'.repeat(5)].map((text) => JSON.stringify(text).padEnd(30_000));
    expect((await started.send('/validate/pods', (wide ?? '').padEnd(LIMIT - 10))).status).toBe(400);
    await hold(started.port, `${POST}content-length: 20000\r\n\r\n`);
    await expect.poll(async () => (await started.send('/validate/pods', wide ?? '')).status, BOUND).toBe(429);
    // Judged, and found to be no review.
    expect((await started.send('/validate/pods', narrow ?? '')).status).toBe(400);
  });

  it('waits for its turn while others hold the memory, and gives back what it held', async () => {
    const started = await start(ONE_BODY);
    const other = await hold(started.port, `${POST}content-length: 40000\r\n\r\n`);
    await expect.poll(async () => (await started.send('/validate/pods', many(1_000))).status, BOUND).toBe(429);
    other.socket.destroy();
    // Judged, and found to be no review.
    await expect.poll(async () => (await started.send('/validate/pods', many(1_000))).status, BOUND).toBe(400);
    await expectRoomForOne(started);
  });
});
