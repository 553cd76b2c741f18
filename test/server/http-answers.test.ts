import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HTTP_CASES, type HttpCase, type HttpCaseId } from '../../scripts/http-table.ts';
import { IS_LONG } from '../long.ts';
import { openConnection } from './raw-connection.ts';
import { ADMITTED_POD, review, type StartedApp, startApp } from './start-app.ts';

/** Whatever connection is still good answers this, and is closed then. */
const NEXT = 'GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
const BODY = JSON.stringify(review('pods', ADMITTED_POD));
const LENGTH = `content-length: ${Buffer.byteLength(BODY)}`;
const CHUNKED = 'transfer-encoding: chunked';
const LAST = '0\r\n\r\n';
const SLICE = 16_384;

const head = (...headers: readonly string[]) =>
  `${['POST /validate/pods HTTP/1.1', 'host: a', 'content-type: application/json', ...headers].join('\r\n')}\r\n\r\n`;
const plain = (...headers: readonly string[]) => `${head(LENGTH, ...headers)}${BODY}`;
const chunk = (text: string, extension = '') => `${Buffer.byteLength(text).toString(16)}${extension}\r\n${text}\r\n`;
const chunked = (...headers: readonly string[]) => `${head(...headers)}${chunk(BODY)}${LAST}`;
const withPath = (path: string) => plain().replace('/validate/pods', path);
const many = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index));

let app: StartedApp;
/** The same with little patience. */
let hasty: StartedApp;
beforeAll(async () => {
  app = await startApp();
  hasty = await startApp({}, undefined, { bodyMs: 50 });
});
afterAll(async () => {
  await app.stop();
  await hasty.stop();
});

/** Writes until the server has said something: what it does not want to read it must not be sent. */
async function writeAll(socket: TLSSocket, bytes: Buffer, isAnswered: () => boolean): Promise<void> {
  for (let at = 0; at < bytes.length && !isAnswered() && !socket.destroyed; at += SLICE) {
    await new Promise((resolve) => socket.write(bytes.subarray(at, at + SLICE), resolve));
  }
}

/** What came back, as the table writes it. */
function describeAnswers(text: string): string {
  const answers = text.split(/(?=HTTP\/1\.1 [0-9]{3} )/).filter((answer) => answer !== '');
  const isKept =
    answers.at(-1)?.startsWith('HTTP/1.1 404') === true && answers.at(-1)?.includes('CURFEW_E_PATH') === true;
  const told = (isKept ? answers.slice(0, -1) : answers).map((answer) => {
    const [code = ''] = /CURFEW_E_[A-Z_]+|(?<="allowed":)true/.exec(answer) ?? [];
    return [answer.slice(9, 12), code === 'true' ? 'allowed' : code].filter((word) => word !== '').join(' ');
  });
  const words = told.join(', then ');
  return isKept ? words : [words, 'closed'].filter((word) => word !== '').join(', ');
}

async function send(bytes: string | Buffer, port = app.port): Promise<string> {
  const all = Buffer.concat([Buffer.from(bytes), Buffer.from(NEXT)]);
  let answer = '';
  // What is on its way when the server closes makes a reset of the end, which may take the answer with it.
  for (let tries = 0; tries < 10 && (answer === '' || (answer === 'closed' && all.length > SLICE)); tries += 1) {
    answer = await converse(await openConnection(port), all);
  }
  return answer;
}

/** What the server closes by itself: a request behind it would be an answer of its own. */
async function sendAlone(bytes: string): Promise<string> {
  return await converse(await openConnection(app.port), Buffer.from(bytes));
}

async function converse(socket: TLSSocket, bytes: Buffer): Promise<string> {
  let text = '';
  socket.on('data', (data: Buffer) => {
    text += data.toString();
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await writeAll(socket, bytes, () => text !== '');
  await closed;
  return describeAnswers(text);
}

/** A request over a connection of these options, or the alert that ended the handshake. */
async function handshake(options: ConnectionOptions): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: '127.0.0.1', port: app.port, rejectUnauthorized: false, ...options });
  socket.once('error', (error) => resolve(describeAlert(error)));
  socket.once('secureConnect', () => void converse(socket, Buffer.from(plain() + NEXT)).then(resolve));
  return await promise;
}

function describeAlert(error: Error): string {
  const code = 'code' in error ? String(error.code) : error.message;
  return `alert ${code
    .replace(/^ERR_SSL_(?:TLSV1_ALERT_|SSLV3_ALERT_|SSL\/TLS_ALERT_)?/, '')
    .replaceAll('_', ' ')
    .toLowerCase()}`;
}

async function renegotiate(): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: app.port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once('error', (error) => resolve(describeAlert(error)));
  socket.once('close', () => resolve('closed'));
  socket.renegotiate({}, (error) => resolve(error === null ? 'made anew' : describeAlert(error)));
  const answer = await promise;
  socket.destroy();
  return answer;
}

/** Bytes on a connection without TLS. */
async function sendPlain(bytes: Buffer | string, isEnded: boolean): Promise<string> {
  const socket = connectTcp({ host: '127.0.0.1', port: app.port });
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (isEnded) socket.end(bytes);
  else socket.write(bytes);
  await closed;
  // An alert may have come, and no answer.
  return received < 100 ? 'closed' : 'answered';
}

/** A connection that is ended, in one direction or both, after these bytes. */
async function sendAndEnd(bytes: string): Promise<string> {
  const socket = await openConnection(app.port);
  let text = '';
  socket.on('data', (data: Buffer) => {
    text += data.toString();
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(bytes);
  await closed;
  return describeAnswers(text);
}

const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(32)]);

const SENT: Readonly<Record<Exclude<HttpCaseId, `silent${string}` | 'slowHead'>, () => Promise<string>>> = {
  lengthAndChunks: () => send(chunked(LENGTH, CHUNKED)),
  twoLengths: () => send(plain('content-length: 5')),
  lengthTwice: () => send(plain(LENGTH)),
  lengthList: () => send(`${head('content-length: 5, 5')}hello`),
  lengthPlus: () => send(`${head('content-length: +5')}hello`),
  lengthHex: () => send(`${head('content-length: 0x5')}hello`),
  lengthHuge: () => send(`${head(`content-length: ${'9'.repeat(40)}`)}hello`),
  lengthTooLarge: () => send(head('content-length: 9000000')),
  noLength: () => send(`${head()}${BODY}`),
  encodingIdentity: () => send(`${head('transfer-encoding: identity')}${BODY}`),
  encodingAfterChunks: () => send(chunked('transfer-encoding: chunked, identity')),
  encodingUnknown: () => send(chunked('transfer-encoding: xchunked')),
  encodingTwice: () => send(chunked(CHUNKED, CHUNKED)),
  encodingTab: () => send(chunked('transfer-encoding:\vchunked')),
  encodingFolded: () => send(chunked('transfer-encoding:\r\n chunked')),
  encodingUpperCase: () => send(chunked('transfer-encoding: CHUNKED')),
  encodingGzip: () => send(chunked('transfer-encoding: gzip, chunked')),
  chunks: () => send(chunked(CHUNKED)),
  chunkExtension: () => send(`${head(CHUNKED)}${chunk(BODY, ';a=b')}${LAST}`),
  chunkExtensionLarge: () => send(`${head(CHUNKED)}${chunk(BODY, `;a=${'b'.repeat(20_000)}`)}${LAST}`),
  chunksOfOneByte: () => send(`${head(CHUNKED)}${many(BODY.length, (at) => chunk(BODY.charAt(at))).join('')}${LAST}`),
  chunkOverflow: () => send(`${head(CHUNKED)}${'F'.repeat(17)}\r\n${BODY}\r\n${LAST}`),
  chunkTooLong: () => send(`${head(CHUNKED)}5\r\n${BODY}\r\n${LAST}`),
  chunkLineFeed: () =>
    send(chunked(CHUNKED).replace(/\r\n\r\n[^]*/, (rest) => `\r\n\r\n${rest.slice(4).replaceAll('\r', '')}`)),
  chunkNoSize: () => send(`${head(CHUNKED)}zz\r\n`),
  chunksTooMany: () => send(`${head(CHUNKED)}${many(140, () => chunk(' '.repeat(65_536))).join('')}`),
  trailer: () => send(`${head(CHUNKED)}${chunk(BODY)}0\r\ncontent-length: 1\r\n\r\n`),
  trailerHarmless: () => send(`${head(CHUNKED)}${chunk(BODY)}0\r\nx: y\r\n\r\n`),
  trailerLarge: () => send(`${head(CHUNKED)}${chunk(BODY)}0\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
  folded: () => send(plain('x: a\r\n b')),
  spaceBeforeColon: () => send(plain('x : a')),
  lineFeeds: () => send(plain().replaceAll('\r', '')),
  carriageReturn: () => send(plain('x: a\rb')),
  zero: () => send(plain('x: a\0b')),
  noHost: () => send(plain().replace('host: a\r\n', '')),
  twoHosts: () => send(plain('host: b')),
  largeHeader: () => send(plain(`x: ${'y'.repeat(20_000)}`)),
  // The rest would only be thrown away, and the answer with it.
  manyHeaders: () => sendAlone(plain(many(100_000, (index) => `x${index}: y`).join('\r\n')).slice(0, 2 * SLICE)),
  emptyHeaders: () => send(head(...many(1_100, () => 'a:'), LENGTH) + BODY),
  expectOther: () => send(plain('expect: 200-ok')),
  methodOverride: () => send(plain('x-http-method-override: DELETE')),
  leadingLines: () => send(`\r\n\r\n${plain()}`),
  leadingSpace: () => send(` ${plain()}`),
  pipelined: () => send(plain() + plain() + plain()),
  smuggled: () => send(`${plain()}GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n`),
  http09: () => sendAlone('GET /validate/pods\r\n\r\n'),
  http10: () => sendAlone(plain().replace('HTTP/1.1', 'HTTP/1.0')),
  http12: () => send(plain().replace('HTTP/1.1', 'HTTP/1.2')),
  http2: () => send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
  upgradeHttp2: () => send(plain('connection: upgrade', 'upgrade: h2c', 'http2-settings: AAMAAABk')),
  upgradeSocket: () =>
    send('GET /validate/pods HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
  connect: () => send('CONNECT example.org:443 HTTP/1.1\r\nhost: a\r\n\r\n'),
  options: () => send('OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n'),
  lowerCase: () => send(plain().replace('POST', 'post')),
  unknownMethod: () => send(plain().replace('POST', 'FROB')),
  noHttp: () => send('hello\r\n\r\n'),
  hugeUrl: () => send(withPath(`/validate/pods?${'a'.repeat(20_000)}`)),
  longQuery: () => send(withPath(`/validate/pods?${'a'.repeat(8_000)}`)),
  timeoutTwice: () => send(withPath('/validate/pods?timeout=1s&timeout=2s')),
  prototypeQuery: () => send(withPath('/validate/pods?__proto__[timeout]=1s&constructor=x')),
  wholeUrl: () => send(withPath('http://example.org/validate/pods')),
  doubleSlash: () => send(withPath('//validate//pods')),
  upperCasePath: () => send(withPath('/VALIDATE/PODS')),
  slashBehind: () => send(withPath('/validate/pods/')),
  zeroPath: () => send(withPath('/validate/pods%00')),
  contentTypeOther: () => send(plain().replace('application/json', 'text/plain')),
  contentTypeList: () => send(plain().replace('application/json', 'application/json, text/plain')),
  contentTypeTwice: () => send(plain('content-type: text/plain')),
  charset: () => send(plain().replace('application/json', 'application/json; charset=utf-16')),
  compressed: () => {
    const bytes = gzipSync(BODY);
    return send(Buffer.concat([Buffer.from(head('content-encoding: gzip', `content-length: ${bytes.length}`)), bytes]));
  },
  notCompressed: () => send(plain('content-encoding: gzip')),
  cutOff: () => sendAndEnd(`${head(LENGTH)}${BODY.slice(0, 50)}`),
  halfClosed: () => sendAndEnd(plain()),
  slow: () => send(head('content-length: 1000'), hasty.port),
  plain: () => sendPlain(plain(), false),
  tls10: () => handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  tls11: () => handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  tls12: () => handshake({ maxVersion: 'TLSv1.2' }),
  tls13: () => handshake({ minVersion: 'TLSv1.3' }),
  renegotiation: renegotiate,
  weakCipher: () => handshake({ maxVersion: 'TLSv1.2', ciphers: 'NULL-SHA256:@SECLEVEL=0' }),
  alpnHttp2: () => handshake({ ALPNProtocols: ['h2'] }),
  alpnBoth: () => handshake({ ALPNProtocols: ['h2', 'http/1.1'] }),
  noServerName: () => handshake({ servername: '' }),
  otherServerName: () => handshake({ servername: 'kubernetes.default.svc' }),
  longServerName: () => handshake({ servername: `${'a.'.repeat(127)}a` }),
  halfHello: () => sendPlain(hello, true),
};

/** Node looks every five seconds for what is too late. */
async function waitForEnd(begin: () => Promise<{ readonly answer: Promise<string> }>): Promise<string> {
  const started = performance.now();
  const { answer } = await begin();
  const words = await answer;
  const seconds = (performance.now() - started) / 1_000;
  const [least, most] = seconds < 50 ? [10, 20] : [95, 105];
  return seconds >= least && seconds <= most ? `${words} after ${least} to ${most} s` : `${words} after ${seconds} s`;
}

const WAITED_FOR: Readonly<Record<Exclude<HttpCaseId, keyof typeof SENT>, () => Promise<string>>> = {
  silentHello: () => waitForEnd(async () => ({ answer: sendPlain('', false) })),
  silentHead: () =>
    waitForEnd(async () => {
      const socket = await openConnection(app.port);
      return { answer: converse(socket, Buffer.alloc(0)) };
    }),
  slowHead: () =>
    waitForEnd(async () => {
      const socket = await openConnection(app.port);
      const answer = converse(socket, Buffer.from('POST /validate/pods HTTP/1.1\r\nhost: a\r\nx: '));
      const timer = setInterval(() => socket.write('y'), 1_000);
      socket.once('close', () => clearInterval(timer));
      return { answer };
    }),
};

const caseOf = (id: string): HttpCase | undefined =>
  Object.entries<HttpCase>(HTTP_CASES).find(([known]) => known === id)?.[1];

describe('What no API server sends', () => {
  it.each(Object.entries(SENT).map(([id, act]) => ({ id, act, what: caseOf(id)?.what })))(
    '$id ($what) is answered as the table says, and the server goes on',
    async ({ id, act }) => {
      expect(await act()).toBe(caseOf(id)?.answer);
      expect((await app.send('/validate/pods', BODY)).status).toBe(200);
    },
  );
});

// Two minutes, in which nothing happens.
describe.runIf(IS_LONG)('A connection on which nothing comes', () => {
  it('is ended as the table says', { timeout: 200_000 }, async () => {
    const ends = await Promise.all(Object.entries(WAITED_FOR).map(async ([id, act]) => [id, await act()] as const));
    expect(ends).toEqual(Object.keys(WAITED_FOR).map((id) => [id, caseOf(id)?.answer]));
  });
});
