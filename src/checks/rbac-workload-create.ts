import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule } from '../objects/example-objects.ts';
import { POD, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import { listRights } from '../objects/rbac/grants.ts';
import { prepareRights } from '../objects/rbac/rules.ts';
import { defineCheck } from './define-check.ts';
import { isRole, judgeGrants, READS_ROLES, TOLD_BY_OTHERS } from './role-grants.ts';

/**
 * A pod or a template names its service account, and no right on that account is asked for. The image of a running pod
 * may be changed, so update and patch of pods give another program the pod's token.
 */
const RIGHTS = prepareRights(
  [POD, ...TEMPLATE_KINDS].flatMap(({ group, resource }) =>
    ['create', 'update', 'patch'].map((verb) => ({ verb, group, resource })),
  ),
);

export default defineCheck({
  id: 'rbac-workload-create',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles that allow create, update or patch on pods or workloads',
  why: `Whoever writes a pod, or a workload whose controller makes pods, chooses the service account it runs as, and no
right on that account is needed: in effect such a role holds the rights of every service account of the namespace.
Limiting it to the names of workloads helps little, since the account in the template may be changed. People who
deploy need this right, in a namespace whose accounts they may use; controllers and readers seldom do.`,
  fix: () =>
    'drop create, update and patch; to scale, grant {apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"]}',
  shortFix: () => 'drop create, update and patch',
  evaluate(subject) {
    const where = isRole(subject) ? 'of the namespace' : 'of every namespace it is bound in';
    const words = {
      reason: 'runs pods as any service account',
      because: `: whoever writes them can run a pod as any service account ${where}; get, list and watch are wanted`,
    };
    const list = listRights(RIGHTS, () => true);
    return judgeGrants(subject, { list, wordsOf: () => words, toldBy: TOLD_BY_OTHERS });
  },
  examples: [
    {
      title: 'Making pods',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['pods'], { verbs: ['get', 'create'] })) },
      expect: ['create pods'],
    },
    {
      title: 'Patching one Deployment by name: its template may name another account',
      level: 'restricted',
      subject: {
        object: exampleRole(exampleRule(['apps'], ['deployments'], { verbs: ['get', 'patch'], names: ['web'] })),
      },
      expect: ['patch deployments.apps named web'],
    },
    {
      title: 'Writing the workloads of two API groups',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(exampleRule(['apps', 'batch'], ['daemonsets', 'jobs'], { verbs: ['create'] })),
      },
      expect: ['create daemonsets.apps', 'create jobs.batch'],
    },
    {
      title: 'An old role that stays as it is: nothing is added, so it is only warned about',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        oldObject: exampleRole(exampleRule([''], ['pods'], { verbs: ['create'] })),
        object: exampleRole(exampleRule([''], ['pods'], { verbs: ['create'] })),
      },
      expect: ['create pods'],
    },
    {
      title: 'Reading workloads',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule(['apps'], ['deployments'], { verbs: ['get', 'list', 'watch'] })) },
      expect: 'allowed',
    },
    {
      title: 'Scaling workloads',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule(['apps'], ['deployments/scale'], { verbs: ['update', 'patch'] })) },
      expect: 'allowed',
    },
    {
      title: 'Deleting pods, as kubectl rollout and drain need it',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['pods'], { verbs: ['delete'] })) },
      expect: 'allowed',
    },
  ],
});
