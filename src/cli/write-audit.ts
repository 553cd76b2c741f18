/** What becomes of an audit: written in a form, compared with an older one, published in the cluster. */

import { stringify } from 'yaml';
import type { AuditReport } from '../audit/audit-report.ts';
import type { KubeClient } from '../kube/api.ts';
import { exitCodeOf } from '../manifests/check-report.ts';
import { countOf } from '../objects/text.ts';
import { renderAuditHtml } from '../reports/audit-html.ts';
import { renderAuditSarif } from '../reports/audit-sarif.ts';
import type { AuditSection } from '../reports/audit-sections.ts';
import { renderAuditTable } from '../reports/audit-table.ts';
import type { AuditView } from '../reports/audit-view.ts';
import { compareAudits } from '../reports/compare-audits.ts';
import { renderComparisonTable } from '../reports/comparison-table.ts';
import { renderAuditMetrics } from '../reports/job-metrics.ts';
import type { PolicyReportGroup } from '../reports/policy-report-groups.ts';
import { createPolicyReports } from '../reports/policy-reports.ts';
import { VERSION } from '../version.ts';
import { type AuditOutput, findFormOfFile } from './audit-outputs.ts';
import type { CommandIo } from './commands/context.ts';
import { publishMetrics } from './publish-metrics.ts';
import { publishPolicyReports } from './publish-policy-reports.ts';
import { replaceFile } from './replace-file.ts';

export type AuditFormOptions = {
  /** The only one that was looked at. */
  readonly namespace?: string;
  readonly warnings: boolean;
  /** In a table. */
  readonly show?: readonly AuditSection[];
  readonly output: AuditOutput;
  /** Beside what is written to standard output; the ending of each says its form. */
  readonly outputFile?: readonly string[];
  /** Name of an older report in JSON, to say what changed since. */
  readonly diff?: string;
  readonly policyReportGroup: PolicyReportGroup;
  /** Write policy reports into the cluster, beside what is written to standard output. */
  readonly publishPolicyReports: boolean;
  /** File or URL of gauges, beside what is written to standard output. */
  readonly metrics?: string;
  /** True to end with 0 whatever is found, if all could be read: a job that failed is one that did not do its work. */
  readonly reportOnly?: boolean;
};

type Audited = {
  readonly client: KubeClient;
  readonly options: AuditFormOptions;
  readonly io: CommandIo;
  readonly older: AuditView | undefined;
};

/** Returns the exit code: 1 if something would be refused or, with an older report, got worse; 2 if not all is known. */
export async function writeAudit(report: AuditReport, { client, options, io, older }: Audited): Promise<0 | 1 | 2> {
  const code = older === undefined ? writeReport(report, options, io) : writeComparison(older, report, { options, io });
  const isSaved = await writeFiles(report, options, io);
  const isPublished = !options.publishPolicyReports || (await publish(report, { client, options, io }));
  if (options.metrics !== undefined) {
    await publishMetrics(options.metrics, renderAuditMetrics(report, Date.now()), io.signal);
  }
  if (!isSaved || !isPublished) return 2;
  if (options.reportOnly !== true) return code;
  return report.faults.length === 0 ? 0 : 2;
}

function writeReport(report: AuditReport, options: AuditFormOptions, io: CommandIo): 0 | 1 | 2 {
  io.write(render(report, options.output, options));
  return exitCodeOf(report);
}

function writeComparison(
  older: AuditView,
  report: AuditReport,
  { options, io }: Pick<Audited, 'options' | 'io'>,
): 0 | 1 | 2 {
  const comparison = compareAudits(older, report);
  const isJson = options.output === 'json';
  io.write(isJson ? `${JSON.stringify(comparison, undefined, 2)}\n` : renderComparisonTable(comparison));
  if (exitCodeOf(report) === 2) return 2;
  return comparison.worse.length > 0 ? 1 : 0;
}

function render(report: AuditReport, output: AuditOutput, options: AuditFormOptions): string {
  const { warnings, policyReportGroup: group } = options;
  switch (output) {
    case 'table':
      return renderAuditTable(report, options);
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`;
    case 'html':
      return renderAuditHtml(report);
    case 'sarif':
      return renderAuditSarif(report, VERSION);
    case 'policy-report':
      return createPolicyReports(report, { group, withWarnings: warnings })
        .map((one) => `---\n${stringify(one, { lineWidth: 0 })}`)
        .join('');
  }
}

/** False if one could not be written, which is said; what else is to be done with the report is done all the same. */
async function writeFiles(report: AuditReport, options: AuditFormOptions, io: CommandIo): Promise<boolean> {
  let isSaved = true;
  for (const file of options.outputFile ?? []) {
    const text = render(report, findFormOfFile(file) ?? options.output, options);
    try {
      await replaceFile(file, text);
    } catch (error) {
      isSaved = false;
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      io.writeError(`curfew: ${file} cannot be written (${code})\n`);
    }
  }
  return isSaved;
}

/** False if not all could be written; what could not is said. */
async function publish(report: AuditReport, { client, options, io }: Omit<Audited, 'older'>): Promise<boolean> {
  const { policyReportGroup: group, warnings: withWarnings, namespace } = options;
  // Of what is in no namespace, one namespace's audit has seen too little to replace what another one wrote.
  const reports = createPolicyReports(report, { group, withWarnings }).filter(
    ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
  );
  const isWhole = report.faults.length === 0;
  const how = { client, signal: io.signal, group, namespace, isWhole };
  const { written, deleted, faults } = await publishPolicyReports(reports, how);
  io.writeError(`curfew: ${countOf(written, 'policy report')} written, ${deleted} deleted (${group})\n`);
  for (const fault of faults) io.writeError(`curfew: ${fault}\n`);
  if (!isWhole) io.writeError('curfew: none is deleted, since not all could be read\n');
  return faults.length === 0;
}
