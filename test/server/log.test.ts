import { afterEach, describe, expect, it } from 'vitest';
import { boundName } from '../../src/log/logger.ts';
import { asString, member } from '../../src/objects/json.ts';
import { ADMITTED_POD, PLAIN_READER, review, type StartedApp, startApp, TOKEN_SECRET } from './start-app.ts';

const POD_REVIEW = review('pods', ADMITTED_POD);
const SECRET_REVIEW = review('secrets', TOKEN_SECRET);

const DECISION_KEYS = [
  ...['level', 'time', 'entry', 'type', 'decision', 'rules', 'exemptions', 'operation', 'resource', 'namespace'],
  ...['name', 'user', 'uid', 'ms', 'msg'],
];
const FAULT_KEYS = ['level', 'time', 'entry', 'type', 'code', 'stack', 'leftOut', 'msg'];

let app: StartedApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

async function start(...args: Parameters<typeof startApp>): Promise<StartedApp> {
  app = await startApp(...args);
  return app;
}

/** The one line that was written. */
function onlyLine({ logLines }: StartedApp): unknown {
  expect(logLines).toHaveLength(1);
  return JSON.parse(logLines[0] ?? '');
}

describe('A decision in the log', () => {
  it('is one line with constant keys, and never what a Secret holds', async () => {
    const started = await start();
    const token = Buffer.from('a-token-that-nobody-may-see').toString('base64');
    await started.send('/validate/secrets', review('secrets', { ...TOKEN_SECRET, data: { token } }));
    await started.send(
      '/validate/pods',
      review('pods', { kind: 'Pod', metadata: {}, spec: { automountServiceAccountToken: false } }),
    );
    expect(Object.keys(Object(onlyLine(started)))).toEqual(DECISION_KEYS);
    expect(started.logLines.join('')).not.toContain(token);
  });

  it.each([
    ['without a name, which the API server will make', { name: undefined }, { name: '' }],
    ['without a user', { userInfo: undefined }, { user: '' }],
    ['with a user that is no text', { userInfo: { username: 7 } }, { user: '' }],
  ])('has the same keys for a review %s', async (_what, fields, expected) => {
    const started = await start();
    const { request, ...head } = SECRET_REVIEW;
    await started.send('/validate/secrets', JSON.stringify({ ...head, request: { ...Object(request), ...fields } }));
    expect(Object.keys(Object(onlyLine(started)))).toEqual(DECISION_KEYS);
    expect(onlyLine(started)).toMatchObject(expected);
  });

  it('is short, however long the names are', async () => {
    const started = await start();
    const long = 'n'.repeat(100_000);
    await started.send(
      '/validate/secrets',
      review('secrets', TOKEN_SECRET, { name: long, namespace: long, userInfo: { username: long } }),
    );
    const bounded = `${'n'.repeat(253)}…`;
    expect(onlyLine(started)).toMatchObject({ name: bounded, namespace: bounded, user: bounded });
    expect(started.logLines.join('').length).toBeLessThan(1_500);
  });
});

describe('A name in the log', () => {
  it.each([
    ['', ''],
    ['a'.repeat(253), 'a'.repeat(253)],
    ['a'.repeat(254), `${'a'.repeat(253)}…`],
    [`${'a'.repeat(252)}😀`, `${'a'.repeat(252)}\ufffd…`],
  ])('%#: is cut where no name ends any more', (name, bounded) => {
    expect(boundName(name)).toBe(bounded);
  });
});

describe('A fault in the log', () => {
  const FAULTY = { ...PLAIN_READER, namespace: async () => await Promise.reject(new Error('not for strangers')) };

  it.each([
    ['CURFEW_E_PATH', '/none', POD_REVIEW, null],
    ['CURFEW_E_PATH', '/%zz', POD_REVIEW, null],
    ['CURFEW_E_NOT_JSON', '/validate/pods', 'hello', 'validating'],
    ['CURFEW_E_NOT_A_REVIEW', '/mutate/pods', '{}', 'mutating'],
    ['CURFEW_E_BODY_TOO_LARGE', '/validate/pods', 'x'.repeat(70_000), 'validating'],
    ['CURFEW_E_INTERNAL', '/validate/pods', POD_REVIEW, 'validating'],
  ])('is one line with constant keys: %s at %s', async (code, path, body, type) => {
    const started = await start({ server: { bodyLimitBytes: 65_536 } }, FAULTY);
    await started.send(path, body);
    const line = onlyLine(started);
    expect(Object.keys(Object(line))).toEqual(FAULT_KEYS);
    expect(line).toMatchObject({ level: 'error', entry: type === null ? null : 'pods.curfew.dev', type, code });
    expect(asString(member(line, 'msg'))).toMatch(new RegExp(`^${code}: `));
  });

  it('has the stack of our own mistakes, and of no other', async () => {
    const started = await start({}, FAULTY);
    await started.send('/validate/pods', POD_REVIEW);
    expect(asString(member(onlyLine(started), 'stack'))).toMatch(/^Error: not for strangers\n +at /);
    await started.send('/validate/pods', 'hello');
    expect(JSON.parse(started.logLines[1] ?? '')).toMatchObject({ stack: null });
  });
});
