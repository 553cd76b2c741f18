import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule } from '../objects/example-objects.ts';
import { listRights } from '../objects/rbac/grants.ts';
import { defineCheck } from './define-check.ts';
import { judgeGrants, prepareRoleTables, READS_ROLES, TOLD_BY_OTHERS, tableFor } from './role-grants.ts';

/** The kubelet asks for `get` where a program connects by websocket, `create` where it posts. */
export const TABLES = prepareRoleTables(
  ['get', 'create'].map((verb) => ({ verb, group: '', resource: 'nodes/proxy', isClusterScoped: true })),
);

export const WORDS = {
  reason: 'runs commands in any pod of a node',
  because:
    ': its holder runs commands in every pod of the node, past audit and admission, and get is enough; nodes/metrics, nodes/stats, nodes/log and nodes/pods are wanted',
};

export default defineCheck({
  id: 'rbac-node-proxy',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'ClusterRoles that allow get or create on nodes/proxy',
  why: `nodes/proxy is the whole API of the kubelet. It runs commands in any container of the node, which shows every token
mounted there, and neither the audit log nor an admission webhook sees it. get is enough, because exec by websocket is
a GET request. Monitoring agents ask for it and need less: nodes/metrics, nodes/stats and nodes/log, and since
Kubernetes 1.33 nodes/pods, nodes/healthz and nodes/configz (KEP-2862).`,
  fix: () =>
    'grant what is read instead: {apiGroups: [""], resources: ["nodes/metrics", "nodes/stats", "nodes/log"], verbs: ["get"]}; since Kubernetes 1.33 also nodes/pods, nodes/healthz',
  shortFix: () => 'grant nodes/metrics, nodes/stats or nodes/pods instead',
  evaluate(subject) {
    const list = listRights(tableFor(subject, TABLES), () => true);
    return judgeGrants(subject, { list, wordsOf: () => WORDS, toldBy: TOLD_BY_OTHERS });
  },
  examples: [
    {
      title: 'A monitoring agent with the right that old guides ask for',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(exampleRule([''], ['nodes', 'nodes/metrics', 'nodes/proxy'], { verbs: ['get'] })),
      },
      expect: ['get nodes/proxy'],
    },
    {
      title: 'The proxies of all resources, and of one node by name',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(
          exampleRule([''], ['*/proxy'], { verbs: ['create'] }),
          exampleRule([''], ['nodes/proxy'], { verbs: ['get'], names: ['node-1'] }),
        ),
      },
      expect: ['create nodes/proxy', 'get nodes/proxy named node-1'],
    },
    {
      title: 'What a monitoring agent needs',
      level: 'restricted',
      subject: {
        object: exampleClusterRole(
          exampleRule([''], ['nodes/metrics', 'nodes/stats', 'nodes/log'], { verbs: ['get'] }),
        ),
      },
      expect: 'allowed',
    },
    {
      title: 'A Role: nodes are in no namespace, so it grants nothing',
      level: 'restricted',
      subject: { object: exampleRole(exampleRule([''], ['nodes/proxy'], { verbs: ['get'] })) },
      expect: 'allowed',
    },
  ],
});
