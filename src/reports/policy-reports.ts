/**
 * `curfew audit` as policy reports, which dashboards read: failures alone, one bounded report a namespace and one for what is in
 * none. Of the fields both groups have, and of the severities those that the first version of wgpolicyk8s.io/v1alpha2 had.
 */

import type { JsonObject } from '../objects/json.ts';
import { countOf, cutToBytes } from '../objects/text.ts';
import type { AuditView } from './audit-view.ts';
import type { PolicyReportGroup } from './policy-report-groups.ts';
import { POLICY_REPORT_APIS } from './policy-report-groups.ts';

/** The name of every report, in each namespace, and the field manager by which it is written. */
export const POLICY_REPORT_NAME = 'curfew-audit';

export const POLICY_REPORT_LABELS = {
  'app.kubernetes.io/managed-by': 'curfew',
  'app.kubernetes.io/component': 'audit',
} as const;

/** A result is below 2 KiB, and etcd takes objects of 1.5 MiB. */
const MOST_RESULTS = 500;
const MOST_BYTES = 500;

export type PolicyReport = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
} & JsonObject;

export type PolicyReportOptions = {
  readonly group: PolicyReportGroup;
  /** True to report what would only be warned about, too: as `warn`. */
  readonly withWarnings: boolean;
};

type Finding = AuditView['findings'][number];

/** In the order of namespaces; the one of the cluster first. */
export function createPolicyReports(report: AuditView, options: PolicyReportOptions): readonly PolicyReport[] {
  const told = report.findings.filter(({ mode }) => mode === 'enforce' || (options.withWarnings && mode === 'warn'));
  const byNamespace = [...Map.groupBy(told, ({ object }) => object.namespace)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return byNamespace.map(([namespace, findings]) => createPolicyReport(namespace, { findings, report, options }));
}

type Parts = {
  readonly findings: readonly Finding[];
  readonly report: AuditView;
  readonly options: PolicyReportOptions;
};

function createPolicyReport(namespace: string, { findings, report, options }: Parts): PolicyReport {
  const { group, withWarnings } = options;
  const { version, namespaced, cluster } = POLICY_REPORT_APIS[group];
  const time = toTimestamp(report.takenAt);
  const ordered = findings.toSorted(compareFindings);
  const left = ordered.length - MOST_RESULTS;
  const failed = ordered.filter(({ mode }) => mode === 'enforce').length;
  const statuses = ['fail', ...(withWarnings ? ['warn'] : []), 'skip'];
  return {
    apiVersion: `${group}/${version}`,
    kind: namespace === '' ? cluster.kind : namespaced.kind,
    metadata: {
      name: POLICY_REPORT_NAME,
      ...(namespace === '' ? {} : { namespace }),
      labels: { ...POLICY_REPORT_LABELS },
    },
    // Known to openreports.io alone; the other group would prune it, and refuse it under strict validation.
    ...(group === 'openreports.io'
      ? { source: 'curfew', configuration: { limits: { maxResults: MOST_RESULTS + 1, statusFilter: statuses } } }
      : {}),
    // Of all findings, those that are left out below too.
    summary: { pass: 0, fail: failed, warn: ordered.length - failed, error: 0, skip: left > 0 ? 1 : 0 },
    results: [
      ...ordered.slice(0, MOST_RESULTS).map((finding) => toResult(finding, time)),
      ...(left > 0 ? [toRest(left, time)] : []),
    ],
  };
}

function toResult(finding: Finding, time: JsonObject): JsonObject {
  const { check, level, mode, object, path, container, reason, detail, fix } = finding;
  const { apiVersion, kind, namespace, name } = object;
  return {
    source: 'curfew',
    policy: check,
    rule: reason,
    category: CATEGORY,
    severity: SEVERITIES[level],
    result: mode === 'enforce' ? 'fail' : 'warn',
    scored: mode === 'enforce',
    ...time,
    message: cut(detail),
    resources: [{ apiVersion, kind, ...(namespace === '' ? {} : { namespace }), name }],
    properties: {
      level,
      path: cut(path),
      ...(container === undefined ? {} : { container: cut(container) }),
      fix: cut(fix),
      more: `curfew explain ${check}`,
    },
  };
}

const CATEGORY = 'Service account tokens';

const SEVERITIES: Readonly<Record<Finding['level'], string>> = { baseline: 'high', restricted: 'medium' };

function toRest(left: number, time: JsonObject): JsonObject {
  return {
    source: 'curfew',
    policy: POLICY_REPORT_NAME,
    category: CATEGORY,
    result: 'skip',
    ...time,
    message: `${countOf(left, 'more finding')} of this namespace: curfew audit tells all of them.`,
  };
}

/** What is worse first, and then always in the same order: two reports of the same cluster are the same. */
function compareFindings(a: Finding, b: Finding): number {
  const keyOf = ({ mode, check, object, path, container = '' }: Finding) =>
    JSON.stringify([mode === 'enforce' ? 0 : 1, check, object.kind, object.name, container, path]);
  const [first, second] = [keyOf(a), keyOf(b)];
  return first < second ? -1 : Number(first > second);
}

/** As `google.protobuf.Timestamp`, which both groups take; nothing if the report does not say when it was made. */
function toTimestamp(takenAt: string | undefined): JsonObject {
  const ms = Date.parse(takenAt ?? '');
  return Number.isNaN(ms) ? {} : { timestamp: { seconds: Math.floor(ms / 1000), nanos: 0 } };
}

function cut(text: string): string {
  return cutToBytes(text, MOST_BYTES);
}
