import { describe, expect, it } from 'vitest';
import { analyzeAccess } from '../../../src/access/analyze.ts';
import { findPathsFrom, findPathsTo, readGoal, readSubject } from '../../../src/access/ask.ts';
import { formatGoal, formatSubject } from '../../../src/access/describe-path.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, bind, graphOf, inputOf, pod, role, rule, secret } from './cluster.ts';

const TOKENS = rule('serviceaccounts/token', 'create');

describe('A question', () => {
  it.each([
    ['shop/web', { kind: 'ServiceAccount', namespace: 'shop', name: 'web' }],
    ['ServiceAccount:shop/web', { kind: 'ServiceAccount', namespace: 'shop', name: 'web' }],
    ['system:serviceaccount:shop:web', { kind: 'ServiceAccount', namespace: 'shop', name: 'web' }],
    ['jane', { kind: 'User', name: 'jane' }],
    ['Group:devs', { kind: 'Group', name: 'devs' }],
    ['User:https://issuer.example#jane', { kind: 'User', name: 'https://issuer.example#jane' }],
    ['ServiceAccount:web', undefined],
    ['a/b/c', undefined],
    ['', undefined],
  ])('%j names an identity', (text, expected) => {
    expect(readSubject(text)).toEqual(expected);
  });

  it.each([
    ['shop/web', { namespace: 'shop', name: 'web' }],
    ['shop/*', { everyAccountIn: 'shop' }],
    ['*', 'every-account'],
    ['cluster-admin', 'cluster-admin'],
    ['jane', undefined],
  ])('%j names a goal', (text, expected) => {
    expect(readGoal(text)).toEqual(expected);
  });

  const graph = graphOf([
    account('shop', 'web'),
    account('shop', 'db'),
    account('ops', 'ci'),
    pod('shop', 'app', 'web'),
    pod('ops', 'ci', 'ci'),
    role('', 'token-maker', TOKENS),
    role('shop', 'debug', rule('pods/exec', 'create')),
    bind('shop', 'token-maker', ['User:jane']),
    bind('shop', 'debug', ['User:joe'], { isRole: true }),
    bind('', 'token-maker', ['ServiceAccount:ops/ci']),
  ]);
  const to = (goal: string) => {
    const read = readGoal(goal);
    return read === undefined
      ? undefined
      : findPathsTo(graph, read, { most: 10, withBuiltIn: false })?.paths.map(
          ({ from, steps }) => `${formatSubject(from)} ${steps.map(({ how }) => how).join()}`,
        );
  };

  it('is answered with everybody who can be that account', () => {
    expect(to('shop/web')).toEqual([
      'ServiceAccount ops/ci token-request',
      'User jane token-request',
      'User joe pod-exec',
    ]);
    expect(to('shop/db')).toEqual(['ServiceAccount ops/ci token-request', 'User jane token-request']);
    expect(to('ops/ci')).toEqual([]);
    expect(to('shop/*')).toEqual(['ServiceAccount ops/ci token-request', 'User jane token-request']);
    expect(to('*')).toEqual(['ServiceAccount ops/ci token-request']);
    expect(to('shop/nobody')).toBeUndefined();
  });

  it.each<[string, JsonObject, readonly string[]]>([
    ['of the binding’s namespace, where it names none', {}, ['ServiceAccount shop/web token-request']],
    ['of the binding’s namespace, where it is empty', { namespace: '' }, ['ServiceAccount shop/web token-request']],
    ['of the namespace that it names', { namespace: 'ops' }, ['ServiceAccount ops/web token-request']],
  ])('is answered with an account %s', (_what, subject, answer) => {
    const binding = {
      ...bind('shop', 'token-maker', []),
      subjects: [
        { kind: 'ServiceAccount', name: 'web', ...subject },
        { kind: 'Other', name: 'x' },
      ],
    };
    const objects = [
      account('shop', 'web'),
      account('ops', 'web'),
      account('shop', 'db'),
      role('', 'token-maker', TOKENS),
      binding,
    ];
    const paths = findPathsTo(
      graphOf(objects),
      { namespace: 'shop', name: 'db' },
      { most: 10, withBuiltIn: false },
    )?.paths;
    expect(paths?.map(({ from, steps }) => `${formatSubject(from)} ${steps.map(({ how }) => how).join()}`)).toEqual(
      answer,
    );
  });

  it('is not answered with an account of no namespace, which a ClusterRoleBinding cannot mean', () => {
    const binding = { ...bind('', 'token-maker', []), subjects: [{ kind: 'ServiceAccount', name: 'web' }] };
    expect(inputOf([binding]).bindings).toMatchObject([{ subjects: [], others: [] }]);
  });

  it('about somebody unknown has no answer', () => {
    expect(findPathsFrom(graph, { kind: 'User', name: 'nobody' }, 10)).toBeUndefined();
  });
});

describe('A set of accounts', () => {
  it('is one path, that names one of them and counts the others', () => {
    const graph = graphOf([
      ...['a', 'b', 'c'].flatMap((name) => [account('shop', name), pod('shop', name, name)]),
      role('shop', 'debug', rule('pods/exec', 'create')),
      bind('shop', 'debug', ['User:joe', 'ServiceAccount:shop/a'], { isRole: true }),
    ]);
    const { paths } = analyzeAccess(graph, { withBuiltIn: false, mostPaths: 10, isComplete: true });
    expect(paths.map(({ from, to, others }) => [formatSubject(from), formatGoal(to), others])).toEqual([
      ['ServiceAccount shop/a', 'shop/a', 1],
      ['User joe', 'shop/a', 2],
    ]);
  });

  it('does not grow the graph by its size', () => {
    const size = (count: number) => {
      const names = Array.from({ length: count }, (_, index) => `a${index}`);
      const { edges } = graphOf([
        ...names.flatMap((name) => [account('shop', name), pod('shop', name, name)]),
        role('', 'edit', TOKENS, rule('pods/exec', 'create'), rule('secrets', 'get,create')),
        ...names.map((name) => bind('shop', 'edit', [`ServiceAccount:shop/${name}`])),
      ]);
      return edges.reduce((sum, { length }) => sum + length, 0);
    };
    expect(size(400) / size(200)).toBeLessThan(2.1);
  });

  it('is read from projections that hold no token', () => {
    const [one] = inputOf([secret('shop', 'old', 'web')]).secrets;
    expect(one).toEqual({ namespace: 'shop', name: 'old', account: 'web' });
  });
});
