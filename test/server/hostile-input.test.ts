import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JsonObject, member } from '../../src/objects/json.ts';
import { ADMITTED_POD, review, type SendOptions, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const POD_REVIEW = review('pods', ADMITTED_POD);
const TEXT = JSON.stringify(POD_REVIEW);
const DEEP = nest(400_000);
const TOO_MANY = { code: 'CURFEW_E_TOO_MANY_VALUES', status: 413 } as const;

function nest(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

type Hostile = {
  readonly name: string;
  readonly body: string;
  readonly code: string;
  readonly status: number;
} & SendOptions & {
    readonly path?: string;
    /** The entry that the fault is counted for, if it is not the path. */
    readonly entry?: string;
  };

const NOT_A_REVIEW = { code: 'CURFEW_E_NOT_A_REVIEW', status: 400 };
const NOT_JSON = { code: 'CURFEW_E_NOT_JSON', status: 400 };

const HOSTILE: readonly Hostile[] = [
  { name: 'words', body: 'hello', ...NOT_JSON },
  { name: 'nothing', body: '', ...NOT_JSON },
  { name: 'half a review', body: TEXT.slice(0, 200), ...NOT_JSON },
  { name: 'an array 400,000 deep', body: DEEP, ...NOT_A_REVIEW },
  { name: '400,000 unclosed arrays', body: '['.repeat(400_000), ...NOT_JSON },
  { name: 'a million-deep array', body: nest(1_000_000), ...TOO_MANY },
  { name: 'a million unclosed arrays', body: '['.repeat(1_000_000), ...TOO_MANY },
  { name: 'two million empty objects', body: `[${'{},'.repeat(2_000_000)}{}]`, ...TOO_MANY },
  { name: 'null', body: 'null', ...NOT_A_REVIEW },
  { name: 'another kind', body: JSON.stringify({ ...POD_REVIEW, kind: 'Pod' }), ...NOT_A_REVIEW },
  {
    name: 'another version',
    body: JSON.stringify({ ...POD_REVIEW, apiVersion: 'admission.k8s.io/v1beta1' }),
    ...NOT_A_REVIEW,
  },
  { name: 'no request', body: JSON.stringify({ ...POD_REVIEW, request: null }), ...NOT_A_REVIEW },
  { name: 'no uid', body: withRequest({ uid: null }), ...NOT_A_REVIEW },
  { name: 'an empty uid', body: withRequest({ uid: '' }), ...NOT_A_REVIEW },
  { name: 'a uid of 10 kB', body: withRequest({ uid: 'x'.repeat(10_000) }), ...NOT_A_REVIEW },
  { name: 'no object', body: withRequest({ object: null }), ...NOT_A_REVIEW },
  { name: 'an array for an object', body: withRequest({ object: [] }), ...NOT_A_REVIEW },
  { name: 'an update without the old object', body: withRequest({ operation: 'UPDATE' }), ...NOT_A_REVIEW },
  { name: 'a deletion without the old object', body: withRequest({ operation: 'DELETE' }), ...NOT_A_REVIEW },
  { name: 'an unknown operation', body: withRequest({ operation: 'PATCH' }), ...NOT_A_REVIEW },
  { name: 'no resource', body: withRequest({ resource: null }), ...NOT_A_REVIEW },
  {
    name: '9 MiB',
    body: JSON.stringify({ a: 'x'.repeat(9 * 1024 * 1024) }),
    code: 'CURFEW_E_BODY_TOO_LARGE',
    status: 413,
  },
  { name: 'GET', body: '', method: 'GET', code: 'CURFEW_E_METHOD', status: 405 },
  { name: 'PUT', body: TEXT, method: 'PUT', code: 'CURFEW_E_METHOD', status: 405 },
  { name: 'DELETE', body: '', method: 'DELETE', code: 'CURFEW_E_METHOD', status: 405 },
  { name: 'PROPFIND', body: '', method: 'PROPFIND', code: 'CURFEW_E_METHOD', status: 405 },
  { name: 'GET of a path written in escapes', ...escaped('GET'), code: 'CURFEW_E_METHOD', status: 405 },
  { name: 'words to a path written in escapes', ...escaped('POST'), ...NOT_JSON },
  { name: 'words to a whole URL', ...escaped('POST'), path: 'https://a.example/validate/pods', ...NOT_JSON },
  { name: 'GET of an unknown path', body: '', method: 'GET', path: '/', code: 'CURFEW_E_PATH', status: 404 },
  { name: 'plain text', body: TEXT, contentType: 'text/plain', code: 'CURFEW_E_CONTENT_TYPE', status: 415 },
  {
    name: 'a form',
    body: 'a=b',
    contentType: 'application/x-www-form-urlencoded',
    code: 'CURFEW_E_CONTENT_TYPE',
    status: 415,
  },
  { name: 'no content type', body: TEXT, contentType: undefined, code: 'CURFEW_E_CONTENT_TYPE', status: 415 },
  { name: 'an unknown path', body: TEXT, path: '/validate/everything', code: 'CURFEW_E_PATH', status: 404 },
  { name: 'a path that climbs', body: TEXT, path: '/validate/../../etc/passwd', code: 'CURFEW_E_PATH', status: 404 },
  { name: 'a path that is not encoded', body: TEXT, path: '/validate/%zz', code: 'CURFEW_E_PATH', status: 404 },
];

let app: StartedApp;
beforeAll(async () => {
  app = await startApp({ levels: { enforce: 'restricted' } });
});
afterAll(async () => {
  await app.stop();
});

describe('A request that cannot be judged', () => {
  it.each(HOSTILE)('$name: is answered $status $code, counted, and leaves the server as it was', async (hostile) => {
    const counted = `curfew_faults_total{entry="${entryOf(hostile)}",code="${hostile.code}"}`;
    const before = await app.metric(counted);
    const { status, text } = await send(hostile);
    const answer: unknown = JSON.parse(text);
    expect({ status, kind: member(answer, 'kind'), code: member(answer, 'code') }).toEqual({
      status: hostile.status,
      kind: 'Status',
      code: hostile.status,
    });
    expect(member(answer, 'message')).toMatch(new RegExp(`^${hostile.code}: [^\\n]{1,200}$`));
    expect(text).not.toMatch(/\.ts|node_modules|at \w+ \(/);
    expect(await app.metric(counted)).toBe(before + 1);
    expect((await app.send('/validate/pods', POD_REVIEW)).status).toBe(200);
  });

  it('cut off in the middle leaves the server as it was', async () => {
    await expect(app.send('/validate/pods', TEXT, { isCutOff: true })).rejects.toThrow('cut off');
    expect((await app.send('/validate/pods', POD_REVIEW)).status).toBe(200);
  });
});

describe('A legal request with odd contents is judged', () => {
  it('with an array 400,000 deep inside its object', async () => {
    const { text } = await app.send(
      '/validate/pods',
      withRequest({ object: ADMITTED_POD }).replace('"metadata":{', `"status":${DEEP},"metadata":{`),
    );
    expect(text).toContain('"allowed":false');
  });

  it.each(['__proto__', 'constructor', 'prototype'])('with a key %s in a Secret’s data, which is data', async (key) => {
    const secret = JSON.stringify(review('secrets', { ...TOKEN_SECRET, data: { replaced: 'eA==' } }));
    const { text } = await app.send('/validate/secrets', secret.replace('"replaced"', JSON.stringify(key)));
    expect(text).toContain('"allowed":false');
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Reflect.get({}, 'type')).toBeUndefined();
  });

  it('with a prototype that claims to be a token Secret, which it is not', async () => {
    const plain = JSON.stringify(review('secrets', { kind: 'Secret', replaced: {} }));
    const claim = `"__proto__":{"type":"kubernetes.io/service-account-token"}`;
    const { text } = await app.send('/validate/secrets', plain.replace('"replaced":{}', claim));
    expect(text).toContain('"allowed":true');
  });

  it('with a key given twice: the last one counts, as for the API server', async () => {
    const twice = JSON.stringify(review('secrets', TOKEN_SECRET)).replace(
      '"type":"kubernetes',
      '"type":"Opaque","type":"kubernetes',
    );
    expect((await app.send('/validate/secrets', twice)).text).toContain('"allowed":false');
  });

  it('with lone surrogates in names, which come back well formed', async () => {
    const named = JSON.stringify(review('pods', ADMITTED_POD)).replace('"name":"app"', '"name":"a\\ud800\\u0000\\n"');
    const { status, text } = await app.send('/validate/pods', named);
    expect(status).toBe(200);
    expect(text.isWellFormed()).toBe(true);
    const message = String(Reflect.get(JSON.parse(text).response.status, 'message'));
    expect(message).toContain('container a');
    expect(message.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cs}/u);
  });
});

describe('Hundreds of hostile requests', () => {
  it('leave no memory and no connection behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    const small = HOSTILE.filter(({ body }) => body.length < 100_000);
    const round = async () => {
      for (const hostile of small) await send(hostile);
      if (typeof collect === 'function') collect();
      return process.memoryUsage().heapUsed;
    };
    for (let warm = 0; warm < 3; warm += 1) await round();
    const before = await round();
    for (let count = 0; count < 12; count += 1) await round();
    const grown = (await round()) - before;
    expect(grown).toBeLessThan(4 * 1024 * 1024);
    await expect.poll(async () => await app.openConnections(), { timeout: 10_000 }).toBe(0);
  });
});

async function send(hostile: Hostile) {
  const {
    path = '/validate/pods',
    body,
    entry: _entry,
    name: _name,
    code: _code,
    status: _status,
    ...options
  } = hostile;
  return await app.send(path, body, options);
}

function entryOf({ path = '/validate/pods', entry = path, code }: Hostile): string {
  return code === 'CURFEW_E_PATH' ? 'none' : entry;
}

/** The router decodes a path; the s of pods is %73. */
function escaped(method: string): Pick<Hostile, 'body' | 'method' | 'path' | 'entry'> & { readonly method: string } {
  return { body: 'hello', method, path: '/validate/pod%73?timeout=1s', entry: '/validate/pods' };
}

function withRequest(fields: JsonObject): string {
  return JSON.stringify({ ...POD_REVIEW, request: { ...(POD_REVIEW['request'] as JsonObject), ...fields } });
}
