import { describe, expect, it } from 'vitest';
import { writeRoles } from '../../../src/audit-log/least-privilege.ts';
import { valueAt } from '../../../src/objects/json.ts';
import type { EventOptions } from './events.ts';
import { tallyOf } from './events.ts';

describe('The least privilege', () => {
  it('is a Role for each namespace and a ClusterRole for the rest, without what everybody may', () => {
    const { accounts } = tallyOf(
      { verb: 'get', objectRef: { resource: 'configmaps', namespace: 'shop', name: 'a' } },
      { verb: 'update', objectRef: { resource: 'configmaps', namespace: 'shop', name: 'a' } },
      { verb: 'watch', stage: 'ResponseStarted', objectRef: { resource: 'pods', namespace: 'shop' } },
      { verb: 'list', objectRef: { resource: 'pods', namespace: 'shop' } },
      {
        verb: 'patch',
        objectRef: { resource: 'deployments', subresource: 'scale', apiGroup: 'apps', namespace: 'other', name: 'db' },
      },
      { verb: 'list', objectRef: { resource: 'nodes' } },
      { verb: 'create', objectRef: { resource: 'selfsubjectreviews', apiGroup: 'authentication.k8s.io' } },
      { verb: 'get', more: { objectRef: null, requestURI: '/version' } },
      { verb: 'get', more: { objectRef: null, requestURI: '/metrics' } },
    );
    const usage = accounts.get('shop/web');
    expect(
      (usage === undefined ? [] : writeRoles(usage)).map((manifest) => JSON.stringify(manifest)),
    ).toMatchInlineSnapshot(`
      [
        "{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"shop-web","namespace":"other"},"rules":[{"apiGroups":["apps"],"resources":["deployments/scale"],"resourceNames":["db"],"verbs":["patch"]}]}",
        "{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"shop-web","namespace":"other"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"shop-web"},"subjects":[{"kind":"ServiceAccount","name":"web","namespace":"shop"}]}",
        "{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"web","namespace":"shop"},"rules":[{"apiGroups":[""],"resources":["configmaps"],"resourceNames":["a"],"verbs":["get","update"]},{"apiGroups":[""],"resources":["pods"],"verbs":["list","watch"]}]}",
        "{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"web","namespace":"shop"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"web"},"subjects":[{"kind":"ServiceAccount","name":"web","namespace":"shop"}]}",
        "{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"shop-web"},"rules":[{"apiGroups":[""],"resources":["nodes"],"verbs":["list"]},{"nonResourceURLs":["/metrics"],"verbs":["get"]}]}",
        "{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"shop-web"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"shop-web"},"subjects":[{"kind":"ServiceAccount","name":"web","namespace":"shop"}]}",
      ]
    `);
  });

  it('has its parts in the order of their names, whatever was done first', () => {
    const list = (resource: string, namespace?: string): EventOptions => ({
      verb: 'list',
      objectRef: { resource, ...(namespace === undefined ? {} : { namespace }) },
    });
    const call = (requestURI: string): EventOptions => ({ more: { objectRef: null, requestURI } });
    const events = [
      ...['b', 'c', 'a'].flatMap((namespace) => [list('pods', namespace), list('configmaps', namespace)]),
      ...['/metrics', '/debug', '/logs'].map(call),
      list('nodes'),
    ];
    const inOrder = (some: readonly EventOptions[]) => {
      const usage = tallyOf(...some).accounts.get('shop/web');
      return usage === undefined ? [] : writeRoles(usage);
    };
    const roles = inOrder(events);
    expect(inOrder(events.toReversed())).toEqual(roles);
    expect(roles.map((role) => valueAt(role, ['metadata', 'namespace']))).toEqual([
      'a',
      'a',
      'b',
      'b',
      'c',
      'c',
      undefined,
      undefined,
    ]);
    expect(valueAt(roles[0], ['rules'])).toMatchObject([{ resources: ['configmaps'] }, { resources: ['pods'] }]);
    expect(valueAt(roles.at(-2), ['rules'])).toMatchObject([
      { resources: ['nodes'] },
      ...['/debug', '/logs', '/metrics'].map((path) => ({ nonResourceURLs: [path] })),
    ]);
  });
});
