import { describe, expect, it } from 'vitest';
import { type KnownAccounts, listSilentHolders } from '../../../src/audit-log/compare-accounts.ts';
import { readAuditEvent } from '../../../src/audit-log/read-event.ts';
import { addEvent, createUsageTally } from '../../../src/audit-log/usage-tally.ts';
import { type EventOptions, eventLine, tallyOf } from './events.ts';

describe('An event', () => {
  it.each<[string, EventOptions, string]>([
    ['a bound token', {}, 'bound'],
    [
      'one bound to a pod, of an API server before 1.30',
      { extra: { 'authentication.kubernetes.io/pod-name': ['a'] } },
      'bound',
    ],
    [
      'one that is used after its time',
      { annotations: { 'authentication.k8s.io/stale-token': 'subject: …' } },
      'stale',
    ],
    [
      'one of a Secret',
      { extra: {}, annotations: { 'authentication.k8s.io/legacy-token-manual-secret': 'shop/web-token' } },
      'legacy',
    ],
    ['nothing that tells', { extra: {} }, 'unknown'],
  ])('shows %s', (_what, options, token) => {
    expect(readAuditEvent(eventLine(options))).toMatchObject({ token });
  });

  it('counts once, whatever stages are logged, and an open one when it begins', () => {
    const counted = (verb: string, stage: string, subresource?: string) =>
      typeof readAuditEvent(
        eventLine({
          verb,
          stage,
          objectRef: { resource: 'pods', namespace: 'shop', ...(subresource === undefined ? {} : { subresource }) },
        }),
      ) === 'object';
    expect(
      ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'].map((stage) => counted('get', stage)),
    ).toEqual([false, false, true, false]);
    expect(['ResponseStarted', 'ResponseComplete'].map((stage) => counted('watch', stage))).toEqual([true, false]);
    expect(['ResponseStarted', 'ResponseComplete'].map((stage) => counted('create', stage, 'exec'))).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    '',
    'text',
    '{}',
    '[]',
    '{"kind":"Event"}',
    eventLine().replace('"verb"', '"word"'),
    eventLine({ at: 'yesterday' }),
  ])('is not %j', (line) => {
    expect(readAuditEvent(line)).toBeUndefined();
  });

  it('keeps a path without its query, where there are names of people and tokens', () => {
    expect(readAuditEvent(eventLine({ more: { requestURI: '/metrics?token=secret' } }))).toMatchObject({
      path: '/metrics',
    });
  });
});

describe('The usage of an account', () => {
  it('is what was allowed, with names where there are few', () => {
    const { accounts } = tallyOf(
      { verb: 'get', objectRef: { resource: 'configmaps', namespace: 'shop', name: 'b' } },
      { verb: 'get', objectRef: { resource: 'configmaps', namespace: 'shop', name: 'a' } },
      { verb: 'list', objectRef: { resource: 'deployments', apiGroup: 'apps', namespace: 'shop' } },
      {
        verb: 'list',
        objectRef: { resource: 'secrets', namespace: 'shop' },
        annotations: { 'authorization.k8s.io/decision': 'forbid' },
      },
    );
    expect([...(accounts.get('shop/web')?.grants.values() ?? [])]).toEqual([
      { group: '', resource: 'configmaps', namespace: 'shop', verb: 'get', count: 2, names: new Set(['b', 'a']) },
      { group: 'apps', resource: 'deployments', namespace: 'shop', verb: 'list', count: 1, names: undefined },
    ]);
    expect(accounts.get('shop/web')).toMatchObject({ requests: 4, forbidden: 1 });
  });

  it('stays small, whatever the log holds', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `n${index}`);
    const { accounts } = tallyOf(
      ...names.map((name) => ({ objectRef: { resource: 'configmaps', namespace: 'shop', name } })),
      ...names.map((resource) => ({ objectRef: { resource, namespace: 'shop', name: 'a' } })),
      ...names.map((name) => ({ extra: { 'authentication.kubernetes.io/pod-name': [name] } })),
    );
    const usage = accounts.get('shop/web');
    expect(usage?.grants.get('["","configmaps","shop","get"]')?.names).toBeUndefined();
    expect({ grants: usage?.grants.size, pods: usage?.pods.size, isCut: usage?.isCut }).toEqual({
      grants: 2_000,
      pods: 100,
      isCut: true,
    });
  });

  it('is of all accounts together no more than there is room for, and says what is missing', () => {
    const mostBytes = 100_000;
    const tally = createUsageTally(mostBytes);
    const add = (options: EventOptions) => {
      const event = readAuditEvent(eventLine(options));
      if (event !== undefined && event !== 'other stage') addEvent(tally, event);
    };
    const many = Array.from({ length: 300 }, (_, index) => `n${index}`);
    add({ account: 'shop:first' });
    for (const name of many) {
      add({ account: 'shop:busy', objectRef: { resource: name, namespace: 'shop', name: 'a' } });
      add({ account: 'shop:busy', verb: name, more: { requestURI: `/metrics/${name}`, objectRef: null } });
    }
    for (const name of many) add({ account: `shop:${name}` });
    add({ account: 'shop:first' });
    expect(tally.keptBytes).toBeLessThanOrEqual(mostBytes);
    expect(tally.keptBytes).toBeGreaterThan(mostBytes - 2_000);
    expect(tally.accounts.get('shop/first')).toMatchObject({ requests: 2, isCut: false });
    expect(tally.accounts.get('shop/busy')).toMatchObject({ requests: 600, isCut: true });
    expect(tally).toMatchObject({ events: 902, isCut: true, hasLostAccounts: true });
    // Whoever is missing may have called: nobody is told to opt out.
    const view = { namespace: 'shop', name: 'n299' };
    const known = new Map([['shop/n299', { view, holders: ['a'], holderCount: 1 }]]) as unknown as KnownAccounts;
    expect(listSilentHolders(known, tally)).toEqual([]);
    expect(listSilentHolders(known, { ...tally, hasLostAccounts: false })).toHaveLength(1);
  });

  it.each<[string, EventOptions]>([
    ['a URL', { more: { requestURI: `/${'x'.repeat(5_000)}`, objectRef: null } }],
    ['a resource', { objectRef: { resource: 'x'.repeat(5_000) } }],
    ['a verb', { verb: 'x'.repeat(5_000) }],
  ])('does not keep %s of thousands of characters, and says so', (_what, options) => {
    const usage = tallyOf(options).accounts.get('shop/web');
    expect(usage).toMatchObject({ requests: 1, isCut: true });
    expect([usage?.grants.size, usage?.paths.size]).toEqual([0, 0]);
  });

  it('has each verb of a URL once, and calls without one too', () => {
    const get = (requestURI: string | null, verb = 'get') => ({ verb, more: { requestURI, objectRef: null } });
    const { accounts } = tallyOf(get('/metrics'), get('/metrics?a=/b?c'), get('/metrics', 'post'), get(null));
    expect(accounts.get('shop/web')).toMatchObject({
      requests: 4,
      paths: new Map([
        ['/metrics', new Set(['get', 'post'])],
        ['', new Set(['get'])],
      ]),
    });
  });

  it('counts the requests of pods whose names are too long to be kept', () => {
    const extra = { 'authentication.kubernetes.io/pod-name': ['x'.repeat(5_000)] };
    expect(tallyOf({ extra }, {}).accounts.get('shop/web')).toMatchObject({ requests: 2, pods: new Set(['web-1']) });
  });

  it('keeps few verbs of one URL, however many a client makes up', () => {
    const verbs = Array.from({ length: 50 }, (_, index) => `v${index}`);
    const usage = tallyOf(...verbs.map((verb) => ({ verb, more: { requestURI: '/metrics', objectRef: null } })));
    expect(usage.accounts.get('shop/web')?.paths.get('/metrics')?.size).toBe(20);
    expect(usage.accounts.get('shop/web')?.isCut).toBe(true);
  });

  it('is nobody’s whose name no account can have', () => {
    expect(tallyOf({ account: `shop:${'x'.repeat(300)}` }).accounts.size).toBe(0);
  });

  it('is nobody’s who is no service account', () => {
    const tally = tallyOf({ more: { user: { username: 'jane' } } });
    expect({ events: tally.events, accounts: tally.accounts.size }).toEqual({ events: 1, accounts: 0 });
  });
});

describe('Tokens that were asked for', () => {
  const asked = (seconds: number | undefined, audiences: readonly string[], more: EventOptions = {}): EventOptions => ({
    account: 'ci:deployer',
    verb: 'create',
    objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'shop', name: 'web' },
    more: { requestObject: { spec: { ...(seconds === undefined ? {} : { expirationSeconds: seconds }), audiences } } },
    ...more,
  });

  it('are no more than there is room for, and it is said that there were more', () => {
    const long = tallyOf(asked(3600, ['vault']), asked(3600, ['x'.repeat(5_000)]), asked(3600, ['vault']));
    expect([...long.tokenRequests.values()].map(({ audiences, count }) => [audiences, count])).toEqual([
      [['vault'], 2],
    ]);
    expect(long).toMatchObject({ isCut: true, hasLostAccounts: false, events: 3 });
  });

  it('are counted by who, for whom, how long and for what', () => {
    const { tokenRequests } = tallyOf(
      asked(3600, ['vault']),
      asked(3600, ['vault']),
      asked(undefined, []),
      asked(600, [], { more: {} }),
    );
    expect([...tokenRequests.values()]).toEqual([
      {
        caller: 'system:serviceaccount:ci:deployer',
        account: 'shop/web',
        seconds: 3600,
        audiences: ['vault'],
        count: 2,
      },
      { caller: 'system:serviceaccount:ci:deployer', account: 'shop/web', seconds: undefined, audiences: [], count: 1 },
      {
        caller: 'system:serviceaccount:ci:deployer',
        account: 'shop/web',
        seconds: undefined,
        audiences: undefined,
        count: 1,
      },
    ]);
  });
});
