import { describe, expect, it } from 'vitest';
import { findPathsFrom } from '../../../src/access/ask.ts';
import { formatGoal } from '../../../src/access/describe-path.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, bind, graphOf, role, rule } from './cluster.ts';

const RBAC = { groups: 'rbac.authorization.k8s.io' };
const TOKENS = rule('serviceaccounts/token', 'create');
const named = (...names: readonly string[]) => ({ ...RBAC, names });

/** Where jane gets with these rules in a ClusterRole, everywhere or in one namespace, and by which right at first. */
function pathsOf(rules: readonly JsonObject[], within = '') {
  const graph = graphOf([
    account('shop', 'web'),
    account('bank', 'web'),
    account('ops', 'ci'),
    role('', 'maker', TOKENS),
    role('shop', 'local', TOKENS),
    role('bank', 'local', TOKENS),
    bind('shop', 'maker', ['User:joe'], { name: 'of-joe' }),
    bind('bank', 'local', ['User:joe'], { name: 'of-joe', isRole: true }),
    bind('ops', 'gone', ['User:joe'], { name: 'of-nothing' }),
    role('', 'editor', ...rules),
    bind(within, 'editor', ['User:jane']),
  ]);
  return (findPathsFrom(graph, { kind: 'User', name: 'jane' }, 100)?.paths ?? []).map(
    ({ to, steps }) => `${formatGoal(to)} in ${steps.length}: ${steps[0]?.right}`,
  );
}

const IN = (namespace: string, right: string) => `every account in ${namespace} in 2: ${right}`;

describe('Who may change a RoleBinding and bind its role is put into it', () => {
  const [ROLES, CLUSTER_ROLES] = ['bind roles and patch rolebindings', 'bind clusterroles and patch rolebindings'];

  it.each<[string, readonly JsonObject[], readonly string[]]>([
    [
      'of every namespace',
      [rule('rolebindings', 'patch', RBAC), rule('roles,clusterroles', 'bind', RBAC)],
      [IN('bank', `${ROLES} everywhere`), IN('shop', `${CLUSTER_ROLES} everywhere`)],
    ],
    [
      'by an update',
      [rule('rolebindings', 'update', RBAC), rule('clusterroles', 'bind', RBAC)],
      [IN('shop', 'bind clusterroles and update rolebindings everywhere')],
    ],
    [
      'of one name',
      [rule('rolebindings', 'patch', named('of-joe')), rule('roles', 'bind', named('local'))],
      [IN('bank', `${ROLES} everywhere`)],
    ],
    ['but not of another name', [rule('rolebindings', 'patch', named('other')), rule('roles', 'bind', RBAC)], []],
    [
      'but not to a role of another name',
      [rule('rolebindings', 'patch', RBAC), rule('roles', 'bind', named('other'))],
      [],
    ],
    ['but not without that right', [rule('rolebindings', 'patch,update', RBAC)], []],
  ])('%s', (_what, rules, paths) => {
    expect(pathsOf(rules).toSorted()).toEqual(paths);
  });

  it('in a namespace of his own alone', () => {
    const rules = [rule('rolebindings', 'patch', RBAC), rule('roles,clusterroles', 'bind', RBAC)];
    expect(pathsOf(rules, 'bank')).toEqual([IN('bank', `${ROLES} in bank`)]);
    expect(pathsOf(rules, 'shop')).toEqual([IN('shop', `${CLUSTER_ROLES} in shop`)]);
    expect(pathsOf(rules, 'ops')).toEqual([]);
  });
});

describe('Who may make RoleBindings and bind a role by its name', () => {
  const rules = [rule('rolebindings', 'create', RBAC), rule('roles', 'bind', named('local', 'other'))];

  it('has that role in every namespace that has it', () => {
    const right = 'bind roles and create rolebindings everywhere';
    expect(pathsOf(rules).toSorted()).toEqual([IN('bank', right), IN('shop', right)]);
  });

  it('has it in one namespace, if he is bound there', () => {
    expect(pathsOf(rules, 'shop')).toEqual([IN('shop', 'bind roles and create rolebindings in shop')]);
    expect(pathsOf(rules, 'ops')).toEqual([]);
  });
});
