/**
 * The kinds of both groups of policy reports as CustomResourceDefinitions for tests, written from what their projects
 * publish of them: openreports.io/v1alpha1 (github.com/openreports/reports-api, apis/openreports.io/v1alpha1) and
 * wgpolicyk8s.io/v1alpha2 (github.com/kubernetes-sigs/wg-policy-prototypes, policy-report/crd/v1alpha2; its first
 * version, which has fewer severities than later ones). Both are under the Apache License 2.0; nothing of them is copied.
 */

import type { JsonObject } from '../src/objects/json.ts';
import type { PolicyReportGroup } from '../src/reports/policy-report-groups.ts';

const TEXT = { type: 'string' };
const NUMBER = { type: 'integer' };
const RESULTS = ['pass', 'fail', 'warn', 'error', 'skip'];

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
});
const list = (items: JsonObject): JsonObject => ({ type: 'array', items });
const word = (...values: readonly string[]): JsonObject => ({ type: 'string', enum: values });

const REFERENCE = object({
  apiVersion: TEXT,
  fieldPath: TEXT,
  kind: TEXT,
  name: TEXT,
  namespace: TEXT,
  resourceVersion: TEXT,
  uid: TEXT,
});

const SELECTOR = object({
  matchLabels: { type: 'object', additionalProperties: TEXT },
  matchExpressions: list(object({ key: TEXT, operator: TEXT, values: list(TEXT) }, ['key', 'operator'])),
});

const TIME = object({ nanos: { type: 'integer', format: 'int32' }, seconds: { type: 'integer', format: 'int64' } }, [
  'nanos',
  'seconds',
]);

const describeReport = (severities: readonly string[], more: JsonObject): JsonObject =>
  object({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: { type: 'object' },
    results: list(
      object(
        {
          category: TEXT,
          message: TEXT,
          policy: TEXT,
          properties: { type: 'object', additionalProperties: TEXT },
          resourceSelector: SELECTOR,
          resources: list(REFERENCE),
          result: word(...RESULTS),
          rule: TEXT,
          scored: { type: 'boolean' },
          severity: word(...severities),
          source: TEXT,
          timestamp: TIME,
        },
        ['policy'],
      ),
    ),
    scope: REFERENCE,
    scopeSelector: SELECTOR,
    summary: object(Object.fromEntries(RESULTS.map((result) => [result, NUMBER]))),
    ...more,
  });

type Kind = { readonly kind: string; readonly plural: string; readonly scope: 'Namespaced' | 'Cluster' };

function define(group: string, version: string, schema: JsonObject): (kind: Kind) => JsonObject {
  return ({ kind, plural, scope }) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  });
}

export const POLICY_REPORT_KINDS: Readonly<Record<PolicyReportGroup, readonly JsonObject[]>> = {
  'openreports.io': (
    [
      { kind: 'Report', plural: 'reports', scope: 'Namespaced' },
      { kind: 'ClusterReport', plural: 'clusterreports', scope: 'Cluster' },
    ] as const
  ).map(
    define(
      'openreports.io',
      'v1alpha1',
      describeReport(['critical', 'high', 'low', 'medium', 'info'], {
        source: TEXT,
        configuration: object({ limits: object({ maxResults: NUMBER, statusFilter: list(word(...RESULTS)) }) }, [
          'limits',
        ]),
      }),
    ),
  ),
  'wgpolicyk8s.io': (
    [
      { kind: 'PolicyReport', plural: 'policyreports', scope: 'Namespaced' },
      { kind: 'ClusterPolicyReport', plural: 'clusterpolicyreports', scope: 'Cluster' },
    ] as const
  ).map(define('wgpolicyk8s.io', 'v1alpha2', describeReport(['high', 'low', 'medium'], {}))),
};
