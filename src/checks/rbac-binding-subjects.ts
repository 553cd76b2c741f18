import { Type } from 'typebox';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { Reads } from '../objects/rule-context.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';
import { RBAC_GROUP } from './role-grants.ts';

const READS: readonly Reads[] = ['rolebindings', 'clusterrolebindings'].map((resource) => ({
  group: RBAC_GROUP,
  resource,
  operations: ['CREATE', 'UPDATE'],
}));

/** Who is in a group that nobody is put into. */
export const EVERYBODY: ReadonlyMap<string, string> = new Map([
  ['Group system:authenticated', 'everybody with a certificate or token, every service account among them'],
  ['Group system:unauthenticated', 'everybody who reaches the API server, without any token'],
  ['User system:anonymous', 'everybody who reaches the API server, without any token'],
  ['Group system:serviceaccounts', 'every service account of every namespace, those made later too'],
]);
export const ACCOUNTS_OF = 'system:serviceaccounts:';
/** The user name of a service account; a subject of kind User with it is the account (KEP-1205, SplitUsername). */
export const ACCOUNT_USER = 'system:serviceaccount:';
export const ADMIN = 'cluster-admin';

export default defineCheck({
  id: 'rbac-binding-subjects',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS,
  needs: [],
  title: 'bindings of cluster-admin to a service account, or of any role to everybody or to all service accounts',
  why: `A token of a service account with cluster-admin is the whole cluster for whoever reads it, and tokens lie in pods,
pipelines and logs. A role for system:serviceaccounts, or for a namespace's part of it, goes to every account, also to
default ones whose token every pod holds, and to those made next year. system:authenticated holds all of them and all
people; system:unauthenticated holds everybody who reaches the API server.`,
  fix: (subject) =>
    `bind the role to the accounts that need it, by name: subjects: [{kind: ServiceAccount, name: NAME, namespace: ${nameForCommand(subject.namespace, 'NAMESPACE')}}]`,
  shortFix: () => 'bind it to the accounts that need it, by name',
  evaluate(subject) {
    const findings = new Map<string, Finding>();
    for (const [index, entry] of asArray(member(subject.object, 'subjects')).entries()) {
      const finding = judgeSubject(subject, entry, index);
      if (finding !== undefined && !findings.has(finding.key)) findings.set(finding.key, finding);
    }
    return [...findings.values()];
  },
  examples: [
    {
      title: 'cluster-admin for the service account of a pipeline',
      level: 'baseline',
      subject: { object: exampleBinding('ClusterRoleBinding', ADMIN, [account('ci')]) },
      expect: ['ServiceAccount ci/ci'],
    },
    {
      title: 'cluster-admin within one namespace, by the user name of a service account',
      level: 'baseline',
      subject: {
        object: exampleBinding('RoleBinding', ADMIN, [principal('User', 'system:serviceaccount:shop:web')]),
      },
      expect: ['ServiceAccount shop/web'],
    },
    {
      title: 'A role for everybody who has a token',
      level: 'baseline',
      subject: { object: exampleBinding('ClusterRoleBinding', 'view', [principal('Group', 'system:authenticated')]) },
      expect: ['Group system:authenticated'],
    },
    {
      title: 'A role for every service account of a namespace, and for everybody at all',
      level: 'baseline',
      subject: {
        object: exampleBinding('RoleBinding', 'view', [
          principal('Group', 'system:serviceaccounts:shop'),
          principal('Group', 'system:unauthenticated'),
          principal('User', 'jane'),
        ]),
      },
      expect: ['Group system:serviceaccounts:shop', 'Group system:unauthenticated'],
    },
    {
      title: 'A service account that is added to an old binding of cluster-admin',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleBinding('ClusterRoleBinding', ADMIN, [account('ci')]),
        object: exampleBinding('ClusterRoleBinding', ADMIN, [account('deploy'), account('ci')]),
      },
      expect: ['ServiceAccount ci/ci', 'ServiceAccount ci/deploy'],
    },
    {
      title: 'cluster-admin for people',
      level: 'restricted',
      subject: { object: exampleBinding('ClusterRoleBinding', ADMIN, [principal('Group', 'platform-team')]) },
      expect: 'allowed',
    },
    {
      title: 'An ordinary role for one service account',
      level: 'restricted',
      subject: { object: exampleBinding('RoleBinding', 'view', [account('ci')]) },
      expect: 'allowed',
    },
    {
      title: 'A binding without subjects',
      level: 'restricted',
      subject: { object: exampleBinding('RoleBinding', 'view', []) },
      expect: 'allowed',
    },
  ],
});

function judgeSubject(subject: Subject, entry: JsonValue, index: number): Finding | undefined {
  const kind = asString(member(entry, 'kind')) ?? '';
  const name = asString(member(entry, 'name')) ?? '';
  const path = `/subjects/${index}`;
  const role = valueAt(subject.object, ['roleRef', 'name']);
  const words = `${asString(valueAt(subject.object, ['roleRef', 'kind'])) ?? 'role'} ${quote(asString(role) ?? '')}`;

  const everybody = describeEverybody(kind, name);
  if (everybody !== undefined) {
    return {
      path,
      key: `${kind} ${name}`,
      reason: 'a role for everybody',
      detail: `subjects[${index}] gives ${words} to ${kind} ${quote(name)}, which is ${everybody}; name those who need it.`,
    };
  }
  const identity = accountOf(entry, subject.namespace);
  if (identity === undefined || role !== ADMIN || valueAt(subject.object, ['roleRef', 'kind']) !== 'ClusterRole')
    return undefined;
  const where = subject.namespace === '' ? 'in the cluster' : 'in the namespace';
  return {
    path,
    key: `ServiceAccount ${identity}`,
    reason: 'cluster-admin for a service account',
    detail: `subjects[${index}] gives cluster-admin to service account ${quote(identity)}, so that its token may do everything ${where}; a role that lists what it needs is wanted.`,
    fix: 'write a ClusterRole of the rules it needs and bind that: roleRef cannot be changed, so delete this binding and create another',
    shortFix: 'bind a role of the rules it needs',
  };
}

function describeEverybody(kind: string, name: string): string | undefined {
  if (kind === 'Group' && name.startsWith(ACCOUNTS_OF) && name !== ACCOUNTS_OF)
    return 'every service account of that namespace, those made later too';
  return EVERYBODY.get(`${kind} ${name}`);
}

/** `namespace/name` of the service account that the subject is; a RoleBinding may leave its own namespace out. */
function accountOf(entry: JsonValue, ownNamespace: string): string | undefined {
  const kind = member(entry, 'kind');
  const name = asString(member(entry, 'name')) ?? '';
  if (kind === 'ServiceAccount') return `${asString(member(entry, 'namespace')) || ownNamespace}/${name}`;
  if (kind !== 'User' || !name.startsWith(ACCOUNT_USER)) return undefined;
  return name.slice(ACCOUNT_USER.length).replace(':', '/');
}

function account(name: string): JsonObject {
  return { kind: 'ServiceAccount', name, namespace: 'ci' };
}

function principal(kind: 'User' | 'Group', name: string): JsonObject {
  return { kind, name, apiGroup: RBAC_GROUP };
}

function exampleBinding(kind: string, role: string, subjects: readonly JsonObject[]): JsonObject {
  const metadata = kind === 'RoleBinding' ? { name: 'web', namespace: 'shop' } : { name: 'web' };
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind,
    metadata,
    roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: role },
    subjects,
  };
}
