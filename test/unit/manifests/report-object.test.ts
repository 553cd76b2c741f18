import { describe, expect, it } from 'vitest';
import { nameReported, reportObject } from '../../../src/manifests/report-object.ts';
import type { Subject } from '../../../src/objects/subject.ts';

const ROLE: Subject = {
  operation: 'CREATE',
  resource: { group: 'rbac.authorization.k8s.io', name: 'clusterroles', subresource: '' },
  kind: 'ClusterRole',
  namespace: '',
  name: 'reader',
  object: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'reader' } },
};

describe('An object of a report', () => {
  it('is named as the API has it', () => {
    const reported = reportObject(ROLE);
    expect(reported).toEqual({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      namespace: '',
      name: 'reader',
    });
    expect(nameReported(reported)).toBe('ClusterRole reader');
    expect(nameReported({ ...reported, kind: 'Role', namespace: 'shop' })).toBe('Role shop/reader');
  });

  it('stands on one line, and has no version where it has none', () => {
    const odd = { ...ROLE, namespace: 'shop\u202e', name: 'rea\nder', object: {} };
    expect(reportObject(odd)).toEqual({ apiVersion: '', kind: 'ClusterRole', namespace: 'shop ', name: 'rea der' });
  });
});
