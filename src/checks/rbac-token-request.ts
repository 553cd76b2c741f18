import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule } from '../objects/example-objects.ts';
import { listRights } from '../objects/rbac/grants.ts';
import { prepareRights } from '../objects/rbac/rules.ts';
import { defineCheck } from './define-check.ts';
import { isRole, judgeGrants, READS_ROLES, TOLD_BY_WILDCARD } from './role-grants.ts';

/** A request for a token carries the account's name, so `resourceNames` limits it (KEP-1205). */
export const RIGHTS = prepareRights([{ verb: 'create', group: '', resource: 'serviceaccounts/token' }]);

export default defineCheck({
  id: 'rbac-token-request',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles that allow create on serviceaccounts/token without `resourceNames`',
  why: `This right makes a token for every service account in its reach, for any audience: its holder is all of them at
once. It is also in \`*/token\`, in \`*\`, and in the built-in roles edit and admin. A pipeline or an operator needs it for
accounts whose names are known, and the authorizer compares the names.`,
  fix: () =>
    'name the accounts, which is enough for kubectl create token: {apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["NAME"], verbs: ["create"]}',
  shortFix: () => 'name the accounts in resourceNames',
  evaluate(subject) {
    const where = isRole(subject) ? 'of the namespace' : 'of every namespace it is bound in';
    const words = {
      reason: 'makes tokens for every service account',
      because: `: that is a token for every service account ${where}; name the accounts in resourceNames`,
    };
    // A grant limited to names is what is asked for.
    const list = listRights(RIGHTS, () => false);
    return judgeGrants(subject, { list, wordsOf: () => words, toldBy: TOLD_BY_WILDCARD });
  },
  examples: [
    {
      title: 'Tokens for every account of the namespace',
      level: 'baseline',
      subject: { object: exampleRole(exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'] })) },
      expect: ['create serviceaccounts/token'],
    },
    {
      title: 'The subresource of every resource',
      level: 'baseline',
      subject: { object: exampleClusterRole(exampleRule([''], ['*/token'], { verbs: ['create'] })) },
      expect: ['create serviceaccounts/token'],
    },
    {
      title: 'Everything: tokens are among it',
      level: 'baseline',
      subject: { object: exampleClusterRole(exampleRule(['*'], ['*'], { verbs: ['*'] })) },
      expect: ['create serviceaccounts/token'],
    },
    {
      title: 'Names that are taken away from an old role: now it is every account',
      level: 'baseline',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleRole(exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'], names: ['ci'] })),
        object: exampleRole({ ...exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'] }) }),
      },
      expect: ['create serviceaccounts/token'],
    },
    {
      title: 'Tokens for one account by name',
      level: 'restricted',
      subject: {
        object: exampleRole(exampleRule([''], ['serviceaccounts/token'], { verbs: ['create'], names: ['ci'] })),
      },
      expect: 'allowed',
    },
    {
      title: 'Making service accounts, which makes no token',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['serviceaccounts'], { verbs: ['create'] })) },
      expect: 'allowed',
    },
    {
      title: 'A pattern that the authorizer does not know, and that grants nothing',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['serviceaccounts/*'], { verbs: ['create'] })) },
      expect: 'allowed',
    },
  ],
});
