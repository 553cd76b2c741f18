/**
 * One scene for each way from a right to a token: what somebody may do, whom that leads to, and something close to it that
 * leads nowhere. The unit tests draw the graph of each, the end-to-end test walks it before a real API server.
 */

import type { JsonObject } from '../src/objects/json.ts';
import { RBAC } from './authorizer.ts';

export type Rule = JsonObject;

export type AccessScene = {
  readonly title: string;
  readonly how: string;
  /** A ClusterRole that is bound everywhere, or rules within the namespace. */
  readonly scope: 'namespace' | 'cluster';
  readonly rules: readonly Rule[];
  /** Close to them, and no way to the same goal by the same means. */
  readonly near: readonly Rule[];
  /** Whom one step leads to, in a namespace with accounts `web`, `db` and `default`. */
  readonly goal: 'web' | 'every account of the namespace' | 'every account' | 'cluster-admin';
};

const rule = (groups: string, resources: string, verbs: string, names = ''): Rule => ({
  apiGroups: groups === '' ? [''] : groups.split(','),
  resources: resources.split(','),
  verbs: verbs.split(','),
  ...(names === '' ? {} : { resourceNames: names.split(',') }),
});

const CERTIFICATES = 'certificates.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';
const ROLLOUTS = 'argoproj.io';
const SIGNER = 'kubernetes.io/kube-apiserver-client';
const NAMESPACE = 'every account of the namespace';

/** Of Argo Rollouts, with the little that the scene takes; their controller is the administrator. */
export const ROLLOUTS_KIND: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `rollouts.${ROLLOUTS}` },
  spec: {
    group: ROLLOUTS,
    scope: 'Namespaced',
    names: { kind: 'Rollout', plural: 'rollouts', singular: 'rollout' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** Pod `app` runs as `web` with a token, pod `bare` as `db` without; Secret `old` holds a token of `web`. */
export const ACCESS_SCENES: readonly AccessScene[] = [
  {
    title: 'a token of one account',
    how: 'token-request',
    scope: 'namespace',
    rules: [rule('', 'serviceaccounts/token', 'create', 'web')],
    near: [rule('', 'serviceaccounts/token', 'get'), rule('', 'serviceaccounts', 'create', 'web')],
    goal: 'web',
  },
  {
    title: 'tokens of all accounts',
    how: 'token-request',
    scope: 'namespace',
    rules: [rule('', '*/token', 'create')],
    near: [rule('apps', '*/token', 'create')],
    goal: NAMESPACE,
  },
  {
    title: 'a token Secret by name',
    how: 'secret-read',
    scope: 'namespace',
    rules: [rule('', 'secrets', 'get', 'old')],
    near: [rule('', 'secrets', 'get', 'other')],
    goal: 'web',
  },
  {
    title: 'Secrets that are listed',
    how: 'secret-read',
    scope: 'namespace',
    rules: [rule('', 'secrets', 'list')],
    // The answer holds the token, which is worth nothing then.
    near: [rule('', 'secrets', 'list', 'other'), rule('', 'secrets', 'delete,deletecollection')],
    goal: 'web',
  },
  {
    title: 'a token Secret that is written over to another account',
    how: 'secret-create',
    scope: 'namespace',
    rules: [rule('', 'secrets', 'patch', 'old')],
    near: [rule('', 'secrets', 'update', 'old')],
    goal: NAMESPACE,
  },
  {
    title: 'a token Secret that is made and read',
    how: 'secret-create',
    scope: 'namespace',
    rules: [rule('', 'secrets', 'create'), rule('', 'secrets', 'get', 'fresh')],
    near: [rule('', 'secrets', 'create'), rule('', 'configmaps', 'get', 'fresh')],
    goal: NAMESPACE,
  },
  {
    title: 'a token Secret that is made by server-side apply',
    how: 'secret-create',
    scope: 'namespace',
    rules: [rule('', 'secrets', 'create,patch', 'fresh')],
    near: [rule('', 'secrets', 'create,get', 'fresh')],
    goal: NAMESPACE,
  },
  {
    title: 'a pod',
    how: 'pod-create',
    scope: 'namespace',
    rules: [rule('', 'pods', 'create')],
    near: [rule('', 'pods', 'create', 'app'), rule('', 'pods', 'get,list,delete')],
    goal: NAMESPACE,
  },
  {
    title: 'a Deployment',
    how: 'workload-create',
    scope: 'namespace',
    rules: [rule('apps', 'deployments', 'create')],
    near: [
      rule('apps', 'deployments/scale', 'update,patch'),
      rule('', 'podtemplates', 'create'),
      rule('batch', 'jobs', 'patch'),
    ],
    goal: NAMESPACE,
  },
  {
    title: 'the template of a Deployment',
    how: 'workload-create',
    scope: 'namespace',
    rules: [rule('apps', 'deployments', 'patch', 'web')],
    near: [rule('apps', 'deployments/status', 'patch', 'web')],
    goal: NAMESPACE,
  },
  {
    title: 'a command in a pod',
    how: 'pod-exec',
    scope: 'namespace',
    rules: [rule('', 'pods/exec', 'create', 'app')],
    near: [rule('', 'pods/exec', 'create', 'bare'), rule('', 'pods/log', 'get', 'app')],
    goal: 'web',
  },
  {
    title: 'a debug container with the token of its pod',
    how: 'ephemeral-container',
    scope: 'namespace',
    rules: [rule('', 'pods/ephemeralcontainers', 'patch')],
    near: [rule('', 'pods/ephemeralcontainers', 'get'), rule('', 'pods/ephemeralcontainers', 'patch', 'bare')],
    goal: 'web',
  },
  {
    title: 'another image in a running pod',
    how: 'pod-create',
    scope: 'namespace',
    rules: [rule('', 'pods', 'patch', 'app')],
    near: [rule('', 'pods', 'patch', 'bare'), rule('', 'pods/status', 'patch', 'app')],
    goal: 'web',
  },
  {
    title: 'acting as an account',
    how: 'impersonate',
    scope: 'namespace',
    rules: [rule('', 'serviceaccounts', 'impersonate', 'web')],
    near: [rule('', 'users', 'impersonate'), rule('', 'serviceaccounts', 'get', 'web')],
    goal: 'web',
  },
  {
    title: 'acting as an account within limits',
    how: 'impersonate',
    scope: 'namespace',
    rules: [
      rule(AUTHENTICATION, 'serviceaccounts', 'impersonate:serviceaccount', 'web'),
      rule('', 'configmaps', 'impersonate-on:serviceaccount:list'),
    ],
    near: [rule(AUTHENTICATION, 'serviceaccounts', 'impersonate:serviceaccount', 'web')],
    goal: 'web',
  },
  {
    title: 'acting in the group of administrators, as any user',
    how: 'impersonate',
    scope: 'cluster',
    rules: [rule('', 'users', 'impersonate', 'nobody'), rule('', 'groups', 'impersonate', 'system:masters')],
    near: [rule('', 'groups', 'impersonate', 'system:masters'), rule(AUTHENTICATION, 'uids', 'impersonate')],
    goal: 'cluster-admin',
  },
  {
    title: 'a binding of everything',
    how: 'bind',
    scope: 'cluster',
    rules: [rule(RBAC, 'clusterrolebindings', 'create'), rule(RBAC, 'clusterroles', 'bind', 'cluster-admin')],
    near: [rule(RBAC, 'clusterrolebindings', 'create'), rule(RBAC, 'roles', 'bind')],
    goal: 'cluster-admin',
  },
  {
    title: 'a binding of everything in a namespace',
    how: 'bind',
    scope: 'namespace',
    rules: [rule(RBAC, 'rolebindings', 'create'), rule(RBAC, 'clusterroles', 'bind')],
    near: [rule(RBAC, 'rolebindings', 'create')],
    goal: NAMESPACE,
  },
  {
    title: 'rights written into a role of its own',
    how: 'escalate',
    scope: 'namespace',
    rules: [rule(RBAC, 'roles', 'escalate,patch')],
    near: [rule(RBAC, 'roles', 'patch'), rule(RBAC, 'roles', 'escalate', 'other')],
    goal: NAMESPACE,
  },
  {
    title: 'rights written into a ClusterRole of its own',
    how: 'escalate',
    scope: 'cluster',
    rules: [rule(RBAC, 'clusterroles', 'escalate,patch')],
    near: [rule(RBAC, 'clusterroles', 'escalate,create')],
    goal: 'cluster-admin',
  },
  {
    title: 'certificates in any name',
    how: 'certificate',
    scope: 'cluster',
    rules: [
      rule(CERTIFICATES, 'certificatesigningrequests', 'create'),
      rule(CERTIFICATES, 'certificatesigningrequests/approval', 'update'),
      rule(CERTIFICATES, 'signers', 'approve', SIGNER),
    ],
    near: [
      rule(CERTIFICATES, 'certificatesigningrequests', 'create'),
      rule(CERTIFICATES, 'certificatesigningrequests/approval', 'update'),
      rule(CERTIFICATES, 'signers', 'approve', 'example.com/own'),
    ],
    goal: 'every account',
  },
  {
    title: 'a webhook that changes what is written',
    how: 'webhook-configuration',
    scope: 'cluster',
    rules: [rule(ADMISSION, 'mutatingwebhookconfigurations', 'create')],
    near: [rule(ADMISSION, 'mutatingwebhookconfigurations', 'get,list,delete')],
    goal: 'every account',
  },
  {
    title: 'a webhook that is shown what is written',
    how: 'webhook-configuration',
    scope: 'cluster',
    rules: [rule(ADMISSION, 'validatingwebhookconfigurations', 'create')],
    near: [
      rule(ADMISSION, 'validatingwebhookconfigurations', 'get,list,delete'),
      rule(ADMISSION, 'validatingadmissionpolicies', 'create'),
    ],
    goal: 'web',
  },
  {
    title: 'a policy that changes every pod',
    how: 'webhook-configuration',
    scope: 'cluster',
    rules: [rule(ADMISSION, 'mutatingadmissionpolicies,mutatingadmissionpolicybindings', 'create')],
    near: [
      rule(ADMISSION, 'mutatingadmissionpolicies', 'create'),
      rule(ADMISSION, 'mutatingadmissionpolicybindings', 'get,list,delete'),
    ],
    goal: 'every account',
  },
  {
    title: 'a custom resource that makes pods',
    how: 'custom-resource',
    scope: 'namespace',
    rules: [rule(ROLLOUTS, 'rollouts', 'create')],
    near: [rule(ROLLOUTS, 'rollouts', 'get,list,delete'), rule(ROLLOUTS, 'rollouts/status', 'patch')],
    goal: NAMESPACE,
  },
  {
    title: 'the kubelet of a node',
    how: 'node-proxy',
    scope: 'cluster',
    rules: [rule('', 'nodes/proxy', 'get')],
    near: [rule('', 'nodes/proxy', 'get', 'other'), rule('', 'nodes', 'get,list'), rule('', 'nodes/status', 'get')],
    goal: 'web',
  },
  {
    title: 'everything',
    how: 'everything',
    scope: 'cluster',
    rules: [rule('*', '*', '*')],
    near: [rule('*', 'configmaps', '*')],
    goal: 'cluster-admin',
  },
];
