import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KnownAccounts } from '../../../src/audit-log/compare-accounts.ts';
import { addAccount, addPod, listSilentHolders } from '../../../src/audit-log/compare-accounts.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { toUsageJson } from '../../../src/reports/usage-json.ts';
import { listUsageManifests, renderUsageTable } from '../../../src/reports/usage-table.ts';
import { admittedPod } from '../subjects.ts';
import type { EventOptions } from './events.ts';
import { tallyOf } from './events.ts';

const AUDIENCE = 'https://kubernetes.default.svc';

function knownOf(accounts: readonly JsonObject[], pods: readonly unknown[]): KnownAccounts {
  const known: KnownAccounts = new Map();
  for (const account of accounts) addAccount(known, account);
  for (const pod of pods) addPod(known, pod, [AUDIENCE]);
  return known;
}

const account = (name: string, more: JsonObject = {}): JsonObject => ({
  metadata: { namespace: 'shop', name },
  ...more,
});
const podOf = (spec: JsonObject, name = 'web-1'): JsonObject => ({ metadata: { namespace: 'shop', name }, spec });
const CONTAINERS = { containers: [{ name: 'app', image: 'a' }] };
const byHand = (audience: string): JsonObject => ({
  ...CONTAINERS,
  serviceAccountName: 'web',
  automountServiceAccountToken: false,
  volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't', audience } }] } }],
});

describe('Whether a pod holds a token of its account for the API', () => {
  it.each<[string, unknown, number]>([
    ['as the API server stored it', admittedPod(), 1],
    ['as its author wrote it', podOf({ ...CONTAINERS, serviceAccountName: 'web' }), 1],
    ['by hand', podOf(byHand(AUDIENCE)), 1],
    ['for somebody else', podOf(byHand('vault')), 0],
    [
      'none, since it opted out',
      podOf({ ...CONTAINERS, serviceAccountName: 'web', automountServiceAccountToken: false }),
      0,
    ],
    ['of an account that is not there', podOf({ ...CONTAINERS, serviceAccountName: 'other' }), 0],
    [
      'of one in another namespace',
      { metadata: { name: 'web-1' }, spec: { ...CONTAINERS, serviceAccountName: 'web' } },
      0,
    ],
    ['nothing, since it has no spec', { metadata: { namespace: 'shop', name: 'web-1' } }, 0],
  ])('is known: %s', (_what, pod, count) => {
    expect(knownOf([account('web')], [pod]).get('shop/web')?.holderCount).toBe(count);
  });

  it('is what its account says where it says nothing', () => {
    const optedOut = account('web', { automountServiceAccountToken: false });
    const pod = podOf({ ...CONTAINERS, serviceAccountName: 'web' });
    expect(knownOf([optedOut], [pod]).get('shop/web')?.holderCount).toBe(0);
  });

  it('is told of five by name, and of all as a number', () => {
    const pods = Array.from({ length: 7 }, (_, index) =>
      podOf({ ...CONTAINERS, serviceAccountName: 'web' }, `web-${index}`),
    );
    const nameless = { metadata: { namespace: 'shop' }, spec: { ...CONTAINERS, serviceAccountName: 'web' } };
    expect(knownOf([account('web')], [nameless, ...pods]).get('shop/web')).toMatchObject({
      holderCount: 8,
      holders: ['', 'web-0', 'web-1', 'web-2', 'web-3'],
    });
  });

  it('is asked of accounts alone that have a name and a namespace', () => {
    expect(knownOf([{}, { metadata: { name: 'web' } }], []).size).toBe(0);
  });
});

describe('Who holds a token and never called', () => {
  const holder = (name: string) => podOf({ ...CONTAINERS, serviceAccountName: name }, `${name}-1`);
  const ACCOUNTS = ['web', 'api', 'quiet', 'bot', 'idle'].map((name) => account(name));
  const EVENTS: readonly EventOptions[] = [
    { account: 'shop:web' },
    { account: 'shop:idle' },
    { account: 'ci:deployer' },
    {
      account: 'shop:web',
      verb: 'create',
      objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'shop', name: 'api' },
    },
    {
      verb: 'create',
      objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'shop', name: 'api' },
      more: { requestObject: { spec: { audiences: ['vault', 7] } } },
    },
    {
      verb: 'create',
      objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'shop', name: 'api' },
      more: { requestObject: { spec: { expirationSeconds: 7_200 } } },
    },
    { verb: 'get', more: { objectRef: null, requestURI: '/metrics' } },
  ];
  const report = {
    tally: tallyOf(...EVENTS),
    known: knownOf(ACCOUNTS, ['web', 'quiet', 'api', 'bot'].map(holder)),
    skippedLines: 1,
  };

  it('is in every form of the report', async () => {
    expect(listSilentHolders(report.known, report.tally).map(({ view }) => view.name)).toEqual(['api', 'bot', 'quiet']);
    const golden = (name: string) => join(import.meta.dirname, `../../golden/usage/beside-a-cluster-${name}`);
    await expect(renderUsageTable(report)).toMatchFileSnapshot(golden('table.txt'));
    await expect(`${JSON.stringify(toUsageJson(report), undefined, 2)}\n`).toMatchFileSnapshot(golden('json.txt'));
    await expect(`${JSON.stringify(listUsageManifests(report), undefined, 2)}\n`).toMatchFileSnapshot(
      golden('manifests.txt'),
    );
  });

  it('is nobody, or not known where the log had more accounts than are kept', () => {
    const nobody = { ...report, known: knownOf(ACCOUNTS, [holder('web')]) };
    expect(renderUsageTable(nobody)).toMatch(/never called:\n {2}none\n$/);
    const lost = { ...report, tally: { ...report.tally, hasLostAccounts: true, isCut: true } };
    const table = renderUsageTable(lost);
    expect(table).toMatch(/never called:\n {2}not known, since not every account in the log is kept\n$/);
    expect(table).toContain('; there was more than is kept of accounts or of ways of asking for tokens\n');
    expect(listUsageManifests(lost).filter((one) => 'automountServiceAccountToken' in one)).toEqual([]);
    expect(toUsageJson(lost)['silent']).toEqual([]);
  });

  it('is everybody of an empty log, which has no beginning and no end', () => {
    const empty = { ...report, tally: tallyOf(), skippedLines: 0 };
    expect(renderUsageTable(empty).split('\n')[0]).toBe('0 requests');
    expect(toUsageJson(empty)).not.toHaveProperty('from');
    expect(listSilentHolders(empty.known, empty.tally).map(({ view }) => view.name)).toEqual([
      'api',
      'bot',
      'quiet',
      'web',
    ]);
  });
});
