import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule } from '../objects/example-objects.ts';
import { listRights } from '../objects/rbac/grants.ts';
import type { Grant } from '../objects/rbac/products.ts';
import { prepareRights } from '../objects/rbac/rules.ts';
import { defineCheck } from './define-check.ts';
import { judgeGrants, READS_ROLES, TOLD_BY_OTHERS } from './role-grants.ts';

/** Before Kubernetes 1.35 a websocket is opened with `get` alone (kubernetes issues 78741 and 133515). */
export const RIGHTS = prepareRights([
  ...['pods/exec', 'pods/attach'].flatMap((resource) =>
    ['create', 'get'].map((verb) => ({ verb, group: '', resource })),
  ),
  ...['update', 'patch'].map((verb) => ({ verb, group: '', resource: 'pods/ephemeralcontainers' })),
]);

export const ENTERS = {
  reason: 'enters running containers',
  because: ': its holder reads the tokens mounted there; get on pods/log, and get, list, watch on pods, are wanted',
};

export const DEBUGS = {
  reason: 'adds containers to running pods',
  because: ": a debug container may mount the pod's token; get on pods/log, and get, list, watch on pods, are wanted",
};

export default defineCheck({
  id: 'rbac-pod-exec',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles that allow exec or attach on pods, or adding debug containers to them',
  why: `Whoever runs a command in a container can read the token mounted there and then acts as that pod, from anywhere. A
debug container can mount the same volumes. get on pods/exec is the same right by another name: before Kubernetes 1.35
a websocket needs no more. Names of pods limit it, but a pod named is still a token read.`,
  fix: () =>
    'grant what shows a pod from outside: {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]} and {apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"]}',
  shortFix: () => 'grant pods/log instead',
  evaluate(subject) {
    const list = listRights(RIGHTS, () => true);
    const wordsOf = ({ resource }: Grant) => (resource === 'pods/ephemeralcontainers' ? DEBUGS : ENTERS);
    return judgeGrants(subject, { list, wordsOf, toldBy: TOLD_BY_OTHERS });
  },
  examples: [
    {
      title: 'kubectl exec',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['pods', 'pods/exec'], { verbs: ['get', 'create'] })) },
      expect: ['create pods/exec', 'get pods/exec'],
    },
    {
      title: 'kubectl debug',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['pods/ephemeralcontainers'], { verbs: ['patch'] })) },
      expect: ['patch pods/ephemeralcontainers'],
    },
    {
      title: 'kubectl attach to one pod by name, everywhere',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(exampleRule([''], ['pods/attach'], { verbs: ['create'], names: ['db-0'] })),
      },
      expect: ['create pods/attach named db-0'],
    },
    {
      title: 'Reading logs and pods',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['pods', 'pods/log'], { verbs: ['get', 'list'] })) },
      expect: 'allowed',
    },
    {
      title: 'kubectl port-forward, which runs nothing in a container',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['pods/portforward'], { verbs: ['create'] })) },
      expect: 'allowed',
    },
  ],
});
