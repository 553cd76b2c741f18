import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange, openConnection } from './raw-connection.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

const POD_REVIEW = review('pods', ADMITTED_POD);
const POST = 'POST /validate/pods HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';

let app: StartedApp | undefined;
const sockets: TLSSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app?.stop();
  app = undefined;
});

async function start(...args: Parameters<typeof startApp>): Promise<StartedApp> {
  app = await startApp(...args);
  return app;
}

/** Sends the head of a request and a part of its body, and leaves it at that. */
async function sendUnfinished(port: number, length: number, sent: number): Promise<TLSSocket> {
  const socket = await openConnection(port);
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(`${POST}content-length: ${length}\r\n\r\n`);
  await new Promise((resolve) => socket.write(Buffer.alloc(sent, ' '), resolve));
  return socket;
}

describe('A connection that speaks no proper HTTP', () => {
  it.each([
    ['words', 'hello\r\n\r\n', '400'],
    ['two lengths that contradict each other', `${POST}content-length: 5\r\ncontent-length: 6\r\n\r\n`, '400'],
    ['a length and chunks', `${POST}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, '400'],
    ['a length that is no number', `${POST}content-length: many\r\n\r\n`, '400'],
    ['a chunk of no size', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n`, '400'],
    ['a header of 20 kB', `${POST}x: ${'y'.repeat(20_000)}\r\n\r\n`, '431'],
    ['a proxy request', 'CONNECT example.org:443 HTTP/1.1\r\nhost: a\r\n\r\n', ''],
  ])('%s: is refused, and the server goes on', async (_what, bytes, status) => {
    const { port, send } = await start();
    const text = await exchange(port, bytes);
    expect(text.split(' ')[1] ?? '').toBe(status);
    expect(text).not.toMatch(/\.ts|node_modules|at \w+ \(/);
    expect((await send('/validate/pods', POD_REVIEW)).status).toBe(200);
  });
});

describe('A body that is announced and not sent', () => {
  it('is refused before it is sent, if it is too large', async () => {
    const { port, metric } = await start();
    const text = await exchange(
      port,
      `${POST}expect: 100-continue\r\nconnection: close\r\ncontent-length: 9000000\r\n\r\n`,
    );
    expect(text).toContain('HTTP/1.1 413');
    expect(text).toContain('CURFEW_E_BODY_TOO_LARGE');
    expect(await metric('curfew_faults_total{entry="/validate/pods",code="CURFEW_E_BODY_TOO_LARGE"}')).toBe(1);
  });

  it('is counted when its client goes away', async () => {
    const { port, metric, send } = await start();
    const gone = await Promise.all([1, 2, 3].map(async () => await sendUnfinished(port, 1_000, 500)));
    for (const socket of gone) socket.destroy();
    await expect
      .poll(async () => await metric('curfew_faults_total{entry="/validate/pods",code="CURFEW_E_CLIENT_GONE"}'))
      .toBe(3);
    expect((await send('/validate/pods', POD_REVIEW)).status).toBe(200);
  });

  it('counts before it is complete: the server does not take in any number of them', async () => {
    const { port } = await start({ server: { maxInFlight: 2 } }, undefined, { giveWayMs: 600_000 });
    let answers = '';
    for (let count = 0; count < 12; count += 1) {
      const socket = await sendUnfinished(port, 2_000_000, 1_000_000);
      socket.on('data', (chunk: Buffer) => {
        answers += chunk.toString();
      });
    }
    await expect.poll(() => answers).toContain('HTTP/1.1 429');
  });
});

describe('A body in odd bytes', () => {
  it.each([
    ['a byte order mark', Buffer.from(`\ufeff${JSON.stringify(POD_REVIEW)}`)],
    ['UTF-16', Buffer.from(JSON.stringify(POD_REVIEW), 'utf16le')],
    ['compressed, which the API server never sends', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ])('%s: is no JSON', async (_what, bytes) => {
    const { send } = await start();
    const { status, text } = await send('/validate/pods', bytes);
    expect(status).toBe(400);
    expect(text).toMatch(/CURFEW_E_NOT_JSON|CURFEW_E_CLIENT_GONE/);
  });

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset=UTF-8'])(
    'of content type %s is read',
    async (contentType) => {
      const { send } = await start();
      expect((await send('/validate/pods', POD_REVIEW, { contentType })).status).toBe(200);
    },
  );

  it.each(['application/jsonx', 'application/json-patch+json', 'text/json', 'json'])(
    'of content type %s is not',
    async (contentType) => {
      const { send } = await start();
      expect((await send('/validate/pods', POD_REVIEW, { contentType })).status).toBe(415);
    },
  );
});
