import { describe, expect, it } from 'vitest';
import { describeAccount, IDENTITY_KEYS } from '../../../src/audit/account-access.ts';
import { createGathered, gather } from '../../../src/audit/gathered.ts';
import { findRisks, listBoundRoles } from '../../../src/audit/rights-book.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { toServiceAccountView } from '../../../src/objects/views.ts';
import { found } from '../judging.ts';
import { judgingWith, seen } from './seen.ts';

const READER = seen(
  'Role',
  { name: 'reader' },
  { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] },
);
const ADMIN = seen(
  'ClusterRole',
  { name: 'cluster-admin', namespace: '' },
  { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
);
const DEFAULTS = { labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } };

function bind(subject: JsonObject, roleRef: JsonObject, metadata: JsonObject = {}) {
  const kind = roleRef['kind'] === 'Role' ? 'RoleBinding' : 'ClusterRoleBinding';
  return seen(kind, { name: 'b', ...metadata }, { roleRef, subjects: [subject] });
}

const ACCOUNT = { kind: 'ServiceAccount', name: 'web', namespace: 'shop' };
const TO_READER = { kind: 'Role', name: 'reader' };
const TO_ADMIN = { kind: 'ClusterRole', name: 'cluster-admin' };

describe('The rights of an account', () => {
  it.each<[string, ReturnType<typeof bind>, boolean, readonly string[]]>([
    ['a role in its namespace', bind(ACCOUNT, TO_READER), true, ['rbac-secret-read']],
    [
      'a role, by a binding that leaves the namespace out',
      bind({ kind: 'ServiceAccount', name: 'web' }, TO_READER),
      true,
      ['rbac-secret-read'],
    ],
    [
      'a role, by a binding whose namespace is empty',
      bind({ ...ACCOUNT, namespace: '' }, TO_READER),
      true,
      ['rbac-secret-read'],
    ],
    ['a role for an account without a name', bind({ kind: 'ServiceAccount' }, TO_READER), false, []],
    [
      'a role for its name as a user',
      bind({ kind: 'User', name: 'system:serviceaccount:shop:web' }, TO_READER),
      true,
      ['rbac-secret-read'],
    ],
    [
      'a role for all accounts of its namespace',
      bind({ kind: 'Group', name: 'system:serviceaccounts:shop' }, TO_READER),
      true,
      ['rbac-secret-read'],
    ],
    [
      'a role for all accounts',
      bind({ kind: 'Group', name: 'system:serviceaccounts' }, TO_READER),
      true,
      ['rbac-secret-read'],
    ],
    [
      'a role for accounts of another namespace',
      bind({ kind: 'Group', name: 'system:serviceaccounts:other' }, TO_READER),
      false,
      [],
    ],
    [
      'what every authenticated caller has',
      bind({ kind: 'Group', name: 'system:authenticated' }, TO_READER),
      false,
      [],
    ],
    ['a role that is not there', bind(ACCOUNT, { kind: 'Role', name: 'nowhere' }), true, []],
    [
      'what Kubernetes gives to all accounts',
      bind(
        { kind: 'Group', name: 'system:serviceaccounts' },
        { kind: 'ClusterRole', name: 'system:service-account-issuer-discovery' },
        { name: 'system:service-account-issuer-discovery', namespace: '', ...DEFAULTS },
      ),
      false,
      [],
    ],
    [
      'what somebody gives to all accounts as if it were Kubernetes',
      bind({ kind: 'Group', name: 'system:serviceaccounts' }, TO_READER, { name: 'system:issuer', ...DEFAULTS }),
      true,
      ['rbac-secret-read'],
    ],
  ])('are what is bound to it: %s', (_title, binding, has, risks) => {
    const { rights } = gatherAll([READER, ADMIN, binding]);
    expect(listBoundRoles(rights, 'shop', 'web').length > 0).toBe(has);
    expect([...findRisks(rights, 'shop', 'web')]).toEqual(risks);
  });

  it('count with a built-in role that people bind, whatever the configuration leaves out', () => {
    const off = {
      checks: { 'rbac-wildcard': { mode: 'off' } },
      levels: { clusterScoped: { warn: 'off', audit: 'off' } },
    };
    const { rights } = gatherAll([ADMIN, bind(ACCOUNT, TO_ADMIN)], off);
    expect(findRisks(rights, 'shop', 'web')).toContain('rbac-wildcard');
  });
});

function gatherAll(subjects: readonly ReturnType<typeof seen>[], keys: JsonObject = {}) {
  const gathered = createGathered();
  for (const subject of subjects) gather(gathered, subject, judgingWith([], keys));
  return gathered;
}

describe('An account', () => {
  it.each<[string, JsonObject, JsonObject, object]>([
    ['that says nothing', {}, {}, { automount: 'unset', hasRights: true, identities: [], podsWithToken: 3 }],
    ['that opts out', { automountServiceAccountToken: false }, {}, { automount: false }],
    ['with a reason', {}, { 'curfew.dev/api-access': 'watches Deployments' }, { documented: 'watches Deployments' }],
    [
      'with roles of two clouds',
      {},
      { 'eks.amazonaws.com/role-arn': 'arn', 'iam.gke.io/gcp-service-account': 'a@b' },
      { identities: ['aws-irsa', 'gke'] },
    ],
  ])('is told as it is: one %s', (_title, fields, annotations, expected) => {
    const view = toServiceAccountView(
      { metadata: { name: 'web', namespace: 'shop', annotations }, ...fields },
      new Set(IDENTITY_KEYS),
    );
    if (view === undefined) throw new Error('it has a name');
    const { rights } = gatherAll([READER, bind(ACCOUNT, TO_READER)]);
    const podsByAccount = new Map([['shop/web', 3]]);
    const told = describeAccount(view, {
      rights,
      podsByAccount,
      namespace: (name) => found(name),
      acceptFrom: ['ServiceAccount'],
    });
    expect(told).toMatchObject(expected);
  });

  it('has no reason where the annotation still is the placeholder', () => {
    const view = toServiceAccountView({
      metadata: { name: 'web', namespace: 'shop', annotations: { 'curfew.dev/api-access': '<why>' } },
    });
    if (view === undefined) throw new Error('it has a name');
    const facts = {
      rights: createGathered().rights,
      podsByAccount: new Map(),
      namespace: found,
      acceptFrom: ['ServiceAccount'] as const,
    };
    expect(describeAccount(view, { ...facts, namespace: (name) => found(name) })).not.toHaveProperty('documented');
  });
});
