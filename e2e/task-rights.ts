/** What the accounts of the CronJobs may do, beside what everybody may: written by hand, since the chart's is generated. */

import type { JsonObject } from '../src/objects/json.ts';

export type TaskCase = {
  readonly task: string;
  readonly name: string;
  readonly values: JsonObject;
  readonly rights: readonly string[];
};

const LISTED = [
  'everywhere: list cronjobs.batch',
  'everywhere: list daemonsets.apps',
  'everywhere: list deployments.apps',
  'everywhere: list jobs.batch',
  'everywhere: list jobsets.jobset.x-k8s.io',
  'everywhere: list leaderworkersets.leaderworkerset.x-k8s.io',
  'everywhere: list pods',
  'everywhere: list podtemplates',
  'everywhere: list replicasets.apps',
  'everywhere: list replicationcontrollers',
  'everywhere: list rollouts.argoproj.io',
  'everywhere: list serviceaccounts',
  'everywhere: list statefulsets.apps',
  ...['configurations', 'revisions', 'services'].map((name) => `everywhere: list ${name}.serving.knative.dev`),
];
const TRACKING = 'everywhere: get configmaps kube-apiserver-legacy-service-account-token-tracking';
const ROLES = ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'];

/** What the report of an audit is made of, beside what rules read. */
const BESIDE = [
  ...['mutating', 'validating'].flatMap((kind) =>
    ['webhookconfigurations', 'admissionpolicies', 'admissionpolicybindings'].map(
      (what) => `everywhere: list ${kind}${what}.admissionregistration.k8s.io`,
    ),
  ),
  'everywhere: list networkpolicies.networking.k8s.io',
  'everywhere: list prometheusrules.monitoring.coreos.com',
  'everywhere: list constrainttemplates.templates.gatekeeper.sh',
  ...['policies', 'clusterpolicies', 'cleanuppolicies', 'clustercleanuppolicies'].map(
    (name) => `everywhere: list ${name}.kyverno.io`,
  ),
  ...['validating', 'mutating', 'generating', 'deleting', 'imagevalidating'].flatMap((name) => [
    `everywhere: list ${name}policies.policies.kyverno.io`,
    `everywhere: list namespaced${name}policies.policies.kyverno.io`,
  ]),
];

const AUDIT = [
  ...LISTED,
  ...['configmaps', 'namespaces', 'secrets'].map((name) => `everywhere: list ${name}`),
  ...ROLES.map((name) => `everywhere: list ${name}.rbac.authorization.k8s.io`),
  ...BESIDE,
];

/** Identities of their own for what is there already, in a namespace of their own. */
export const TASKS: readonly TaskCase[] = [
  {
    task: 'audit',
    name: 'audit.enabled=true',
    values: { audit: { enabled: true } },
    rights: AUDIT,
  },
  {
    task: 'audit',
    name: 'audit.report.policyReports=openreports.io, files',
    values: {
      audit: { enabled: true, report: { policyReports: 'openreports.io', files: { existingClaim: 'reports' } } },
    },
    rights: [
      ...AUDIT,
      ...['reports', 'clusterreports'].map((name) => `everywhere: create,delete,get,list,patch ${name}.openreports.io`),
    ],
  },
  {
    task: 'cleanup',
    name: 'cleanup.enabled=true',
    values: { cleanup: { enabled: true } },
    rights: [...LISTED, TRACKING, 'everywhere: list secrets'],
  },
  {
    task: 'cleanup',
    name: 'cleanup.steps=[invalidate]',
    values: { cleanup: { enabled: true, steps: ['invalidate'] } },
    rights: [...LISTED, TRACKING, 'everywhere: list,patch secrets'],
  },
  {
    task: 'cleanup',
    name: 'cleanup.steps=[delete, invalidate]',
    values: { cleanup: { enabled: true, steps: ['delete', 'invalidate'] } },
    rights: [...LISTED, TRACKING, 'everywhere: delete,list,patch secrets'],
  },
];
