import { describe, expect, it } from 'vitest';
import { formatMark } from '../../../src/cleanup/mark.ts';
import type { CleanupFacts, PlanOptions, SecretUse } from '../../../src/cleanup/plan.ts';
import { GUARDS, planCleanup } from '../../../src/cleanup/plan.ts';
import { toReport } from '../../../src/cleanup/report.ts';
import { toTokenSecret } from '../../../src/cleanup/token-secret.ts';
import { configure } from '../judging.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 12);
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const MARK = 'curfew.dev/token-invalidated';

type Given = {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: object;
  readonly uses?: readonly SecretUse[];
  readonly trackedSince?: string | undefined;
  readonly options?: Partial<PlanOptions>;
};

const { exemptions } = configure({
  exemptions: {
    rules: [
      {
        name: 'pipeline',
        match: { namespaces: ['shop'], names: ['pipeline-*'], users: ['ci'] },
        checks: ['long-lived-token-secret'],
        reason: 'an old pipeline',
        owner: 'team-a',
        expires: '2027-03-01',
      },
    ],
  },
});

function plan({ labels = {}, annotations = {}, metadata, uses = [], trackedSince, options }: Given) {
  const secret = toTokenSecret({
    metadata: {
      namespace: 'shop',
      name: 'old',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: '2020-01-01T00:00:00Z',
      labels,
      annotations: { 'kubernetes.io/service-account.name': 'web', ...annotations },
      ...metadata,
    },
  });
  if (secret === undefined) throw new Error('it is no token Secret');
  const facts: CleanupFacts = { secrets: [secret], uses: new Map([['shop/old', uses]]), trackedSince };
  const [planned] = planCleanup(facts, {
    now: NOW,
    unusedForMs: 30 * DAY,
    invalidForMs: 7 * DAY,
    includeListed: false,
    exemptions,
    isPlatform: (namespace) => namespace === 'kube-system',
    ...options,
  });
  if (planned === undefined) throw new Error('nothing is planned');
  const { state, next, holds } = planned;
  return {
    state,
    next,
    guards: holds.map(({ guard }) => guard),
    details: holds.map(({ detail }) => detail).join('; '),
  };
}

const invalidated = (days: number, lastUsed?: string) => ({
  labels: {
    [INVALID_SINCE]: new Date(NOW - days * DAY).toISOString().slice(0, 10),
    ...(lastUsed === undefined ? {} : { [LAST_USED]: lastUsed }),
  },
  annotations: { [MARK]: formatMark({ at: NOW - days * DAY, lastUsed: '2026-01-01' }) },
});

const UNUSED = { labels: { [LAST_USED]: '2026-01-01' } };

describe('What cleaning plans', () => {
  it.each<[string, Given, string, string | undefined]>([
    ['a token that nobody used for long', UNUSED, 'valid', 'invalidate'],
    ['one that nobody used since uses are noted', { trackedSince: '2024-01-01' }, 'valid', 'invalidate'],
    [
      'one used yesterday, where no use counts',
      { labels: { [LAST_USED]: '2026-11-25' }, options: { unusedForMs: 0 } },
      'valid',
      'invalidate',
    ],
    ['one that is invalid for a week', invalidated(7, '2026-01-01'), 'invalidated', 'delete'],
    [
      'one whose label is from somebody else',
      { labels: { [INVALID_SINCE]: '2020-01-01' } },
      'invalidated by others',
      undefined,
    ],
    ['one whose label was taken away by hand', { annotations: invalidated(9).annotations }, 'changed', undefined],
    [
      'one whose label is of another day',
      { ...invalidated(9, '2026-01-01'), annotations: invalidated(8).annotations },
      'changed',
      undefined,
    ],
    ['one whose mark is not Curfew’s', { ...invalidated(9), annotations: { [MARK]: 'yes' } }, 'changed', undefined],
    [
      'one with an empty label, which the API server does not heed',
      { labels: { ...UNUSED.labels, [INVALID_SINCE]: '' } },
      'valid',
      'invalidate',
    ],
  ])('of %s', (_what, given, state, next) => {
    expect(plan(given)).toEqual({ state, next, guards: [], details: '' });
  });

  it.each<[string, string, Given]>([
    ['used', 'used on 2026-10-27, within 30 d', { labels: { [LAST_USED]: '2026-10-27' } }],
    ['used', 'is no day', { labels: { [LAST_USED]: 'never' } }],
    [
      'used',
      'made on 2026-11-20',
      { metadata: { creationTimestamp: '2026-11-20T00:00:00Z' }, trackedSince: '2024-01-01' },
    ],
    ['used', 'not known when it was made', { metadata: { creationTimestamp: null }, trackedSince: '2024-01-01' }],
    ['used', 'uses are noted since 2026-11-01 only', { trackedSince: '2026-11-01' }],
    ['used', 'not known since when', {}],
    ['used', 'somebody tried it since it was made invalid (2026-11-20)', invalidated(7, '2026-11-20')],
    ['used', 'label removed', invalidated(7)],
    ['waiting', 'from 2026-11-27 12:00 UTC on', invalidated(6, '2026-01-01')],
    ['mounted', 'Deployment shop/web uses it', { ...UNUSED, uses: [{ by: 'pod', who: 'Deployment shop/web' }] }],
    [
      'referenced',
      'ServiceAccount shop/ci names it',
      { ...UNUSED, uses: [{ by: 'account', who: 'ServiceAccount shop/ci' }] },
    ],
    ['listed', 'lists it', { ...UNUSED, uses: [{ by: 'own account', who: 'ServiceAccount shop/web' }] }],
    ['exempted', 'exemption pipeline of team-a, until 2027-03-01', { ...UNUSED, metadata: { name: 'pipeline-1' } }],
    ['platform', 'kube-system', { ...UNUSED, metadata: { namespace: 'kube-system' } }],
    ['leaving', 'being deleted', { ...UNUSED, metadata: { deletionTimestamp: '2026-11-26T00:00:00Z' } }],
  ])('is held back by the guard %s: %s', (guard, detail, given) => {
    const { next, guards, details } = plan(given);
    expect({ next, guards }).toEqual({ next: undefined, guards: [guard] });
    expect(details).toContain(detail);
  });

  it('has a case for each guard above', () => {
    expect([...GUARDS].toSorted()).toEqual([
      'exempted',
      'leaving',
      'listed',
      'mounted',
      'platform',
      'referenced',
      'used',
      'waiting',
    ]);
  });

  it('goes on with what only its own account lists, where it is told to', () => {
    const uses: readonly SecretUse[] = [{ by: 'own account', who: 'ServiceAccount shop/web' }];
    expect(plan({ ...UNUSED, uses, options: { includeListed: true } }).next).toBe('invalidate');
    const other: readonly SecretUse[] = [{ by: 'account', who: 'ServiceAccount shop/ci' }];
    expect(plan({ ...UNUSED, uses: other, options: { includeListed: true } }).guards).toEqual(['referenced']);
  });

  it('holds back at every step what is in use again after it was made invalid', () => {
    const uses: readonly SecretUse[] = [{ by: 'pod', who: 'Pod shop/late' }];
    expect(plan({ ...invalidated(9, '2026-01-01'), uses }).guards).toEqual(['mounted']);
  });

  it('no longer holds by an exemption that has ended', () => {
    const at = { ...UNUSED, metadata: { name: 'pipeline-1' }, options: { now: Date.UTC(2027, 2, 2) } };
    expect(plan(at).next).toBe('invalidate');
  });
});

describe('What remains', () => {
  it('is all but the exempted, the platform’s and those that are leaving', () => {
    const guards = GUARDS.map((guard, index) => {
      const secret = toTokenSecret({ metadata: { namespace: 'a', name: `s${index}`, uid: 'u', resourceVersion: '1' } });
      if (secret === undefined) throw new Error('it is no token Secret');
      return { secret, state: 'valid' as const, next: undefined, holds: [{ guard, detail: '' }] };
    });
    const how = { cluster: '', step: 'plan' as const, faults: [], done: new Set<string>(), stopped: undefined };
    expect(toReport(guards, how).summary.remaining).toBe(GUARDS.length - 3);

    // What was deleted is gone; what was made invalid is still to be deleted.
    const done = new Set([`a/s${GUARDS.indexOf('used')}`]);
    for (const [step, remaining] of [
      ['delete', 1],
      ['invalidate', 0],
      ['restore', 0],
    ] as const) {
      const report = toReport(guards, { ...how, step, done });
      expect(report.summary).toMatchObject({ done: 1, remaining: GUARDS.length - 3 - remaining });
      expect(report.secrets.flatMap(({ name, done }) => (done === undefined ? [] : [[name, done]]))).toEqual([
        [`s${GUARDS.indexOf('used')}`, step],
      ]);
    }
    expect(toReport(guards, { ...how, done }).secrets.every((secret) => secret.done === undefined)).toBe(true);
  });
});
