/** The two API groups of policy reports; known to the parser without what renders them. */

export const POLICY_REPORT_GROUPS = ['openreports.io', 'wgpolicyk8s.io'] as const;

export type PolicyReportGroup = (typeof POLICY_REPORT_GROUPS)[number];

type ReportKind = { readonly kind: string; readonly resource: string };

/** The version of each that is served everywhere, and its kinds: of a namespace, and of the cluster. */
export const POLICY_REPORT_APIS: Readonly<
  Record<PolicyReportGroup, { readonly version: string; readonly namespaced: ReportKind; readonly cluster: ReportKind }>
> = {
  'openreports.io': {
    version: 'v1alpha1',
    namespaced: { kind: 'Report', resource: 'reports' },
    cluster: { kind: 'ClusterReport', resource: 'clusterreports' },
  },
  'wgpolicyk8s.io': {
    version: 'v1alpha2',
    namespaced: { kind: 'PolicyReport', resource: 'policyreports' },
    cluster: { kind: 'ClusterPolicyReport', resource: 'clusterpolicyreports' },
  },
};
