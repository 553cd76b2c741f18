/** `curfew audit` for people: what would be refused of what is there, namespace by namespace; tokens that never expire. */

import type { AuditReportSoFar } from '../audit/audit-report.ts';
import type { PlacelessFinding } from '../manifests/check-report.ts';
import { TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import { countOf, joinNames, nameForCommand, toOneLine } from '../objects/text.ts';
import { formatRows } from './text-table.ts';

const TEMPLATES: ReadonlySet<string> = new Set(TEMPLATE_KINDS.map(({ kind }) => kind));

/** @param withWarnings - true to tell what would only be warned about too */
export function renderAuditTable(report: AuditReportSoFar, withWarnings: boolean): string {
  const told = report.findings.filter(({ mode }) => mode === 'enforce' || (withWarnings && mode === 'warn'));
  const byNamespace = Map.groupBy(told, ({ object }) => object.namespace);
  const namespaces = [...byNamespace].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...report.faults.map(({ message }) => `Cannot be read: ${toOneLine(message)}\n`),
    ...namespaces.map(([namespace, findings]) => formatNamespace(namespace, findings)),
    ...(report.longLivedSecrets.length === 0 ? [] : [formatSecrets(report.longLivedSecrets)]),
    ...formatUnknown(report),
    formatSummary(report, withWarnings),
  ].join('\n');
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

function formatSecrets(secrets: AuditReportSoFar['longLivedSecrets']): string {
  const rows = secrets.map(({ namespace, name, account, createdAt, lastUsed, invalidSince }) => [
    `${namespace}/${name}`,
    account,
    createdAt.slice(0, 10),
    lastUsed ?? 'not noted',
    invalidSince === undefined
      ? `kubectl delete secret ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`
      : `refused by the API server since ${invalidSince}`,
  ]);
  return `Tokens that never expire:\n${formatRows([['secret', 'account', 'made', 'last used', 'to end it'], ...rows])}`;
}

/** Each check once, with how many objects it could not judge, and the first reason. */
function formatUnknown({ undecided }: AuditReportSoFar): readonly string[] {
  const groups = Map.groupBy(
    undecided.filter(({ couldDeny }) => couldDeny),
    ({ check }) => check,
  );
  return [...groups].map(
    ([check, all]) => `${check} could not judge ${countOf(all.length, 'object')}: ${all[0]?.detail ?? ''}\n`,
  );
}

function formatSummary({ cluster, summary }: AuditReportSoFar, withWarnings: boolean): string {
  const { judged, namespaces, denied, warn, undecided, faults, exempted } = summary;
  const parts = [
    `${denied} would be refused if written anew`,
    `${countOf(warn, 'warning')}${withWarnings || warn === 0 ? '' : ' (--warnings tells them)'}`,
    ...(exempted === 0 ? [] : [`${exempted} exempted`]),
    `${countOf(summary.longLivedSecrets, 'token')} without an end`,
    ...(undecided === 0 ? [] : [`${undecided} could not be judged`]),
    ...(faults === 0 ? [] : [`${countOf(faults, 'list')} could not be read`]),
  ];
  return `${cluster}: ${countOf(judged, 'object')} in ${countOf(namespaces, 'namespace')}: ${parts.join(', ')}\n`;
}
