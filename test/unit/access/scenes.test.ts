import { describe, expect, it } from 'vitest';
import { ACCESS_SCENES } from '../../../e2e/access-scenes.ts';
import { findPathsFrom } from '../../../src/access/ask.ts';
import { formatGoal } from '../../../src/access/describe-path.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, bind, graphOf, pod, role, secret } from './cluster.ts';

const GOALS = {
  web: 'shop/web',
  'every account of the namespace': 'every account in shop',
  'every account': 'every account',
  'cluster-admin': 'cluster-admin',
};

function pathsOf(scope: 'namespace' | 'cluster', rules: readonly JsonObject[]) {
  const namespace = scope === 'namespace' ? 'shop' : '';
  const graph = graphOf([
    ...['web', 'db', 'default'].map((name) => account('shop', name)),
    account('other', 'default'),
    pod('shop', 'app', 'web'),
    pod('shop', 'bare', 'db', { volumes: [] }),
    secret('shop', 'old', 'web'),
    role('', 'cluster-admin', { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }),
    role(namespace, 'scene', ...rules),
    bind(namespace, 'scene', ['User:jane'], { isRole: scope === 'namespace' }),
  ]);
  return (findPathsFrom(graph, { kind: 'User', name: 'jane' }, 100)?.paths ?? []).map(({ to, steps, sentence }) => ({
    goal: formatGoal(to),
    hows: steps.map(({ how }) => how),
    sentence,
  }));
}

describe.each(ACCESS_SCENES)('$title', ({ scope, rules, near, how, goal }) => {
  it('is a path', () => {
    const paths = pathsOf(scope, rules);
    expect(paths.filter((path) => path.goal === GOALS[goal]).map(({ hows }) => hows[0])).toContain(how);
    for (const { sentence } of paths) expect(sentence).toMatch(/^User jane /);
  });

  it('and what is close to it is none', () => {
    expect(pathsOf(scope, near).filter((path) => path.goal === GOALS[goal])).toEqual([]);
  });
});
