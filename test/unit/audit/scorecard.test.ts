import { describe, expect, it } from 'vitest';
import type { AccountAccess } from '../../../src/audit/account-access.ts';
import type { MountedToken } from '../../../src/audit/mounted-tokens.ts';
import type { ScoreFacts } from '../../../src/audit/score-facts.ts';
import { scoreCluster } from '../../../src/audit/scorecard.ts';

const ACCOUNT: AccountAccess = {
  namespace: 'shop',
  name: 'web',
  automount: false,
  podsWithToken: 0,
  hasRights: false,
  identities: [],
};
const TOKEN: MountedToken = {
  namespace: 'shop',
  owner: { kind: 'Deployment', name: 'web' },
  account: 'web',
  pods: 1,
  containers: ['app'],
  source: 'default',
  reachesApi: true,
  askedSeconds: 3600,
  trueSeconds: 3600,
  never: false,
  fromBefore: false,
};
const SECRET = {
  namespace: 'shop',
  name: 'old',
  account: 'web',
  createdAt: '',
  ageDays: 1,
  usedBy: [],
  cleaning: 'never' as const,
  cleaningReason: '',
};
const POLICY = { engine: 'kyverno' as const, name: 'ClusterPolicy p', overlaps: ['long-lived-token-secret'] };

/** A cluster in which every line passes. */
const GOOD: ScoreFacts = {
  accounts: [{ ...ACCOUNT, documented: 'watches', identities: ['aws-irsa'], podsWithToken: 1 }],
  tokens: [TOKEN],
  longLivedSecrets: [],
  podSecurity: [{ namespace: 'shop', enforce: 'restricted', ok: true }],
  limits: { measured: true, extendsTo: 3607 },
  risksOf: () => new Set(),
  isOfPlatform: (namespace) => namespace === 'kube-system',
  unread: new Set(),
  secretsEntry: 'enforced',
  exempted: [],
  policies: [],
  apiServers: [],
  auditJobs: [{ kind: 'CronJob', namespace: 'curfew-audit', name: 'audit' }],
  alerts: [{ kind: 'PrometheusRule', namespace: 'monitoring', name: 'tokens' }],
  egressNamespaces: new Set(['shop']),
  podNamespaces: new Set(['shop']),
  access: { complete: true, blastRadius: [] },
};

const lineOf = (line: number, facts: Partial<ScoreFacts>) => {
  const found = scoreCluster({ ...GOOD, ...facts })[line - 1];
  if (found === undefined) throw new Error(`there is no line ${line}`);
  return found;
};

describe('The scorecard', () => {
  it('is as good as a cluster can be, but for the log, which nobody can see from here', () => {
    const bad = scoreCluster(GOOD).filter(({ verdict }) => verdict !== 'pass');
    expect(bad.map(({ line, verdict }) => [line, verdict])).toEqual([[9, 'not-visible']]);
    expect(scoreCluster(GOOD)).toHaveLength(18);
  });

  const inSystem = { namespace: 'kube-system' };
  it.each<[number, string, Partial<ScoreFacts>, string]>([
    [
      1,
      'an account that mounts by default',
      { accounts: [{ ...ACCOUNT, automount: 'unset' }] },
      'ServiceAccount shop/web',
    ],
    [2, 'a token of a year', { tokens: [{ ...TOKEN, trueSeconds: 31_536_000 }] }, 'Deployment shop/web'],
    [2, 'a token without an end', { tokens: [{ ...TOKEN, never: true }] }, 'Deployment shop/web'],
    [
      3,
      'a role with *',
      { accounts: [{ ...ACCOUNT, hasRights: true }], risksOf: () => new Set(['rbac-wildcard']) },
      'ServiceAccount shop/web',
    ],
    [
      4,
      'a role that reads Secrets',
      { accounts: [{ ...ACCOUNT, hasRights: true }], risksOf: () => new Set(['rbac-secret-read']) },
      'ServiceAccount shop/web',
    ],
    [5, 'a namespace without enforcement', { exempted: ['shop'] }, 'Namespace /shop'],
    [6, 'a Secret that is left', { longLivedSecrets: [SECRET] }, 'Secret shop/old'],
    [
      7,
      'two identities in one pod',
      { accounts: [{ ...ACCOUNT, identities: ['gcp'], podsWithToken: 2 }] },
      'ServiceAccount shop/web',
    ],
    [8, 'a namespace without the label', { podSecurity: [{ namespace: 'shop', ok: false }] }, 'Namespace /shop'],
    [
      9,
      'an API server without a policy',
      { apiServers: [{ name: 'kube-apiserver-a', hasAuditPolicy: false }] },
      'Pod kube-system/kube-apiserver-a',
    ],
    [12, 'a token without a reason', { accounts: [{ ...ACCOUNT, podsWithToken: 1 }] }, 'ServiceAccount shop/web'],
    [13, 'a token of default', { tokens: [{ ...TOKEN, account: 'default' }] }, 'Deployment shop/web'],
    [
      14,
      'a shared account',
      { tokens: [TOKEN, { ...TOKEN, owner: { kind: 'Job', name: 'b' } }] },
      'ServiceAccount shop/web',
    ],
    [
      15,
      'a token of its own without an audience',
      { tokens: [{ ...TOKEN, source: 'projected' }] },
      'Deployment shop/web',
    ],
    [
      17,
      'a way to cluster-admin',
      {
        access: { complete: true, blastRadius: [{ account: { namespace: 'shop', name: 'web' }, clusterAdmin: true }] },
      },
      'ServiceAccount shop/web',
    ],
    [18, 'a namespace that may reach everything', { egressNamespaces: new Set<string>() }, 'Namespace /shop'],
  ])('fails line %d for %s', (line, _title, facts, object) => {
    const { verdict, objects } = lineOf(line, facts);
    expect({ verdict, objects: objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`) }).toEqual({
      verdict: 'fail',
      objects: [object],
    });
  });

  it.each<[number, Partial<ScoreFacts>, RegExp]>([
    [5, { secretsEntry: 'absent' }, /Neither Curfew nor a policy/],
    [5, { secretsEntry: 'ignores failures' }, /ignores failures/],
    [5, { secretsEntry: 'absent', policies: [{ ...POLICY, detail: 'its enforcementAction is dryrun.' }] }, /Neither/],
    [16, { limits: { measured: true, extendsTo: 31_536_000 } }, /365 days/],
  ])('fails line %d with a sentence', (line, facts, detail) => {
    expect(lineOf(line, facts)).toMatchObject({ verdict: 'fail', detail: expect.stringMatching(detail) });
  });

  it.each<[number, Partial<ScoreFacts>]>([
    [1, { unread: new Set(['serviceaccounts']) }],
    [2, { unread: new Set(['pods']) }],
    [4, { unread: new Set(['clusterroles']) }],
    [5, { secretsEntry: 'unknown' }],
    [7, { accounts: [ACCOUNT] }],
    [10, { alerts: undefined }],
    [10, { alerts: [] }],
    [11, { auditJobs: [] }],
    [16, { limits: { measured: false } }],
    [17, { access: undefined }],
    [17, { access: { complete: false, blastRadius: [] } }],
    [18, { egressNamespaces: undefined }],
  ])('does not pretend to see line %d', (line, facts) => {
    expect(lineOf(line, facts)).toMatchObject({ verdict: 'not-visible', objects: [] });
  });

  it('fails by what was seen, in spite of what was not', () => {
    expect(lineOf(6, { longLivedSecrets: [SECRET], unread: new Set(['secrets']) }).verdict).toBe('fail');
  });

  it('passes by a policy of somebody else that denies', () => {
    const policies = [{ ...POLICY, detail: 'its action is Enforce.' }];
    expect(lineOf(5, { secretsEntry: 'absent', policies })).toMatchObject({
      verdict: 'pass',
      detail: expect.stringContaining('ClusterPolicy p'),
    });
  });

  it.each([1, 12, 13, 8, 18])('asks nobody to mend what is of the platform: line %d', (line) => {
    const facts: Partial<ScoreFacts> = {
      accounts: [{ ...ACCOUNT, ...inSystem, automount: 'unset', podsWithToken: 1 }],
      tokens: [{ ...TOKEN, ...inSystem, account: 'default' }],
      podSecurity: [{ namespace: 'kube-system', ok: false }],
      podNamespaces: new Set(['kube-system']),
    };
    expect(lineOf(line, facts).verdict).toBe('pass');
  });

  it('names twenty objects and counts the others', () => {
    const longLivedSecrets = Array.from({ length: 33 }, (_, index) => ({ ...SECRET, name: `s-${index}` }));
    const { objects, more } = lineOf(6, { longLivedSecrets });
    expect([objects.length, more]).toEqual([20, 13]);
  });
});
