import { describe, expect, it } from 'vitest';
import { findPathsFrom, findPathsTo, readGoal, readSubject } from '../../../src/access/ask.ts';
import { formatGoal, formatSubject } from '../../../src/access/describe-path.ts';
import type { AccessInput } from '../../../src/access/input.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, bind, graphOf, role, rule, secret } from './cluster.ts';

const RBAC = { groups: 'rbac.authorization.k8s.io' };
const TOKENS = rule('serviceaccounts/token', 'create');
const EVERYTHING = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const POLICIES = { groups: 'admissionregistration.k8s.io' };
const named = (names: string, more = {}) => ({ ...more, names: names.split(' ') });

type Given = {
  /** Each in a role of its own, bound in all the cluster. */
  readonly everywhere?: readonly JsonObject[];
  /** Each in a role of its own in namespace shop. */
  readonly shop?: readonly JsonObject[];
  readonly others?: readonly JsonObject[];
  readonly input?: Partial<AccessInput>;
};

/** Where jane gets, and by which right at first. */
function pathsOf({ everywhere = [], shop = [], others = [], input = {} }: Given) {
  const graph = graphOf(
    [
      account('shop', 'web'),
      account('bank', 'web'),
      secret('shop', 'old', 'web'),
      secret('bank', 'older', 'web'),
      bind('bank', 'maker', ['Group:devs', 'User:joe'], { isRole: true }),
      role('bank', 'maker', TOKENS),
      ...everywhere.flatMap((one, index) => [role('', `e${index}`, one), bind('', `e${index}`, ['User:jane'])]),
      ...shop.flatMap((one, index) => [
        role('shop', `s${index}`, one),
        bind('shop', `s${index}`, ['User:jane'], { isRole: true }),
      ]),
      ...others,
    ],
    input,
  );
  return (findPathsFrom(graph, { kind: 'User', name: 'jane' }, 100)?.paths ?? [])
    .map(({ to, steps }) => `${formatGoal(to)}: ${steps.map(({ right }) => right).join(', ')}`)
    .toSorted();
}

describe('Rights of several roles are one way together:', () => {
  it.each<[string, Given, readonly string[]]>([
    [
      'a Secret that is there is written over and read',
      { shop: [rule('secrets', 'update', named('old')), rule('secrets', 'get', named('old x'))] },
      ['every account in shop: update and get secrets in shop'],
    ],
    [
      'not one Secret written and another read',
      { shop: [rule('secrets', 'update', named('old')), rule('secrets', 'get', named('x'))] },
      [],
    ],
    [
      'a Secret of a name, wherever it is',
      { everywhere: [rule('secrets', 'update', named('old')), rule('secrets', 'list')] },
      ['bank/web: list secrets everywhere', 'every account in shop: update and list secrets everywhere'],
    ],
    [
      'every Secret',
      { everywhere: [rule('secrets', 'update'), rule('secrets', 'watch')] },
      [
        'every account in bank: update and watch secrets everywhere',
        'every account in shop: update and watch secrets everywhere',
      ],
    ],
    [
      'every Secret, of which some are read',
      { everywhere: [rule('secrets', 'update'), rule('secrets', 'get', named('older'))] },
      ['every account in bank: update and get secrets everywhere'],
    ],
    [
      'Secrets of a namespace without one',
      {
        others: [
          account('ops', 'ci'),
          role('ops', 'w', rule('secrets', 'update,get')),
          bind('ops', 'w', ['User:jane'], { isRole: true }),
        ],
      },
      [],
    ],
    [
      'a Secret is made by server-side apply',
      {
        shop: [
          rule('secrets', 'create', named('a b')),
          rule('secrets', 'patch', named('b')),
          rule('secrets', 'get', named('b')),
        ],
      },
      ['every account in shop: create and get secrets in shop'],
    ],
    [
      'names of two roles',
      {
        shop: [
          rule('secrets', 'update', named('x')),
          rule('secrets', 'update', named('old')),
          rule('secrets', 'get', named('old')),
        ],
      },
      ['every account in shop: update and get secrets in shop'],
    ],
    [
      'names of one and all of another',
      {
        shop: [
          rule('secrets', 'update', named('x')),
          rule('secrets', 'update'),
          rule('secrets', 'update', named('y')),
          rule('secrets', 'get', named('old')),
        ],
      },
      ['every account in shop: update and get secrets in shop'],
    ],
    [
      'groups with a user',
      { everywhere: [rule('groups', 'impersonate', named('devs nobody')), rule('users', 'impersonate', named('x'))] },
      ['every account in bank: impersonate groups and users, create serviceaccounts/token in bank'],
    ],
    [
      'the masters with an account',
      {
        everywhere: [
          rule('groups', 'impersonate', named('system:masters')),
          rule('serviceaccounts', 'impersonate', named('none')),
        ],
      },
      ['cluster-admin: impersonate groups and serviceaccounts'],
    ],
    [
      'groups without a user',
      { everywhere: [rule('groups', 'impersonate', named('devs')), rule('secrets', 'watch', named('x'))] },
      [],
    ],
    [
      'users by name',
      { everywhere: [rule('users', 'impersonate', named('joe nobody'))] },
      ['every account in bank: impersonate users named joe, nobody, create serviceaccounts/token in bank'],
    ],
    [
      'policies',
      {
        everywhere: [
          rule('mutatingadmissionpolicies', 'create', POLICIES),
          rule('mutatingadmissionpolicybindings', 'create', POLICIES),
        ],
      },
      ['every account: create mutatingadmissionpolicies and their bindings'],
    ],
    [
      'policies before Kubernetes 1.36',
      {
        everywhere: [
          rule('mutatingadmissionpolicies', 'create', POLICIES),
          rule('mutatingadmissionpolicybindings', 'create', POLICIES),
        ],
        input: { minorVersion: 35 },
      },
      [],
    ],
    [
      'policies of a version that is not known',
      {
        everywhere: [
          rule('mutatingadmissionpolicies', 'create', POLICIES),
          rule('mutatingadmissionpolicybindings', 'create', POLICIES),
        ],
        input: { minorVersion: undefined },
      },
      ['every account: create mutatingadmissionpolicies and their bindings'],
    ],
    [
      'a binding to a role that may everything',
      {
        everywhere: [rule('clusterroles', 'bind', RBAC), rule('clusterrolebindings', 'create', RBAC)],
        others: [role('', 'admin', EVERYTHING)],
      },
      ['cluster-admin: bind clusterroles and create clusterrolebindings'],
    ],
    [
      'no such role',
      { everywhere: [rule('clusterroles', 'bind', RBAC), rule('clusterrolebindings', 'create', RBAC)] },
      [],
    ],
    [
      'no such role in a namespace',
      { shop: [rule('clusterroles', 'bind', RBAC), rule('rolebindings', 'create', RBAC)] },
      [],
    ],
    [
      'a named ClusterRole in a namespace',
      {
        shop: [rule('clusterroles', 'bind', named('tokens', RBAC)), rule('rolebindings', 'create', RBAC)],
        others: [role('', 'tokens', TOKENS)],
      },
      [
        'every account in shop: bind clusterroles and create rolebindings in shop, create serviceaccounts/token in shop',
      ],
    ],
    [
      'a named ClusterRole in each namespace',
      {
        everywhere: [rule('clusterroles', 'bind', named('tokens', RBAC)), rule('rolebindings', 'create', RBAC)],
        others: [role('', 'tokens', TOKENS)],
      },
      ['every account: bind clusterroles and create rolebindings everywhere, create serviceaccounts/token everywhere'],
    ],
    [
      'webhooks by name',
      {
        everywhere: [
          rule('mutatingwebhookconfigurations,validatingwebhookconfigurations', 'create', named('a', POLICIES)),
        ],
      },
      [],
    ],
    [
      'more names than are told',
      { shop: [rule('secrets', 'get', { names: ['old', 'a', 'b', 'c', ''] })] },
      ['shop/web: get secrets named old, a, b and 1 more in shop'],
    ],
    ['an empty name', { shop: [rule('secrets', 'list', { names: ['', 'a'] })] }, ['shop/web: list secrets in shop']],
  ])('%s', (_what, given, paths) => {
    expect(pathsOf(given)).toEqual(paths);
  });
});

/** Of several accounts the first is named. */
describe('A right to act as an account within limits', () => {
  const acts = rule('configmaps', 'impersonate-on:serviceaccount:list');
  const as = (more = {}) =>
    rule('serviceaccounts', 'impersonate:serviceaccount', { groups: 'authentication.k8s.io', ...more });
  const inShop = 'impersonate:serviceaccount and impersonate-on verbs in shop';
  const everywhere = 'impersonate:serviceaccount and impersonate-on verbs everywhere';

  it.each<[string, Given, readonly string[]]>([
    ['of a name', { shop: [acts, as(named('web'))] }, [`shop/web: ${inShop}`]],
    ['of a name that nobody has', { shop: [acts, as(named('none'))] }, []],
    ['of a name, everywhere', { everywhere: [acts, as(named('web'))] }, [`bank/web: ${everywhere}`]],
    ['of a namespace', { shop: [acts, as()] }, [`shop/web: ${inShop}`]],
    ['everywhere', { everywhere: [acts, as()] }, [`bank/web: ${everywhere}`]],
    ['before Kubernetes 1.36', { everywhere: [acts, as()], input: { minorVersion: 34 } }, []],
    [
      'of a version that is not known',
      { shop: [acts, as()], input: { minorVersion: undefined } },
      [`shop/web: ${inShop}`],
    ],
    ['without one of the two', { shop: [as(), rule('secrets', 'update')] }, []],
  ])('is one: %s', (_what, given, paths) => {
    expect(pathsOf(given)).toEqual(paths);
  });
});

describe('Everything', () => {
  const graph = graphOf([
    account('shop', 'web'),
    role('', 'admin', EVERYTHING),
    bind('', 'admin', ['Group:ops', 'ServiceAccount:shop/web']),
    role('', 'mints', TOKENS),
    bind('', 'mints', ['User:jane']),
  ]);
  const who = (goal: string) => {
    const read = readGoal(goal);
    return read === undefined
      ? read
      : findPathsTo(graph, read, { most: 10, withBuiltIn: false })?.paths.map(({ from }) => formatSubject(from));
  };

  it('is reached by who has it, and by who can be one of them', () => {
    expect(who('cluster-admin')).toEqual(['ServiceAccount shop/web', 'Group ops', 'User jane']);
  });

  it('is not asked of a namespace without accounts', () => {
    expect(who('nowhere/*')).toBeUndefined();
  });

  it('may be asked of the group of all accounts by its name alone', () => {
    expect(readSubject('system:serviceaccounts:shop')).toEqual({ kind: 'Group', name: 'system:serviceaccounts:shop' });
  });
});
