/** `curfew audit`: what tokens a cluster holds, and what the webhook would say of what is in it, if it were written anew. */

import { auditCluster } from '../audit/audit-cluster.ts';
import type { AuditReport } from '../audit/audit-report.ts';
import { measureLimits, toOwnAccount } from '../audit/measure-limits.ts';
import type { TokenLimits } from '../audit/token-limits.ts';
import type { KubeClient } from '../kube/api.ts';
import type { OwnToken } from '../kube/own-token.ts';
import { readOwnClaims, readOwnToken } from '../kube/own-token.ts';
import { exitCodeOf } from '../manifests/check-report.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { renderAuditHtml } from '../reports/audit-html.ts';
import type { AuditSection } from '../reports/audit-sections.ts';
import { renderAuditTable } from '../reports/audit-table.ts';
import { renderAuditMetrics } from '../reports/job-metrics.ts';
import type { AuditOutput } from './audit-outputs.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import { createCounter } from './progress-bar.ts';
import { publishMetrics } from './publish-metrics.ts';
import { DEFAULT_RELEASE } from './release.ts';
import { keepHeapSmall } from './small-heap.ts';

export type AuditCommandOptions = ClusterChoice & {
  readonly config?: string;
  readonly level?: ActiveLevel;
  /** All of them without it. */
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly measureWith?: { readonly namespace: string; readonly name: string };
  /** In a table. */
  readonly show?: readonly AuditSection[];
  readonly warnings: boolean;
  readonly output: AuditOutput;
  /** File or URL. */
  readonly metrics?: string;
  /** True to end with 0 whatever is found, if all could be read: a job that failed is one that did not do its work. */
  readonly reportOnly?: boolean;
};

/** Writes the report: 0 if nothing would be refused, 1 if something would, 2 if not all could be read or judged. */
export async function audit(options: AuditCommandOptions, io: CommandIo): Promise<0 | 1 | 2> {
  keepHeapSmall();
  const { configuration } = await loadConfigurationFile(options.config);
  const client = await connectCluster(options);
  const limits = await measure(client, options, io.signal);
  const counter = createCounter(io.terminal);
  const report = await auditCluster({
    client,
    server: client.server,
    namespace: options.allNamespaces ? undefined : options.namespace,
    signal: io.signal,
    configuration,
    cluster: findClusterFacts(configuration, toOwnToken(limits) ?? (await readOwnToken())).facts,
    limits,
    now: Date.now(),
    release: DEFAULT_RELEASE,
    level: options.level,
    onList: counter.begin,
    onProgress: counter.show,
  }).finally(counter.clear);
  io.write(render(report, options));
  if (options.metrics !== undefined) {
    await publishMetrics(options.metrics, renderAuditMetrics(report, Date.now()), io.signal);
  }
  if (options.reportOnly === true) return report.faults.length === 0 ? 0 : 2;
  return exitCodeOf(report);
}

function render(report: AuditReport, options: AuditCommandOptions): string {
  switch (options.output) {
    case 'table':
      return renderAuditTable(report, options);
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`;
    case 'html':
      return renderAuditHtml(report);
  }
}

/** Where the pod's own account is used, its token says what it can; of another cluster it says nothing. */
async function measure(client: KubeClient, options: AuditCommandOptions, signal: AbortSignal): Promise<TokenLimits> {
  const { kubeconfig, context, measureWith } = options;
  const isOwnCluster = kubeconfig === undefined && context === undefined && process.env['KUBECONFIG'] === undefined;
  const ownClaims = isOwnCluster ? await readOwnClaims() : undefined;
  return await measureLimits({ client, signal, account: measureWith ?? toOwnAccount(ownClaims), ownClaims });
}

function toOwnToken({ issuer, apiAudiences }: TokenLimits): OwnToken | undefined {
  return issuer === undefined || apiAudiences === undefined ? undefined : { issuer, audiences: apiAudiences };
}
