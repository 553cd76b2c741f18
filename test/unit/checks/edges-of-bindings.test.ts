/** What lies just beside what a check refuses, where no example of it would help a reader: bindings. */

import { describe, expect, it } from 'vitest';
import defaultServiceAccount from '../../../src/checks/default-service-account.ts';
import rbacBindingSubjects from '../../../src/checks/rbac-binding-subjects.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { type Asked, keysOf } from './asking.ts';

describe('A subject of a binding', () => {
  const binding = (subject: JsonObject, roleRef: JsonObject, kind = 'RoleBinding'): Asked => ({
    subject: {
      object: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind,
        metadata: { name: 'a', ...(kind === 'RoleBinding' ? { namespace: 'shop' } : {}) },
        subjects: [subject],
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...roleRef },
      },
    },
  });
  const VIEW = { kind: 'ClusterRole', name: 'view' };
  const ADMIN = { kind: 'ClusterRole', name: 'cluster-admin' };

  it.each<[JsonObject, number]>([
    [{ kind: 'User', name: 'system:serviceaccount:shop:default' }, 1],
    [{ kind: 'User', name: 'x-system:serviceaccount:shop:default' }, 0],
    [{ kind: 'User', name: 'system:serviceaccount:shop:default-2' }, 0],
    [{ kind: 'Group', name: 'system:serviceaccount:shop:default' }, 0],
    [{ kind: 'Group', name: 'default' }, 0],
    [{ kind: 'ServiceAccount', name: 'default' }, 1],
  ])('%j is a default account: %s', (subject, count) => {
    expect(keysOf(defaultServiceAccount, binding(subject, VIEW))).toHaveLength(count);
  });

  it.each<[JsonObject, JsonObject, number]>([
    [{ kind: 'Group', name: 'system:serviceaccounts:shop' }, VIEW, 1],
    [{ kind: 'User', name: 'system:serviceaccounts:shop' }, VIEW, 0],
    [{ kind: 'Group', name: 'system:serviceaccounts:' }, VIEW, 0],
    [{ kind: 'User', name: 'system:serviceaccount:ci:web' }, ADMIN, 1],
    [{ kind: 'Group', name: 'system:serviceaccount:ci:web' }, ADMIN, 0],
    [{ kind: 'User', name: 'jane' }, ADMIN, 0],
    [{ kind: 'ServiceAccount', name: 'web' }, ADMIN, 1],
    [{ kind: 'ServiceAccount', name: 'web' }, { ...ADMIN, kind: 'Role' }, 0],
    [{ kind: 'ServiceAccount', name: 'web' }, VIEW, 0],
  ])('%j with %j is told: %s', (subject, role, count) => {
    expect(keysOf(rbacBindingSubjects, binding(subject, role))).toHaveLength(count);
  });
});
