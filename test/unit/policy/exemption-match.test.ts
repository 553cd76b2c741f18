import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Subject } from '../../../src/objects/subject.ts';
import {
  type Exemption,
  type ExemptionMatch,
  findExemption,
  formatEnding,
  isNarrow,
} from '../../../src/policy/exemption.ts';
import { admittedPod, subjectOf, tokenSecret } from '../subjects.ts';

const EXEMPTION = {
  name: 'one',
  checks: undefined,
  reason: 'a reason',
  owner: 'team-a',
  ticket: undefined,
  lastDay: undefined,
  end: Infinity,
} satisfies Partial<Exemption>;

function isExempt(match: ExemptionMatch, subject: Subject): boolean {
  return findExemption([{ ...EXEMPTION, match }], subject, { check: 'any', now: 0 }) !== undefined;
}

const nobody = ({ caller: _caller, ...subject }: Subject): Subject => subject;
const binding = (...subjects: readonly JsonObject[]) =>
  subjectOf('rolebindings.rbac.authorization.k8s.io', { kind: 'RoleBinding', subjects });

describe('An exemption of service accounts', () => {
  const match = { serviceAccounts: ['shop/w*'] };
  const WEB = { kind: 'ServiceAccount', name: 'web', namespace: 'shop' };

  it.each<[string, Subject]>([
    ['its binding', binding(WEB)],
    ['a binding in its own namespace', binding({ kind: 'ServiceAccount', name: 'web' })],
    ['a binding of two of them', binding(WEB, { ...WEB, name: 'work' })],
    ['its pod', subjectOf('pods', admittedPod())],
  ])('is for %s', (_what, subject) => {
    expect(isExempt(match, subject)).toBe(true);
  });

  it.each<[string, Subject]>([
    ['a user of the same name', binding({ ...WEB, kind: 'User' })],
    ['a group of the same name', binding({ ...WEB, kind: 'Group' })],
    ['one without a name', binding({ kind: 'ServiceAccount', namespace: 'shop' })],
    ['one beside somebody else', binding(WEB, { kind: 'User', name: 'jane' })],
    ['one beside another account', binding(WEB, { ...WEB, namespace: 'ci' })],
    ['nobody', binding()],
    ['a Secret that is no token', subjectOf('secrets', { type: 'Opaque' })],
    ['a token Secret of nobody', subjectOf('secrets', tokenSecret({ 'kubernetes.io/service-account.name': null }))],
  ])('is not for %s', (_what, subject) => {
    expect(isExempt({ serviceAccounts: ['shop/w*', 'shop/undefined', 'undefined', 'S*'] }, subject)).toBe(false);
  });
});

describe('An exemption of a kind', () => {
  it('is for its own resource, and not for another one of its group', () => {
    const match = { kinds: ['ConfigMap'], namespaces: ['shop'] };
    expect(isExempt(match, subjectOf('configmaps', {}))).toBe(true);
    expect(isExempt(match, subjectOf('secrets', {}))).toBe(false);
    expect(isExempt({ kinds: ['NoSuchKind'], namespaces: ['shop'] }, subjectOf('secrets', {}))).toBe(false);
  });
});

describe('An exemption of callers', () => {
  it('is not for nobody', () => {
    const pod = subjectOf('pods', admittedPod());
    expect(isExempt({ groups: ['system:authenticated'] }, pod)).toBe(true);
    expect(isExempt({ groups: ['system:authenticated'] }, nobody(pod))).toBe(false);
    expect(isExempt({ users: ['jane'] }, pod)).toBe(true);
    expect(isExempt({ users: ['*'] }, nobody(pod))).toBe(false);
  });
});

describe('An exemption of names', () => {
  it('knows the start of a name that is still to be made, and no name where there is none', () => {
    const unnamed = (metadata: JsonObject) => subjectOf('pods', { metadata }, { name: '' });
    expect(isExempt({ names: ['web-*'] }, unnamed({ generateName: 'web-' }))).toBe(true);
    expect(isExempt({ names: ['?*'] }, unnamed({}))).toBe(false);
  });
});

describe('What is wide', () => {
  it.each<[ExemptionMatch, boolean]>([
    [{ groups: ['system:serviceaccounts:a*'] }, true],
    [{ groups: ['system:serviceaccounts:kube-system'] }, true],
    [{ groups: ['system:serviceaccounts:*'] }, false],
    [{ serviceAccounts: ['*/?*'] }, false],
    [{ serviceAccounts: ['*/*?'] }, false],
    [{ serviceAccounts: ['?*/*'] }, false],
    [{ serviceAccounts: ['*/a*'] }, true],
    [{ serviceAccounts: ['*/*a'] }, true],
    [{ names: ['*a'] }, true],
  ])('%j is narrow: %s', (match, narrow) => {
    expect(isNarrow(match)).toBe(narrow);
  });
});

describe('The warning of an end', () => {
  const ending = (owner: string) =>
    formatEnding({ ...EXEMPTION, match: {}, lastDay: '2027-03-01', owner, end: Infinity });
  const START = 'curfew: exemption one ends on 2027-03-01; its owner is ';

  it('is one line of 120 characters at most', () => {
    const fits = 'o'.repeat(120 - START.length);
    expect(ending(fits)).toBe(`${START}${fits}`);
    expect(ending(`${fits}o`)).toBe(`${START}${fits.slice(1)}…`);
  });
});
