import { describe, expect, it } from 'vitest';
import { isBuiltInBinding, isBuiltInRole } from '../../../../src/objects/rbac/built-in.ts';

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const named = (name: string, labels = LABELS) => ({ metadata: { name, labels } });

describe('What Kubernetes brings', () => {
  it.each(['view', 'cluster-admin', 'system:node'])('role %s, with its label', (name) => {
    expect(isBuiltInRole(named(name))).toBe(true);
    expect(isBuiltInRole({ metadata: { name } })).toBe(false);
  });

  it('is no role that only has the label', () => {
    expect(isBuiltInRole(named('mine'))).toBe(false);
  });

  it('is no binding with the name of a role that Kubernetes binds to nobody', () => {
    expect(isBuiltInBinding(named('cluster-admin'))).toBe(true);
    expect(isBuiltInBinding(named('system:node'))).toBe(true);
    expect(isBuiltInBinding(named('view'))).toBe(false);
  });
});
