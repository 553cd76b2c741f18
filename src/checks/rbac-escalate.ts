import { Type } from 'typebox';
import { exampleClusterRole, exampleRole, exampleRule } from '../objects/example-objects.ts';
import { listRights } from '../objects/rbac/grants.ts';
import type { Grant } from '../objects/rbac/products.ts';
import type { Right } from '../objects/rbac/rules.ts';
import { defineCheck } from './define-check.ts';
import type { GrantWords } from './role-grants.ts';
import { judgeGrants, prepareRoleTables, RBAC_GROUP, READS_ROLES, TOLD_BY_OTHERS, tableFor } from './role-grants.ts';

const SIGNERS = 'signers';

/**
 * kubernetes pkg/registry/rbac: `bind` is asked for in the namespace of the binding, for a ClusterRole too; `escalate`
 * where the role is. The CertificateApproval plugin asks for `approve` on the signer; without it update on
 * certificatesigningrequests/approval approves nothing, so that half says nothing about whose certificates they are.
 */
const TABLES = prepareRoleTables([
  { verb: 'bind', group: RBAC_GROUP, resource: 'roles' },
  { verb: 'bind', group: RBAC_GROUP, resource: 'clusterroles' },
  { verb: 'escalate', group: RBAC_GROUP, resource: 'roles' },
  { verb: 'escalate', group: RBAC_GROUP, resource: 'clusterroles', isClusterScoped: true },
  { verb: 'approve', group: 'certificates.k8s.io', resource: SIGNERS, isClusterScoped: true },
]);

const BINDS: GrantWords = {
  reason: 'binds roles whose rights it lacks',
  because: ': its holder may give itself every right of those roles; harmless roles by name are wanted',
  fix: `nobody needs bind for roles whose rights they hold; name the others: {apiGroups: ["${RBAC_GROUP}"], resources: ["clusterroles"], resourceNames: ["view"], verbs: ["bind"]}`,
  shortFix: 'name harmless roles in resourceNames',
};
const ESCALATES: GrantWords = {
  reason: 'writes rights it lacks into roles',
  because:
    ': its holder may write every right into a role, its own among them, so names limit nothing; no escalate is wanted',
  fix: 'drop escalate: roles may be written without it, with the rights that the writer holds',
  shortFix: 'drop escalate',
};
const APPROVES: GrantWords = {
  reason: 'approves certificates of users',
  because:
    ": its holder gets client certificates for other users from the cluster's own signers; signers of your own are wanted",
  fix: 'name the signer: {apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["example.com/my-signer"], verbs: ["approve"]}',
  shortFix: 'name your own signer in resourceNames',
};

export default defineCheck({
  id: 'rbac-escalate',
  since: '0.1',
  levels: { baseline: {}, restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: READS_ROLES,
  needs: [],
  title: 'Roles and ClusterRoles that allow bind or escalate on roles, or approve on certificate signers',
  why: `The API server lets people grant only what they hold themselves. bind and escalate switch that off, so their holder
is one step from every right in reach, tokens first. approve on the cluster's own signers makes client certificates in
other names, which cannot be revoked. bind limited to the names of harmless roles, and approve for signers of your own
domain, are allowed; bind for cluster-admin is not.`,
  fix: () => 'drop bind and escalate, or name the roles that may be bound: resourceNames: ["view"]',
  shortFix: () => 'drop bind and escalate, or name harmless roles',
  evaluate(subject) {
    const list = listRights(tableFor(subject, TABLES), isDangerous);
    return judgeGrants(subject, { list, wordsOf: wordsOfVerb, toldBy: TOLD_BY_OTHERS });
  },
  examples: [
    {
      title: 'Binding any role',
      level: 'baseline',
      subject: {
        object: exampleRole(
          exampleRule(['rbac.authorization.k8s.io'], ['rolebindings'], { verbs: ['create'] }),
          exampleRule(['rbac.authorization.k8s.io'], ['roles', 'clusterroles'], { verbs: ['bind'] }),
        ),
      },
      expect: ['bind roles.rbac.authorization.k8s.io', 'bind clusterroles.rbac.authorization.k8s.io'],
    },
    {
      title: 'Every verb on ClusterRoles: bind and escalate are among them',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(exampleRule(['rbac.authorization.k8s.io'], ['clusterroles'], { verbs: ['*'] })),
      },
      expect: ['bind clusterroles.rbac.authorization.k8s.io', 'escalate clusterroles.rbac.authorization.k8s.io'],
    },
    {
      title: 'Binding cluster-admin by name',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['rbac.authorization.k8s.io'], ['clusterroles'], {
            verbs: ['bind'],
            names: ['view', 'cluster-admin'],
          }),
        ),
      },
      expect: ['bind clusterroles.rbac.authorization.k8s.io named cluster-admin'],
    },
    {
      title: "Approving client certificates of the cluster's own signer",
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['certificates.k8s.io'], ['certificatesigningrequests/approval'], { verbs: ['update'] }),
          exampleRule(['certificates.k8s.io'], ['signers'], {
            verbs: ['approve'],
            names: ['kubernetes.io/kube-apiserver-client'],
          }),
        ),
      },
      expect: ['approve signers.certificates.k8s.io named kubernetes.io/kube-apiserver-client'],
    },
    {
      title: 'Binding one harmless role by name',
      level: 'restricted',
      subject: {
        object: exampleRole(
          exampleRule(['rbac.authorization.k8s.io'], ['clusterroles'], { verbs: ['bind'], names: ['view'] }),
        ),
      },
      expect: 'allowed',
    },
    {
      title: 'Approving certificates of a signer of your own',
      level: 'baseline',
      subject: {
        object: exampleClusterRole(
          exampleRule(['certificates.k8s.io'], ['certificatesigningrequests/approval'], { verbs: ['update'] }),
          exampleRule(['certificates.k8s.io'], ['signers'], { verbs: ['approve'], names: ['example.com/*'] }),
        ),
      },
      expect: 'allowed',
    },
    {
      title: 'Writing roles and bindings, with the rights that the writer holds',
      level: 'restricted',
      subject: {
        object: exampleRole(
          exampleRule(['rbac.authorization.k8s.io'], ['roles', 'rolebindings'], { verbs: ['create', 'update'] }),
        ),
      },
      expect: 'allowed',
    },
  ],
});

function wordsOfVerb({ verb }: Grant): GrantWords {
  if (verb === 'bind') return BINDS;
  return verb === 'escalate' ? ESCALATES : APPROVES;
}

/** Names that limit nothing: any role one may escalate, the role with every right, the signers of the cluster itself. */
function isDangerous({ verb, resource }: Right, name: string): boolean {
  if (resource === SIGNERS) return name.startsWith('kubernetes.io/');
  return verb === 'escalate' || name === 'cluster-admin';
}
