/** Only who shows the certificate of an API server is answered; what anybody else sends, and how, makes no difference. */

import { once } from 'node:events';
import { Agent, type AgentOptions, request } from 'node:https';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { CertificateAuthority } from '../../src/certificates/issue.ts';
import type { AppDeps } from '../../src/server/app.ts';
import { swapCertificate } from '../../src/server/listen.ts';
import { type Caller, issueCaller } from './issued-caller.ts';
import { issuePair } from './issued-pair.ts';
import { type Answer, review, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const REVIEW = JSON.stringify(review('secrets', TOKEN_SECRET));
const NAME = 'kube-apiserver';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

type Sending = { readonly method?: string; readonly path?: string; readonly agent?: Agent; readonly body?: string };

async function start(settings: { readonly enforce?: boolean } = {}, clock?: AppDeps['clock']) {
  const { ca } = await issuePair(Date.now());
  let bundle = ca.cert;
  const callerAuthentication = { caFile: '/callers/ca.crt', names: [NAME], ...settings };
  const more = { callers: () => bundle, ...(clock === undefined ? {} : { clock }) };
  const app = await startApp({ callerAuthentication }, undefined, more);
  stops.push(app.stop);
  const setBundle = (next: string) => {
    bundle = next;
  };
  return { app, ca, setBundle, caller: await issueCaller({ ca, names: [NAME] }) };
}

async function send(app: StartedApp, caller: Caller | undefined, sending: Sending = {}): Promise<Answer> {
  const { method = 'POST', path = '/validate/secrets', agent = false, body = REVIEW } = sending;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', port: app.port, method, path, ca: app.ca, agent, headers, ...caller };
  const sent = request(options, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
  });
  sent.on('error', reject);
  sent.end(body);
  return await promise;
}

const withoutDate = ({ status, headers: { date: _date, ...headers }, text }: Answer) => ({ status, headers, text });

describe('A caller', () => {
  it('with the certificate of an API server gets a verdict', async () => {
    const { app, caller } = await start();
    const { status, text } = await send(app, caller);
    expect({ status, isDenied: text.includes('"allowed":false') }).toEqual({ status: 200, isDenied: true });
    expect(await app.metric('curfew_unauthenticated_calls_total')).toBe(0);
  });

  type Stranger = (ca: CertificateAuthority, caller: Caller) => Promise<Caller | undefined>;
  const strangers: readonly (readonly [string, string, Stranger])[] = [
    ['none', 'no_certificate', async () => undefined],
    ['one of another CA', 'untrusted', async () => issueCaller({ ...(await issuePair(Date.now())), names: [NAME] })],
    ['one that signed itself', 'untrusted', async () => issueCaller({ ca: undefined, names: [NAME] })],
    [
      'one that a trusted leaf has signed',
      'untrusted',
      async (_ca, caller) => issueCaller({ ca: caller, names: [NAME] }),
    ],
    ['one of a server', 'untrusted', async (ca) => issueCaller({ ca, names: [NAME], usage: 'serverAuth' })],
    ['one that has ended', 'expired', async (ca) => issueCaller({ ca, names: [NAME], ...between(-7200, -3600) })],
    ['one that has not begun', 'expired', async (ca) => issueCaller({ ca, names: [NAME], ...between(3600, 7200) })],
    ['one with another name', 'name', async (ca) => issueCaller({ ca, names: ['system:node:one'] })],
    ['one with a longer name', 'name', async (ca) => issueCaller({ ca, names: [`${NAME}-kubelet-client`] })],
    ['one with two names', 'name', async (ca) => issueCaller({ ca, names: ['someone', NAME] })],
  ];

  it.each(strangers)('with %s gets 401, is counted as %s, and learns nothing', async (_what, reason, make) => {
    const { app, ca, caller } = await start();
    const stranger = await make(ca, caller);
    const seen = new Set<string>();
    const requests: readonly Sending[] = [
      {},
      { path: '/nothing/here' },
      { path: '/%zz' },
      { method: 'GET', body: '' },
      { body: 'no JSON' },
      { path: '/mutate/pods?timeout=1s' },
    ];
    for (const sending of requests) seen.add(JSON.stringify(withoutDate(await send(app, stranger, sending))));
    expect([...seen].map((text): unknown => JSON.parse(text))).toEqual([
      {
        status: 401,
        headers: expect.objectContaining({ connection: 'close' }),
        text: expect.stringContaining('CURFEW_E_CALLER: the caller has not shown the certificate of an API server"'),
      },
    ]);
    const counted = `curfew_unauthenticated_calls_total{reason="${reason}",decision="refuse"}`;
    expect(await app.metric(counted)).toBe(requests.length);
    expect(await app.metric('curfew_unauthenticated_calls_total')).toBe(requests.length);
    expect(await app.metric('curfew_review_duration_seconds_count')).toBe(0);
    // One line, however many calls there were, and nothing of a certificate but its name.
    expect(app.logLines).toHaveLength(1);
    expect(app.logLines[0]).toContain(`"reason":"${reason}"`);
    expect(app.logLines[0]).not.toContain('BEGIN');
  });

  it('is refused before its body is read', async () => {
    const { app } = await start();
    const socket = connectTls({ host: '127.0.0.1', port: app.port, ca: app.ca });
    await once(socket, 'secureConnect');
    socket.write('POST /validate/secrets HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])(
    'resumes no session by %s: its certificate would not be seen',
    async (version) => {
      const { app } = await start();
      const stranger = { host: '127.0.0.1', port: app.port, ca: app.ca, minVersion: version, maxVersion: version };
      const head = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
      const first = connectTls(stranger);
      const sessions: Buffer[] = [];
      first.on('session', (session) => sessions.push(session));
      first.write(head);
      expect(await readAll(first)).toMatch(/^HTTP\/1\.1 401 /);
      const session = sessions.at(-1);
      const second = connectTls({ ...stranger, ...(session === undefined ? {} : { session }) });
      await once(second, 'secureConnect');
      const isReused = second.isSessionReused();
      second.write(head);
      expect(await readAll(second)).toMatch(/^HTTP\/1\.1 401 /);
      expect(isReused).toBe(false);
    },
  );
});

it('No handshake is made anew on a connection: another certificate would come after the first was judged', async () => {
  const { app, caller } = await start();
  const socket = connectTls({ host: '127.0.0.1', port: app.port, ca: app.ca, maxVersion: 'TLSv1.2', ...caller });
  await once(socket, 'secureConnect');
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  socket.on('error', resolve);
  socket.renegotiate({}, resolve);
  expect(String(await promise)).toMatch(/no renegotiation/i);
  socket.destroy();
});

describe('An open connection', () => {
  const open = (caller: Caller) => {
    const options: AgentOptions = { keepAlive: true, maxSockets: 1, ...caller };
    const agent = new Agent(options);
    stops.push(async () => agent.destroy());
    return agent;
  };

  it('is refused once its CA is taken out, and stays while its CA is one of several', async () => {
    const { app, ca, caller, setBundle } = await start();
    const { ca: next } = await issuePair(Date.now());
    const agent = open(caller);
    expect((await send(app, undefined, { agent })).status).toBe(200);
    setBundle(next.cert + ca.cert);
    expect((await send(app, undefined, { agent })).status).toBe(200);
    expect(await app.openConnections()).toBe(1);
    setBundle(next.cert);
    expect((await send(app, undefined, { agent })).status).toBe(401);
    expect(await app.metric('curfew_unauthenticated_calls_total{reason="untrusted"')).toBe(1);
  });

  it('is refused once its certificate has ended', async () => {
    let now = Date.now();
    const clock = { now: () => now, monotonic: () => performance.now() };
    const { app, caller } = await start({}, clock);
    const agent = open(caller);
    expect((await send(app, undefined, { agent })).status).toBe(200);
    now += 2 * 3_600_000;
    expect((await send(app, undefined, { agent })).status).toBe(401);
    expect(await app.metric('curfew_unauthenticated_calls_total{reason="expired"')).toBe(1);
  });
});

it('A new CA of callers counts with the next connection, and so it stays when the serving certificate is swapped', async () => {
  const { app, caller, setBundle } = await start();
  const { ca: next, leaf } = await issuePair(Date.now());
  const ofNext = await issueCaller({ ca: next, names: [NAME] });
  expect((await send(app, ofNext)).status).toBe(401);
  setBundle(next.cert);
  swapCertificate(app.server, leaf, next.cert);
  const answer = async (who: Caller) => (await send({ ...app, ca: next.cert }, who)).status;
  expect([await answer(ofNext), await answer(caller)]).toEqual([200, 401]);
});

it('Where it is not enforced, a stranger is judged, counted and told', async () => {
  const { app } = await start({ enforce: false });
  expect((await send(app, undefined)).status).toBe(200);
  const counted = 'curfew_unauthenticated_calls_total{reason="no_certificate",decision="would_refuse"}';
  expect(await app.metric(counted)).toBe(1);
  expect(app.logLines.join('')).toContain('let through, since callerAuthentication.enforce is false');
});

/** Seconds from now. */
function between(from: number, to: number): { readonly notBefore: number; readonly notAfter: number } {
  return { notBefore: Date.now() + from * 1000, notAfter: Date.now() + to * 1000 };
}

async function readAll(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
