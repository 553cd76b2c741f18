/** What pipelines are given to judge. */

export const DENIED = `apiVersion: v1
kind: Secret
metadata:
  name: ci-token
  annotations:
    kubernetes.io/service-account.name: ci
type: kubernetes.io/service-account-token
`;

export const CLEAN = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: database\n';
