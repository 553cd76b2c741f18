import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/objects/json.ts';
import { isBuiltInBinding, isBuiltInRole, listBuiltInSubjects } from '../../../../src/objects/rbac/built-in.ts';

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const named = (name: string, more: JsonObject = {}) => ({ metadata: { name, labels: LABELS, ...more } });
const MASTERS = { kind: 'Group', name: 'system:masters' };
const JANE = { kind: 'User', name: 'jane' };

function binding(name: string, subjects: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return { ...named(name), roleRef: { kind: 'ClusterRole', name }, subjects, ...more };
}

describe('A role that Kubernetes brings', () => {
  it.each(['view', 'cluster-admin', 'system:node', 'system:controller:cronjob-controller'])(
    'is %s, with its label',
    (name) => {
      expect(isBuiltInRole(named(name))).toBe(true);
      expect(isBuiltInRole({ metadata: { name } })).toBe(false);
      expect(isBuiltInRole(named(name, { namespace: 'shop' }))).toBe(false);
    },
  );

  it.each(['mine', 'system:mine', 'system:controller:mine', 'system:basic-user'])(
    'is not %s, whatever its label: nothing is found in those that are not listed, unless somebody has written it',
    (name) => {
      expect(isBuiltInRole(named(name))).toBe(false);
    },
  );

  it('is in a namespace where Kubernetes makes it there', () => {
    const name = 'system:controller:token-cleaner';
    expect(isBuiltInRole(named(name, { namespace: 'kube-system' }))).toBe(true);
    expect(isBuiltInRole(named(name))).toBe(false);
  });
});

describe('A binding that Kubernetes brings', () => {
  const controller = (account: string, namespace = 'kube-system') => ({
    kind: 'ServiceAccount',
    name: account,
    namespace,
  });

  it('is known by its label, its name, its role and whom it binds', () => {
    expect(isBuiltInBinding(binding('cluster-admin', [MASTERS]))).toBe(true);
    expect(isBuiltInBinding(binding('system:node', []))).toBe(true);
    const name = 'system:controller:job-controller';
    expect(isBuiltInBinding(binding(name, [controller('job-controller')]))).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['has no label', { ...binding('cluster-admin', [MASTERS]), metadata: { name: 'cluster-admin' } }],
    ['is only named as if', binding('system:mine', [MASTERS])],
    ['is named after a controller that there is not', binding('system:controller:mine', [controller('mine')])],
    ['binds to another role', binding('system:node', [], { roleRef: { kind: 'ClusterRole', name: 'cluster-admin' } })],
    ['binds to a Role of that name', binding('system:node', [], { roleRef: { kind: 'Role', name: 'system:node' } })],
    ['binds somebody else too', binding('cluster-admin', [MASTERS, JANE])],
    ['binds another account', binding('system:controller:job-controller', [controller('web')])],
    [
      'binds that account of another namespace',
      binding('system:controller:job-controller', [controller('job-controller', 'shop')]),
    ],
    ['binds a user by the name of a group', binding('cluster-admin', [{ kind: 'User', name: 'system:masters' }])],
    ['is in a namespace', { ...binding('cluster-admin', [MASTERS]), ...named('cluster-admin', { namespace: 'shop' }) }],
    ['binds what is no subject', { ...binding('cluster-admin', []), subjects: ['system:masters'] }],
  ])('is none that %s', (_what, object) => {
    expect(isBuiltInBinding(object)).toBe(false);
  });

  it('has subjects of its own, and others', () => {
    expect(listBuiltInSubjects(binding('cluster-admin', [MASTERS, JANE]))).toEqual([MASTERS]);
    expect(listBuiltInSubjects(binding('mine', [MASTERS]))).toEqual([]);
  });
});
