import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { KINDS } from '../../../src/objects/kinds.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import type { ExemptionMatch } from '../../../src/policy/exemption.ts';
import { findExemption } from '../../../src/policy/exemption.ts';
import { fc } from '../../properties.ts';
import { hostileObject, numRuns } from '../arbitraries.ts';
import { configure } from '../judging.ts';
import { admittedPod, deployment, JANE, subjectOf, tokenSecret } from '../subjects.ts';

const RULE = { name: 'web', reason: 'a reason', owner: 'team-web', expires: '2027-03-01' };
const POD = subjectOf('pods', admittedPod());

function problemsOf(rule: JsonObject, more: JsonObject = {}): readonly string[] {
  const match = { namespaces: ['shop'] };
  const result = readConfiguration({
    ...EMPTY_CONFIGURATION_FILE,
    exemptions: { rules: [{ ...RULE, match, ...rule }], ...more },
  });
  return result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`);
}

function isExempt(match: ExemptionMatch, subject: Subject): boolean {
  const { exemptions } = configure({ exemptions: { rules: [{ ...RULE, match: JSON.parse(JSON.stringify(match)) }] } });
  return findExemption(exemptions, subject, { check: 'pod-automount', now: 0 }) !== undefined;
}

describe('An exemption in the configuration', () => {
  it('with every key is read', () => {
    const match = {
      namespaces: ['shop', 'team-*'],
      names: ['web-*'],
      kinds: ['Pod', 'Deployment'],
      serviceAccounts: ['shop/*'],
      users: ['system:serviceaccount:argocd:*'],
      groups: ['platform-admin?'],
    };
    expect(problemsOf({ match, checks: ['pod-automount'], ticket: 'OPS-1' })).toEqual([]);
    expect(problemsOf({ match, expires: '2027-12-31', permanent: false })).toEqual([]);
  });

  it.each<[JsonObject, string]>([
    [{ match: {} }, '/exemptions/rules/0/match would be for every object; set one of namespaces, names'],
    [{ match: { kinds: ['Pod'] } }, '/exemptions/rules/0/match would be for every object'],
    [{ match: { namespaces: ['*'] } }, '/exemptions/rules/0/match would be for every object'],
    [{ match: { namespaces: ['shop', '**'] } }, '/exemptions/rules/0/match would be for every object'],
    [{ match: { serviceAccounts: ['*/*'] } }, '/exemptions/rules/0/match would be for every object'],
    [{ match: { groups: ['system:authenticated'] } }, '/exemptions/rules/0/match would be for every object'],
    [{ match: { names: ['?*'] } }, '/exemptions/rules/0/match would be for every object'],
    [{ match: { namespaces: [] } }, '/exemptions/rules/0/match/namespaces must NOT have fewer than 1 items'],
    [{ match: { namespaces: ['Shop'] } }, '/exemptions/rules/0/match/namespaces/0 "Shop" is not allowed; like team-*'],
    [
      { match: { serviceAccounts: ['web'] } },
      '/exemptions/rules/0/match/serviceAccounts/0 "web" is not allowed; like team-a/deployer',
    ],
    [{ match: { namespace: ['shop'] } }, 'has the unknown key "namespace"; did you mean "namespaces"?'],
    [
      { match: { names: ['a'], kinds: ['Gateway'] } },
      '/exemptions/rules/0/match/kinds/0 "Gateway" is not allowed; allowed: Pod, ',
    ],
    [{ checks: ['pod-automout'] }, '/exemptions/rules/0/checks/0 "pod-automout" is not allowed; allowed: long-lived-'],
    [{ checks: [] }, '/exemptions/rules/0/checks must NOT have fewer than 1 items'],
    [{ permanent: true }, '/exemptions/rules/0/expires contradicts permanent: true'],
    [{ expires: '2027-02-30' }, '/exemptions/rules/0/expires "2027-02-30" is not a day of the calendar'],
    [{ expires: '2027-13-01' }, '/exemptions/rules/0/expires "2027-13-01" is not a day of the calendar'],
    [{ expires: '1.3.2027' }, '/exemptions/rules/0/expires "1.3.2027" is not allowed; '],
    [{ name: 'Web' }, '/exemptions/rules/0/name "Web" is not allowed; '],
    [{ name: 'a'.repeat(64) }, 'is not allowed; '],
    [{ owner: ' ' }, '/exemptions/rules/0/owner " " is not allowed; '],
    [{ reason: 'two\nlines' }, '/exemptions/rules/0/reason "two\\nlines" is not allowed; '],
    [{ reason: 'a \u202e b' }, 'is not allowed; '],
    [{ regex: 'a+' }, '/exemptions/rules/0 has the unknown key "regex"'],
  ])('%j is refused: %s', (rule, sentence) => {
    expect(problemsOf(rule).join('\n')).toContain(sentence);
  });

  it.each<[string, readonly string[]]>([
    [
      'groups',
      ['system:*', '*authenticated', 'system:authenticate?', 'system:unauthenticated', 'system:serviceaccounts'],
    ],
    ['groups', ['system:serviceaccount*', 'system:serviceaccounts:*', 's*s', '*:*']],
    ['users', ['*:*', 'system:*', '?*', '*e*', '*m*', 's*:*']],
  ])('for %s that are everybody is refused: %j', (key, patterns) => {
    const allowed = patterns.filter((pattern) => problemsOf({ match: { [key]: ['ops', pattern] } }).length === 0);
    expect(allowed).toEqual([]);
  });

  it.each<[string, readonly string[]]>([
    ['groups', ['system:masters', 'platform-*', 'oidc:*', 'system:serviceaccounts:team-*']],
    ['users', ['system:serviceaccount:argocd:*', 'system:serviceaccount:*:deployer', '*@example.com', 'oidc:*']],
  ])('for %s that are some is read: %j', (key, patterns) => {
    expect(problemsOf({ match: { [key]: patterns } })).toEqual([]);
  });

  it('for everybody in one namespace is read', () => {
    expect(problemsOf({ match: { namespaces: ['shop'], groups: ['system:authenticated'] } })).toEqual([]);
  });

  it.each(['reason', 'owner', 'name', 'match', 'expires'])('without %s is refused', (key) => {
    const { [key]: _left, ...rule }: JsonObject = { ...RULE, match: { namespaces: ['shop'] } };
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, exemptions: { rules: [rule] } });
    expect(result.ok ? '' : result.problems[0]?.problem).toContain(`lacks the key "${key}"`);
  });

  it('with the name of another one, or of a preset in use, is refused', () => {
    const rule = { ...RULE, match: { namespaces: ['shop'] } };
    expect(problemsOf({}, { rules: [rule, rule] })).toEqual(['/exemptions/rules/1/name "web" is already used']);
    expect(problemsOf({ name: 'argo-cd' }, {})).toEqual([]);
    expect(problemsOf({ name: 'argo-cd' }, { presets: ['argo-cd'] })).toEqual([
      '/exemptions/rules/0/name "argo-cd" is already used',
    ]);
  });

  it('that has ended is still read: a server must start the day after', () => {
    expect(problemsOf({ expires: '1999-12-31' })).toEqual([]);
  });
});

describe('What an exemption is for', () => {
  const account = { kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop' } };
  const token = subjectOf(
    'serviceaccounts',
    { kind: 'TokenRequest' },
    { resource: { group: '', name: 'serviceaccounts', subresource: 'token' } },
  );
  const jobSet = (...accounts: readonly string[]): Subject =>
    subjectOf('jobsets.jobset.x-k8s.io', {
      kind: 'JobSet',
      spec: {
        replicatedJobs: accounts.map((serviceAccountName, index) => ({
          name: String(index),
          template: { spec: { template: { spec: { serviceAccountName, containers: [] } } } },
        })),
      },
    });
  const binding = (...subjects: readonly JsonObject[]): Subject =>
    subjectOf(
      'clusterrolebindings.rbac.authorization.k8s.io',
      { kind: 'ClusterRoleBinding', subjects },
      { namespace: '' },
    );
  const roleBinding = (...subjects: readonly JsonObject[]): Subject =>
    subjectOf('rolebindings.rbac.authorization.k8s.io', { kind: 'RoleBinding', subjects });
  const LOCAL = { kind: 'ServiceAccount', name: 'web' };
  const { caller: _caller, ...MANIFEST } = POD;
  const WEB = { kind: 'ServiceAccount', name: 'web', namespace: 'shop' };

  it.each<[string, ExemptionMatch, Subject, boolean]>([
    ['its namespace', { namespaces: ['shop'] }, POD, true],
    ['one of two namespaces', { namespaces: ['bank', 'sh*'] }, POD, true],
    ['another namespace', { namespaces: ['bank'] }, POD, false],
    ['a namespace that begins the same', { namespaces: ['shop'] }, { ...POD, namespace: 'shop-2' }, false],
    ['a namespace, of an object in none', { namespaces: ['*'], names: ['web'] }, { ...POD, namespace: '' }, false],
    ['its name', { names: ['web'] }, POD, true],
    [
      'the start of a generated name',
      { names: ['web-*'] },
      subjectOf('pods', admittedPod(['a'], { generateName: 'web-' }), { name: '' }),
      true,
    ],
    ['both, and one is wrong', { namespaces: ['shop'], names: ['db'] }, POD, false],
    ['its kind', { namespaces: ['shop'], kinds: ['Job', 'Pod'] }, POD, true],
    ['another kind', { namespaces: ['shop'], kinds: ['Job'] }, POD, false],
    [
      'a debug container of its pod',
      { namespaces: ['shop'], kinds: ['Pod'] },
      { ...POD, resource: { ...POD.resource, subresource: 'ephemeralcontainers' } },
      true,
    ],
    ['an account where a token is asked for', { namespaces: ['shop'], kinds: ['ServiceAccount'] }, token, false],
    ['a token', { namespaces: ['shop'], kinds: ['TokenRequest'] }, token, true],
    [
      'a token where an account is written',
      { namespaces: ['shop'], kinds: ['TokenRequest'] },
      subjectOf('serviceaccounts', account),
      false,
    ],
    [
      'a kind of the same name in another group',
      { namespaces: ['shop'], kinds: ['Service'] },
      subjectOf('services', { kind: 'Service' }),
      false,
    ],
    ['the account of a pod', { serviceAccounts: ['shop/web'] }, POD, true],
    [
      'the account of a pod that names none',
      { serviceAccounts: ['shop/default'] },
      subjectOf('pods', { kind: 'Pod', spec: {} }),
      true,
    ],
    ['an account of the same name elsewhere', { serviceAccounts: ['bank/web'] }, POD, false],
    ['the account of a template', { serviceAccounts: ['shop/*'] }, subjectOf('deployments.apps', deployment()), true],
    ['all accounts of several pods', { serviceAccounts: ['shop/web*'] }, jobSet('web', 'web2'), true],
    ['one account of several pods', { serviceAccounts: ['shop/web'] }, jobSet('web', 'admin'), false],
    ['the account of no pod at all', { serviceAccounts: ['shop/*'] }, jobSet(), false],
    ['the account itself', { serviceAccounts: ['shop/web'] }, subjectOf('serviceaccounts', account), true],
    ['the account a token is asked for', { serviceAccounts: ['shop/web'] }, token, true],
    ['the account a token Secret names', { serviceAccounts: ['shop/ci'] }, subjectOf('secrets', tokenSecret()), true],
    [
      'the account that another Secret names',
      { serviceAccounts: ['shop/ci'] },
      subjectOf('secrets', tokenSecret({}, { type: 'Opaque' })),
      false,
    ],
    [
      'the account of a token Secret that names none',
      { serviceAccounts: ['shop/*'] },
      subjectOf('secrets', { type: 'kubernetes.io/service-account-token' }),
      false,
    ],
    ['all subjects of a binding', { serviceAccounts: ['shop/*'] }, binding(WEB, { ...WEB, name: 'b' }), true],
    ['one subject of a binding', { serviceAccounts: ['shop/web'] }, binding(WEB, { ...WEB, namespace: 'bank' }), false],
    [
      'an account beside a user',
      { serviceAccounts: ['shop/web'] },
      binding(WEB, { kind: 'User', name: 'jane' }),
      false,
    ],
    ['an account of the namespace of a RoleBinding', { serviceAccounts: ['shop/web'] }, roleBinding(LOCAL), true],
    [
      'the same as an empty namespace',
      { serviceAccounts: ['shop/web'] },
      roleBinding({ ...LOCAL, namespace: '' }),
      true,
    ],
    [
      'an account of another namespace than the RoleBinding',
      { serviceAccounts: ['bank/web'] },
      roleBinding(LOCAL),
      false,
    ],
    ['an account without a namespace, cluster-wide', { serviceAccounts: ['*/web'] }, binding(LOCAL), false],
    ['a binding without subjects', { serviceAccounts: ['shop/*'] }, binding(), false],
    [
      'an account, of a Role',
      { serviceAccounts: ['shop/*'] },
      subjectOf('roles.rbac.authorization.k8s.io', { kind: 'Role' }),
      false,
    ],
    ['its user', { users: ['jane'] }, POD, true],
    ['another user', { users: ['jan'] }, POD, false],
    ['a user, of a manifest', { users: ['*a*'] }, MANIFEST, false],
    ['one of its groups', { namespaces: ['shop'], groups: ['ops', 'system:auth*'] }, POD, true],
    ['another group', { groups: ['ops'] }, { ...POD, caller: { ...JANE, groups: [] } }, false],
  ])('%s', (_what, match, subject, expected) => {
    expect(isExempt(match, subject)).toBe(expected);
  });

  it('knows every kind by one name', () => {
    expect(new Set(KINDS.map(({ kind }) => kind)).size).toBe(KINDS.length);
  });

  it('is answered for whatever object comes', () => {
    const { exemptions } = configure({
      exemptions: { rules: [{ ...RULE, match: { serviceAccounts: ['shop/*'], names: ['*b'] } }] },
    });
    const resources = fc.constantFrom(...KINDS.map(({ resource, group }) => `${resource}.${group}`));
    fc.assert(
      fc.property(resources, hostileObject, (resource, object) => {
        findExemption(exemptions, subjectOf(resource, object), { check: 'pod-automount', now: 0 });
      }),
      { numRuns: numRuns() },
    );
  });

  it('is the first that matches, and one that has ended is passed over', () => {
    const match = { namespaces: ['shop'] };
    const rules = [
      { ...RULE, name: 'other-check', match, checks: ['year-long-token'] },
      { ...RULE, name: 'ended', match, expires: '1969-12-31' },
      { ...RULE, name: 'first', match },
      { ...RULE, name: 'second', match },
    ];
    const { exemptions } = configure({ exemptions: { rules } });
    expect(findExemption(exemptions, POD, { check: 'pod-automount', now: 0 })?.name).toBe('first');
  });
});
