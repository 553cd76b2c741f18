import { describe, expect, it } from 'vitest';
import type { AccessPath } from '../../../src/access/access-report.ts';
import { analyzeAccess } from '../../../src/access/analyze.ts';
import { findPathsFrom, readSubject } from '../../../src/access/ask.ts';
import { formatGoal, formatSubject } from '../../../src/access/describe-path.ts';
import type { Graph } from '../../../src/access/graph.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, bind, graphOf, pod, role, rule, secret } from './cluster.ts';

const TOKENS = rule('serviceaccounts/token', 'create');
const EVERYTHING = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const BUILT_IN = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

const analyze = (graph: Graph, withBuiltIn = false, mostPaths = 100) =>
  analyzeAccess(graph, { withBuiltIn, mostPaths, isComplete: true });
const tell = ({ from, to, steps }: AccessPath) => `${formatSubject(from)} → ${formatGoal(to)} in ${steps.length}`;
const told = (objects: readonly JsonObject[]) => analyze(graphOf(objects)).paths.map(tell);

describe('Paths of several steps', () => {
  const objects = [
    account('shop', 'web'),
    account('shop', 'other'),
    account('ops', 'ci'),
    account('kube-system', 'controller'),
    pod('shop', 'app', 'web'),
    secret('ops', 'ci-token', 'ci'),
    role('shop', 'debug', rule('pods/exec', 'create')),
    role('ops', 'reader', rule('secrets', 'get', { names: ['ci-token'] })),
    role('kube-system', 'minter', TOKENS),
    role('', 'cluster-admin', EVERYTHING),
    bind('shop', 'debug', ['User:jane'], { isRole: true, name: 'jane-debugs' }),
    bind('ops', 'reader', ['ServiceAccount:shop/web'], { isRole: true }),
    bind('kube-system', 'minter', ['ServiceAccount:ops/ci'], { isRole: true }),
    bind('', 'cluster-admin', ['ServiceAccount:kube-system/controller']),
  ];

  it('are found by the shortest way, and each step names role, binding and right', () => {
    const path = findPathsFrom(graphOf(objects), { kind: 'User', name: 'jane' }, 10)?.paths[0];
    expect(path?.to).toBe('cluster-admin');
    expect(path?.steps.map(({ how }) => how)).toEqual(['pod-exec', 'secret-read', 'token-request', 'everything']);
    expect(path?.steps[0]).toEqual({
      how: 'pod-exec',
      right: 'create pods/exec in shop',
      through: {
        kind: 'Role',
        namespace: 'shop',
        name: 'debug',
        binding: { kind: 'RoleBinding', namespace: 'shop', name: 'jane-debugs' },
      },
      to: { kind: 'ServiceAccount', namespace: 'shop', name: 'web' },
    });
    expect(path?.sentence).toBe(
      'User jane enters a pod of ServiceAccount shop/web (create pods/exec in shop), ' +
        'then reads a token Secret of ServiceAccount ops/ci (get secrets named ci-token in ops), ' +
        'then makes a token of ServiceAccount kube-system/controller (create serviceaccounts/token in kube-system), ' +
        'then may do everything: cluster-admin',
    );
  });

  it('are told with what is one or two steps away, the most dangerous first', () => {
    expect(told(objects)).toEqual([
      'ServiceAccount kube-system/controller → cluster-admin in 1',
      'ServiceAccount ops/ci → cluster-admin in 2',
      'ServiceAccount shop/web → cluster-admin in 3',
      'User jane → cluster-admin in 4',
      'ServiceAccount ops/ci → every account in kube-system in 1',
      'ServiceAccount shop/web → every account in kube-system in 2',
      'ServiceAccount shop/web → ops/ci in 1',
      'User jane → shop/web in 1',
      'User jane → ops/ci in 2',
    ]);
  });

  it('are bounded, and what is left out is counted', () => {
    const { paths, more } = analyze(graphOf(objects), false, 3);
    expect([paths.length, more]).toEqual([3, 6]);
  });

  it('end where a Secret is refused, a pod has ended, or an account is gone', () => {
    const without = (kind: string, replacement: readonly JsonObject[]) =>
      findPathsFrom(
        graphOf([...objects.filter((object) => object['kind'] !== kind), ...replacement]),
        { kind: 'User', name: 'jane' },
        10,
      )?.paths.map(tell);
    const invalid = secret('ops', 'ci-token', 'ci', { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' });
    expect(without('Secret', [invalid])).toEqual(['User jane → shop/web in 1']);
    // The API server takes an empty label for none, and so whoever writes one hides nothing.
    const good = secret('ops', 'ci-token', 'ci', { 'kubernetes.io/legacy-token-invalid-since': '' });
    expect(without('Secret', [good])).toEqual(without('Secret', [secret('ops', 'ci-token', 'ci', {})]));
    expect(without('Secret', [good])).not.toEqual(without('Secret', [invalid]));
    const ended: JsonObject = { ...pod('shop', 'app', 'web'), status: { phase: 'Succeeded' } };
    expect(without('Pod', [ended])).toEqual([]);
    expect(without('ServiceAccount', [account('shop', 'other')])).toEqual([]);
  });

  it('say how far each account reaches, and who reaches it', () => {
    const rows = analyze(graphOf(objects)).blastRadius.map(
      ({ account, reaches, clusterAdmin, reachedBy, namespaces, podsRunning }) =>
        [`${account.namespace}/${account.name}`, reaches, clusterAdmin, reachedBy, namespaces, podsRunning] as const,
    );
    // Four identities reach everything; each account is reached by those of them that are others.
    expect(rows).toEqual([
      ['shop/web', 3, true, 3, 3, 1],
      ['kube-system/controller', 3, true, 3, 3, 0],
      ['ops/ci', 3, true, 3, 3, 0],
    ]);
  });
});

describe('Who is in a group', () => {
  const accounts = [account('shop', 'web'), account('shop', 'db'), account('other', 'web')];
  const maker = role('shop', 'maker', TOKENS);

  it.each([
    ['system:serviceaccounts:shop', ['ServiceAccount:shop/web'], ['ServiceAccount:other/web', 'User:jane']],
    ['system:serviceaccounts', ['ServiceAccount:other/web'], ['User:jane']],
    ['system:authenticated', ['ServiceAccount:other/web', 'User:jane', 'Group:devs'], ['User:system:anonymous']],
    ['devs', ['Group:devs'], ['User:jane', 'ServiceAccount:shop/web']],
  ])('%s has what the group has, and others have not', (group, inside, outside) => {
    // So that they are known at all.
    const known = bind('other', 'nothing', ['User:jane', 'Group:devs', 'User:system:anonymous'], { isRole: true });
    const harmless = role('other', 'nothing', rule('configmaps', 'get'));
    const graph = graphOf([
      ...accounts,
      maker,
      harmless,
      known,
      bind('shop', 'maker', [`Group:${group}`], { isRole: true }),
    ]);
    const goals = (who: string) => {
      const subject = readSubject(who);
      return subject === undefined ? [] : findPathsFrom(graph, subject, 9)?.paths.map(({ to }) => formatGoal(to));
    };
    for (const who of inside) expect({ who, goals: goals(who) }).toEqual({ who, goals: ['every account in shop'] });
    for (const who of outside) expect({ who, goals: goals(who) }).toEqual({ who, goals: [] });
    // The group says it for all of its members.
    expect(analyze(graph).paths.map(tell)).toEqual([`Group ${group} → every account in shop in 1`]);
  });

  it('joins the rights of a group with its own', () => {
    const graph = graphOf([
      ...accounts,
      role('shop', 'writes', rule('secrets', 'create')),
      role('shop', 'reads', rule('secrets', 'get')),
      bind('shop', 'reads', ['Group:system:serviceaccounts'], { isRole: true }),
      bind('shop', 'writes', ['ServiceAccount:shop/web', 'User:jane'], { isRole: true }),
    ]);
    expect(analyze(graph).paths.map(tell)).toEqual(['ServiceAccount shop/web → every account in shop in 1']);
  });
});

describe('What Kubernetes brings', () => {
  const objects = [
    account('kube-system', 'job-controller'),
    account('shop', 'web'),
    role('', 'cluster-admin', EVERYTHING),
    role('', 'system:controller:job-controller', TOKENS),
    bind('', 'cluster-admin', ['Group:system:masters', 'User:jane'], { name: 'cluster-admin', labels: BUILT_IN }),
    bind('', 'system:controller:job-controller', ['ServiceAccount:kube-system/job-controller'], {
      name: 'system:controller:job-controller',
      labels: BUILT_IN,
    }),
    // The label is anybody's to write, and so is a name.
    bind('', 'cluster-admin', ['Group:ops'], { name: 'system:ops', labels: BUILT_IN }),
    bind('', 'cluster-admin', ['Group:qa'], { name: 'system:controller:job-controller', labels: BUILT_IN }),
    bind('', 'cluster-admin', ['Group:devs'], { name: 'mine', labels: BUILT_IN }),
  ];

  it('is left out, but not whom somebody has put into it', () => {
    expect(told(objects)).toEqual([
      'Group devs → cluster-admin in 1',
      'User jane → cluster-admin in 1',
      'Group ops → cluster-admin in 1',
      'Group qa → cluster-admin in 1',
    ]);
  });

  it('is told if it is asked for, and system:masters is always everything', () => {
    expect(analyze(graphOf(objects), true).paths.map(tell)).toEqual([
      'ServiceAccount kube-system/job-controller → every account in 1',
      'Group devs → cluster-admin in 1',
      'User jane → cluster-admin in 1',
      'Group ops → cluster-admin in 1',
      'Group qa → cluster-admin in 1',
      'Group system:masters → cluster-admin in 1',
    ]);
    expect(findPathsFrom(graphOf([]), { kind: 'Group', name: 'system:masters' }, 1)?.paths[0]?.to).toBe(
      'cluster-admin',
    );
  });
});

describe('An empty name', () => {
  const goals = (...rules: readonly JsonObject[]) =>
    told([
      account('shop', 'web'),
      secret('shop', 'old', 'web'),
      role('shop', 'scene', ...rules),
      bind('shop', 'scene', ['User:jane'], { isRole: true }),
    ]);

  it('is that of no object, and that of a request to list', () => {
    expect(goals(rule('deployments', 'patch', { groups: 'apps', names: [''] }))).toEqual([]);
    expect(goals(rule('roles', 'escalate,patch', { groups: 'rbac.authorization.k8s.io', names: [''] }))).toEqual([]);
    expect(goals(rule('secrets', 'get', { names: [''] }))).toEqual([]);
    expect(goals(rule('secrets', 'list', { names: [''] }))).toEqual(['User jane → shop/web in 1']);
  });
});

describe('A version of Kubernetes', () => {
  const objects = [
    account('shop', 'web'),
    pod('shop', 'app', 'web'),
    role('shop', 'gets', rule('pods/exec', 'get')),
    bind('shop', 'gets', ['User:jane'], { isRole: true }),
  ];

  it.each([
    [34, 1],
    [35, 0],
    [undefined, 1],
  ])('1.%s opens a websocket by get alone: %d paths', (minorVersion, count) => {
    expect(analyze(graphOf(objects, { minorVersion })).paths).toHaveLength(count);
  });

  it('counts a custom resource that makes pods only where it is served', () => {
    const rollouts = [
      account('shop', 'web'),
      role('shop', 'rolls', rule('rollouts', 'create', { groups: 'argoproj.io' })),
      bind('shop', 'rolls', ['User:jane'], { isRole: true }),
    ];
    const hows = (apiGroups: ReadonlySet<string> | undefined) =>
      analyze(graphOf(rollouts, { apiGroups })).paths.flatMap(({ steps }) => steps.map(({ how }) => how));
    expect(hows(new Set(['apps']))).toEqual([]);
    expect(hows(new Set(['apps', 'argoproj.io']))).toEqual(['custom-resource']);
    expect(hows(undefined)).toEqual(['custom-resource']);
  });
});

describe('An account that is bound and not made', () => {
  const objects = [
    account('shop', 'web'),
    role('', 'cluster-admin', EVERYTHING),
    bind('', 'cluster-admin', ['ServiceAccount:shop/gone']),
    role('shop', 'makes', TOKENS),
    role('shop', 'acts', rule('serviceaccounts', 'impersonate')),
    bind('shop', 'makes', ['User:maker'], { isRole: true }),
    bind('shop', 'acts', ['User:actor'], { isRole: true }),
  ];

  it('gives no token, and its name is enough to act as it', () => {
    const paths = told(objects);
    expect(paths).toContain('User actor → cluster-admin in 2');
    expect(paths).toContain('User maker → every account in shop in 1');
    expect(paths).not.toContain('User maker → cluster-admin in 2');
  });

  it('is taken to be there where accounts could not be listed', () => {
    const graph = graphOf(objects, { accounts: undefined });
    expect(analyze(graph).paths.map(tell)).toContain('User maker → cluster-admin in 2');
  });
});
