import { describe, expect, it } from 'vitest';
import { readAuditEvent } from '../../../src/audit-log/read-event.ts';
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
