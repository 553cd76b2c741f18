/** `curfew audit` for people: how the cluster does, what would be refused of what is there, which tokens live too long. */

import type { AuditReport } from '../audit/audit-report.ts';
import type { PlacelessFinding } from '../manifests/check-report.ts';
import { TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import { countOf, joinNames, toOneLine } from '../objects/text.ts';
import { renderAccessSection } from './access-table.ts';
import type { AuditSection } from './audit-sections.ts';
import {
  formatAccounts,
  formatForeign,
  formatLifetimes,
  formatLimits,
  formatPodSecurity,
  formatRestarts,
  formatScorecard,
  formatSecrets,
  formatTokens,
} from './audit-sections.ts';
import { formatRows } from './text-table.ts';

const TEMPLATES: ReadonlySet<string> = new Set(TEMPLATE_KINDS.map(({ kind }) => kind));

/** Rows of a section in the short form. */
const FIRST = { most: 10 };
const ALL = { most: Number.POSITIVE_INFINITY };

export type AuditTableOptions = {
  /** True to tell what would only be warned about too. */
  readonly warnings: boolean;
  /** These sections alone, and the whole of them; by default the beginnings of what is read first. */
  readonly show?: readonly AuditSection[];
};

export function renderAuditTable(report: AuditReport, { warnings, show }: AuditTableOptions): string {
  return [
    ...report.faults.map(({ message }) => `Cannot be read: ${toOneLine(message)}\n`),
    ...(show === undefined
      ? formatShort(report, warnings)
      : show.flatMap((name) => formatWhole(name, report, warnings))),
    ...formatUnknown(report),
    formatSummary(report, warnings),
  ].join('\n');
}

function formatShort(report: AuditReport, withWarnings: boolean): readonly string[] {
  return [
    formatScorecard(report, false),
    ...formatFindings(report, withWarnings),
    ...(report.longLivedSecrets.length === 0 ? [] : [formatSecrets(report, FIRST)]),
    ...(report.tokens.length === 0 ? [] : [formatLifetimes(report)]),
    ...(report.restarts.length === 0 ? [] : [formatRestarts(report, FIRST)]),
    ...[renderAccessSection(report.access)].filter((text) => text !== ''),
  ];
}

function formatWhole(name: AuditSection, report: AuditReport, withWarnings: boolean): readonly string[] {
  switch (name) {
    case 'scorecard':
      return [formatScorecard(report, true)];
    case 'findings':
      return formatFindings(report, withWarnings);
    case 'secrets':
      return [formatSecrets(report, ALL)];
    case 'tokens':
      return [formatTokens(report, ALL)];
    case 'restarts':
      return [formatRestarts(report, ALL)];
    case 'access':
      return [renderAccessSection(report.access)];
    case 'accounts':
      return [formatAccounts(report, ALL)];
    case 'limits':
      return [formatLimits(report)];
    case 'pod-security':
      return [formatPodSecurity(report, ALL)];
    case 'foreign':
      return [formatForeign(report, ALL)];
  }
}

function formatFindings({ findings }: AuditReport, withWarnings: boolean): readonly string[] {
  const told = findings.filter(({ mode }) => mode === 'enforce' || (withWarnings && mode === 'warn'));
  const byNamespace = Map.groupBy(told, ({ object }) => object.namespace);
  const namespaces = [...byNamespace].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return namespaces.map(([namespace, some]) => formatNamespace(namespace, some));
}

function formatNamespace(namespace: string, findings: readonly PlacelessFinding[]): string {
  const groups = Map.groupBy(findings, ({ object, check, mode, reason, denied }) =>
    JSON.stringify([object.kind, object.name, check, mode, denied, reason]),
  );
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [toRow(first, group)];
  });
  return `${namespace === '' ? 'In no namespace' : `Namespace ${namespace}`}:\n${formatRows(rows)}`;
}

function toRow(first: PlacelessFinding, group: readonly PlacelessFinding[]): readonly string[] {
  const { mode, denied, object, check, reason } = first;
  const held = denied ? 'refused' : 'would be refused';
  const containers = [...new Set(group.flatMap(({ container }) => container ?? []))];
  const where = containers.length === 0 ? '' : ` in ${joinNames('container', containers)}`;
  const pods = TEMPLATES.has(object.kind) && mode === 'enforce' ? ', its pods' : '';
  return [
    mode === 'enforce' ? held : 'warned about',
    `${object.kind} ${object.name}${pods}`,
    check,
    `${reason}${where}`,
  ];
}

/** Each check once, with how many objects it could not judge, and the first reason. */
function formatUnknown({ undecided }: AuditReport): readonly string[] {
  const groups = Map.groupBy(
    undecided.filter(({ couldDeny }) => couldDeny),
    ({ check }) => check,
  );
  return [...groups].map(
    ([check, all]) => `${check} could not judge ${countOf(all.length, 'object')}: ${all[0]?.detail ?? ''}\n`,
  );
}

function formatSummary({ cluster, summary, limits }: AuditReport, withWarnings: boolean): string {
  const { judged, namespaces, denied, warn, undecided, faults, exempted } = summary;
  const parts = [
    `${denied} would be refused if written anew`,
    `${countOf(warn, 'warning')}${withWarnings || warn === 0 ? '' : ' (--warnings tells them)'}`,
    ...(exempted === 0 ? [] : [`${exempted} exempted`]),
    `${countOf(summary.longLivedSecrets, 'token')} without an end`,
    `${summary.podsWithToken} of ${countOf(summary.pods, 'pod')} with an API token${limits.extendsTo === undefined ? '' : ` (3607 s are really ${limits.extendsTo} s)`}`,
    ...(summary.accessPaths === 0 ? [] : [`${countOf(summary.accessPaths, 'path')} to the token of another`]),
    ...(undecided === 0 ? [] : [`${undecided} could not be judged`]),
    ...(faults === 0 ? [] : [`${countOf(faults, 'list')} could not be read`]),
  ];
  return `${cluster}: ${countOf(judged, 'object')} in ${countOf(namespaces, 'namespace')}: ${parts.join(', ')}\n`;
}
