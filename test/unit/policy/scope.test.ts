import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import type { Caller, Subject } from '../../../src/objects/subject.ts';
import { isLeftAlone, scopeOf } from '../../../src/policy/scope.ts';
import { configure } from '../judging.ts';
import { admittedPod, deployment, JANE, subjectOf, tokenSecret } from '../subjects.ts';

const OWN = 'curfew-system';
const NOTHING = { ceiling: 'off', mayMutate: false, mayInject: false, isDryRun: false };
const ALL = { ceiling: 'enforce', mayMutate: true, mayInject: true, isDryRun: false };
const scope = (subject: Subject, keys: JsonObject = {}) => scopeOf(configure(keys), subject, OWN);
const as = (username: string, ...groups: readonly string[]): Caller => ({ username, groups });
const nobody = ({ caller: _caller, ...subject }: Subject): Subject => subject;

const pod = (more: Partial<Subject> = {}, metadata: JsonObject = {}) =>
  subjectOf('pods', admittedPod(['a'], metadata), more);
const role = (more: Partial<Subject> = {}) => subjectOf('roles.rbac.authorization.k8s.io', { kind: 'Role' }, more);
const request = (spec: JsonObject | undefined, more: Partial<Subject> = {}) =>
  subjectOf('serviceaccounts', spec === undefined ? {} : { spec }, {
    resource: { group: '', name: 'serviceaccounts', subresource: 'token' },
    ...more,
  });

describe('Whoever and whatever is skipped', () => {
  it.each<[string, Subject]>([
    ['our own namespace', pod({ namespace: OWN })],
    ['leases of nodes', pod({ namespace: 'kube-node-lease' })],
    ['public facts', pod({ namespace: 'kube-public' })],
    ['an excluded namespace', pod({ namespace: 'excluded' })],
    ['a namespace of an excluded set', pod({ namespace: 'gke-system' })],
    ['a node', pod({ caller: as('system:node:a', 'system:authenticated', 'system:nodes') })],
    ['a mirror pod', pod({}, { annotations: { 'kubernetes.io/config.mirror': '' } })],
    ['a role of the API server', role({ caller: as('system:apiserver') })],
    [
      'a role that is aggregated',
      role({ caller: as('system:serviceaccount:kube-system:clusterrole-aggregation-controller') }),
    ],
    ['a role that is aggregated without accounts of its own', role({ caller: as('system:kube-controller-manager') })],
    ['a token for the controller manager', request({}, { caller: as('system:kube-controller-manager') })],
    ['a token for the cloud’s', request({}, { caller: as('system:cloud-controller-manager') })],
    ['a token for the API server', request({}, { caller: as('system:apiserver') })],
    ['a token for a controller', request({}, { caller: as('system:serviceaccount:kube-system:job-controller') })],
    ['a token for a webhook', request({ boundObjectRef: { kind: 'ValidatingWebhookConfiguration' } })],
    ['a token for a mutating webhook', nobody(request({ boundObjectRef: { kind: 'MutatingWebhookConfiguration' } }))],
  ])('is %s', (_what, subject) => {
    const keys = { excludedNamespaces: ['excluded'], excludedNamespaceSets: ['gke'] };
    expect(scope(subject, keys)).toEqual(NOTHING);
  });

  it.each<[string, Subject]>([
    ['a person', pod({ caller: JANE })],
    ['nobody, as on a laptop', nobody(pod())],
    ['a group with a name like that of nodes', pod({ caller: as('jane', 'system:nodes:a') })],
    ['a mirror pod of another key', pod({}, { annotations: { 'kubernetes.io/config.source': 'api' } })],
    ['a role of a person', role({ caller: JANE })],
    ['a role of nobody', nobody(role())],
    ['a role of another controller', role({ caller: as('system:serviceaccount:kube-system:job-controller') })],
    ['a pod of the API server', pod({ caller: as('system:apiserver') })],
    ['a token for a person', request({}, { caller: JANE })],
    ['a token for nobody', nobody(request(undefined))],
    ['a token for an account elsewhere', request({}, { caller: as('system:serviceaccount:shop:kube-system:') })],
    ['a token bound to a pod', request({ boundObjectRef: { kind: 'Pod' } }, { caller: JANE })],
    ['a pod of a controller of tokens', pod({ caller: as('system:serviceaccount:kube-system:job-controller') })],
    [
      'a resource called roles in another group',
      subjectOf('roles.example.com', {}, { caller: as('system:apiserver') }),
    ],
  ])('is not %s', (_what, subject) => {
    expect(scope(subject)).toEqual(ALL);
  });

  it('is no namespace without a name, where Curfew has none', () => {
    expect(isLeftAlone(configure(), '', '')).toBe(false);
    expect(isLeftAlone(configure(), 'shop', 'shop')).toBe(true);
  });
});

describe('kube-system', () => {
  const there = { namespace: 'kube-system' };
  const bootstrap = tokenSecret({}, { type: 'bootstrap.kubernetes.io/token' });
  const WARNED = { ceiling: 'warn', mayMutate: false, mayInject: false, isDryRun: false };

  it.each<[string, Subject]>([
    ['a pod', pod(there)],
    ['a token Secret', subjectOf('secrets', tokenSecret(), there)],
    ['a Secret of no type', subjectOf('secrets', {}, there)],
    ['a resource of the same name', subjectOf('secrets.example.com', bootstrap, there)],
    ['something else of the type', subjectOf('configmaps', bootstrap, there)],
  ])('has %s warned about and nothing more', (_what, subject) => {
    expect(scope(subject)).toEqual(WARNED);
    expect(scope(subject, { dryRun: true })).toEqual(WARNED);
  });

  it('has its bootstrap tokens judged', () => {
    expect(scope(subjectOf('secrets', bootstrap, there))).toEqual({ ...WARNED, ceiling: 'enforce' });
  });
});

describe('What controllers write', () => {
  const AUDITED = { ...ALL, ceiling: 'audit' };
  const owned = (owner: JsonObject) => deployment({}, { ownerReferences: [owner] });
  const OWNER = { kind: 'Deployment', name: 'web', controller: true };
  const DEPLOYMENTS = as('system:serviceaccount:kube-system:deployment-controller');
  const CRONJOBS = as('system:serviceaccount:kube-system:cronjob-controller');
  const MANAGER = as('system:kube-controller-manager');
  const keys = { enforceTemplates: true };

  it.each<[string, Caller]>([
    ['replicasets.apps', DEPLOYMENTS],
    ['replicasets.apps', MANAGER],
    ['jobs.batch', CRONJOBS],
    ['jobs.batch', MANAGER],
  ])('%s of %j is audited, since its author was told', (resource, caller) => {
    expect(scope(subjectOf(resource, owned(OWNER), { caller }), keys)).toEqual(AUDITED);
    const inSystem = subjectOf(resource, owned(OWNER), { caller, namespace: 'kube-system' });
    expect(scope(inSystem, keys)).toEqual({ ...AUDITED, mayMutate: false, mayInject: false });
  });

  it.each<[string, Subject]>([
    ['by somebody else', subjectOf('replicasets.apps', owned(OWNER), { caller: JANE })],
    ['by nobody', nobody(subjectOf('replicasets.apps', owned(OWNER)))],
    ['and is a Deployment', subjectOf('deployments.apps', owned(OWNER), { caller: DEPLOYMENTS })],
    ['without an owner', subjectOf('replicasets.apps', deployment(), { caller: DEPLOYMENTS })],
    [
      'owned, not controlled',
      subjectOf('replicasets.apps', owned({ ...OWNER, controller: false }), { caller: DEPLOYMENTS }),
    ],
    ['by an owner of no kind', subjectOf('replicasets.apps', owned({ controller: true }), { caller: DEPLOYMENTS })],
    [
      'by an owner that is none',
      subjectOf('jobs.batch', deployment({}, { ownerReferences: ['x', null] }), { caller: CRONJOBS }),
    ],
  ])('is judged as any other template where it is written %s', (_how, subject) => {
    expect(scope(subject, keys)).toEqual(ALL);
    expect(scope(subject)).toEqual({ ...ALL, ceiling: 'warn' });
  });

  const ACCOUNTS = as('system:serviceaccount:kube-system:service-account-controller');
  const plain = { kind: 'ServiceAccount', metadata: { name: 'default' } };
  const made = (more: Partial<Subject> = {}, object: JsonObject = plain) =>
    subjectOf('serviceaccounts', object, { name: 'default', caller: ACCOUNTS, ...more });

  it.each<[string, Subject]>([
    ['by its controller', made()],
    ['by the controller manager', made({ caller: MANAGER })],
    ['under a name that stands in the object alone', made({ name: '' })],
    ['under a name that stands in the request alone', made({}, { kind: 'ServiceAccount' })],
  ])('is audited where it is the account default, made %s', (_how, subject) => {
    expect(scope(subject)).toEqual(AUDITED);
  });

  it.each<[string, Subject]>([
    ['made by a person', made({ caller: JANE })],
    ['made by nobody', nobody(made())],
    ['updated', made({ operation: 'UPDATE' })],
    ['of another name', made({ name: 'web' }, { metadata: { name: 'web' } })],
    ['of another group', made({ resource: { group: 'example.com', name: 'serviceaccounts', subresource: '' } })],
    ['of another resource', made({ resource: { group: '', name: 'configmaps', subresource: '' } })],
    ['of a subresource', made({ resource: { group: '', name: 'serviceaccounts', subresource: 'x' } })],
  ])('is judged as any other account where it is %s', (_how, subject) => {
    expect(scope(subject)).toEqual(ALL);
  });
});

describe('A dry run', () => {
  it('denies and patches nothing, and injects what was asked for', () => {
    expect(scope(pod(), { dryRun: true })).toEqual({
      ceiling: 'enforce',
      mayMutate: false,
      mayInject: true,
      isDryRun: true,
    });
    expect(scope(pod(), { dryRun: true, dryRunInjection: true })).toEqual({
      ceiling: 'enforce',
      mayMutate: false,
      mayInject: false,
      isDryRun: true,
    });
    expect(scope(pod(), { dryRunInjection: true })).toEqual(ALL);
  });
});
