import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule, withMetadata } from '../objects/example-objects.ts';
import { listRights } from '../objects/rbac/grants.ts';
import { prepareRights } from '../objects/rbac/rules.ts';
import { defineCheck } from './define-check.ts';
import { isRole, judgeGrants, READS_ROLES, TOLD_BY_OTHERS } from './role-grants.ts';

/** All three return what the Secrets hold; list does so even where get is not granted. */
export const RIGHTS = prepareRights(['get', 'list', 'watch'].map((verb) => ({ verb, group: '', resource: 'secrets' })));

export default defineCheck({
  id: 'rbac-secret-read',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles that allow get, list or watch on Secrets without `resourceNames`',
  why: `Whoever reads every Secret of a namespace holds every token and password kept in it. list and watch return the
contents as get does. Most programs need two or three Secrets whose names are known, and a Secret that is mounted or
used in env needs no right at all: the kubelet reads it. list and watch may be limited to names too; then only a
request with fieldSelector metadata.name is allowed.`,
  fix: () =>
    'mount the Secrets, or name them: {apiGroups: [""], resources: ["secrets"], resourceNames: ["NAME"], verbs: ["get"]}',
  shortFix: () => 'name the Secrets in resourceNames',
  evaluate(subject) {
    const where = isRole(subject) ? 'of the namespace' : 'of every namespace it is bound in';
    const words = {
      reason: 'reads every Secret',
      because: `: that is every Secret ${where}, and every token kept in one; name the Secrets in resourceNames`,
    };
    // A grant limited to names is what is asked for.
    const list = listRights(RIGHTS, () => false);
    return judgeGrants(subject, { list, wordsOf: () => words, toldBy: TOLD_BY_OTHERS });
  },
  examples: [
    {
      title: 'Reading all Secrets of a namespace',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['secrets'], { verbs: ['get', 'list', 'watch'] })) },
      expect: ['get secrets', 'list secrets', 'watch secrets'],
    },
    {
      title: 'Every verb on Secrets, beside other rules',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(
          exampleRule([''], ['configmaps'], { verbs: ['get'] }),
          exampleRule([''], ['secrets', 'services'], { verbs: ['*'] }),
        ),
      },
      expect: ['get secrets', 'list secrets', 'watch secrets'],
    },
    {
      title: 'An empty name, which every list has: the names after it limit nothing',
      level: 'restricted',
      subject: {
        object: exampleRole(exampleRule([''], ['secrets'], { verbs: ['get', 'list'], names: ['', 'database'] })),
      },
      expect: ['list secrets'],
    },
    {
      title: 'A right that is added to an old role',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleRole(exampleRule([''], ['secrets'], { verbs: ['get'] })),
        object: exampleRole(exampleRule([''], ['secrets'], { verbs: ['get', 'list'] })),
      },
      expect: ['get secrets', 'list secrets'],
    },
    {
      title: 'An old role that is added to another one by a label: everyone who may view may read Secrets then',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleClusterRole(exampleRule([''], ['secrets'], { verbs: ['list'] })),
        object: withMetadata(exampleClusterRole(exampleRule([''], ['secrets'], { verbs: ['list'] })), {
          labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
        }),
      },
      expect: ['list secrets', 'label rbac.authorization.k8s.io/aggregate-to-view'],
    },
    {
      title: 'One Secret by name',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['secrets'], { verbs: ['get'], names: ['database'] })) },
      expect: 'allowed',
    },
    {
      title: 'Watching one Secret by name',
      level: 'restricted',
      subject: {
        object: exampleRole(exampleRule([''], ['secrets'], { verbs: ['list', 'watch'], names: ['database'] })),
      },
      expect: 'allowed',
    },
    {
      title: 'Writing Secrets without reading them',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['secrets'], { verbs: ['create'] })) },
      expect: 'allowed',
    },
  ],
});
