import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CleanupReport, ReportedSecret } from '../../../src/cleanup/report.ts';
import { renderCleanupTable } from '../../../src/reports/cleanup-table.ts';

const secret = (name: string, more: Partial<ReportedSecret> = {}): ReportedSecret => ({
  namespace: 'shop',
  name,
  account: 'ci',
  createdAt: '2020-01-01T00:00:00Z',
  lastUsed: undefined,
  invalidSince: undefined,
  state: 'valid',
  next: undefined,
  holds: [],
  done: undefined,
  ...more,
});

const HELD = [
  { guard: 'mounted', detail: 'Pod shop/web-1 uses it' },
  { guard: 'used', detail: 'used on 2026-11-25, within 30 d' },
] as const;

/** Of every kind there is one, with a name that a terminal would obey. */
const SECRETS = [
  secret('old', { next: 'invalidate', lastUsed: '2026-01-02' }),
  secret('older', { next: 'delete', state: 'invalidated', invalidSince: '2026-11-01' }),
  secret('in-use', { holds: HELD }),
  secret('of-others', { state: 'invalidated by others', invalidSince: '2026-10-01' }),
  secret('of-others-and-held', { state: 'invalidated by others', holds: HELD.slice(0, 1) }),
  secret('changed', { state: 'changed', account: 'c\u001b[31mi' }),
  secret('done', { done: 'invalidate', state: 'valid', next: 'invalidate' }),
];

function reportOf(more: Partial<CleanupReport> = {}): CleanupReport {
  const summary = { secrets: SECRETS.length, toInvalidate: 1, toDelete: 1, held: 2, done: 0, remaining: 6 };
  return {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'CleanupReport',
    cluster: 'https://cluster.example',
    step: 'plan',
    secrets: SECRETS.filter(({ done }) => done === undefined),
    faults: [],
    stopped: undefined,
    summary,
    ...more,
  };
}

it.each<[string, CleanupReport]>([
  ['of-a-plan', reportOf()],
  [
    'of-a-step-that-stopped',
    reportOf({
      step: 'invalidate',
      secrets: SECRETS,
      faults: [{ message: '/api/v1/pods cannot be listed:\nHTTP 403' }],
      stopped: { secret: 'shop/old', message: 'it was changed since\nit was looked at' },
      summary: { secrets: 1, toInvalidate: 0, toDelete: 0, held: 0, done: 1, remaining: 0 },
    }),
  ],
  [
    'of-nothing',
    reportOf({
      secrets: [],
      summary: { secrets: 0, toInvalidate: 0, toDelete: 0, held: 0, done: 0, remaining: 0 },
    }),
  ],
])('A table %s says what was done, what is next and what is held back', async (name, report) => {
  await expect(renderCleanupTable(report)).toMatchFileSnapshot(
    join(import.meta.dirname, `../../golden/cleanup/${name}.txt`),
  );
});
