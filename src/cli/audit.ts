/** `curfew audit`: what the webhook would say of what is in a cluster, if it were written anew. */

import { auditCluster } from '../audit/audit-cluster.ts';
import type { AuditReport } from '../audit/audit-report.ts';
import { connect } from '../kube/client.ts';
import { readOwnToken } from '../kube/own-token.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { renderAuditTable } from '../reports/audit-table.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';

export type AuditCommandOptions = {
  readonly config?: string;
  readonly level?: ActiveLevel;
  /** All of them without it. */
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly warnings: boolean;
  readonly output: 'table' | 'json';
};

/** What the chart calls its objects unless it is told otherwise. */
const RELEASE = 'curfew';

/** Writes the report: 0 if nothing would be refused, 1 if something would, 2 if not all could be read or judged. */
export async function audit(options: AuditCommandOptions, io: CommandIo): Promise<0 | 1 | 2> {
  const { kubeconfig, context } = options;
  const { configuration } = await loadConfigurationFile(options.config);
  const client = await connect({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  const report = await auditCluster({
    client,
    server: client.server,
    namespace: options.namespace,
    signal: io.signal,
    configuration,
    cluster: findClusterFacts(configuration, await readOwnToken()).facts,
    now: Date.now(),
    release: RELEASE,
    level: options.level,
  });
  io.write(
    options.output === 'json'
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : renderAuditTable(report, options.warnings),
  );
  return exitCodeOf(report);
}

function exitCodeOf({ summary }: AuditReport): 0 | 1 | 2 {
  if (summary.faults > 0 || summary.undecided > 0) return 2;
  return summary.denied > 0 ? 1 : 0;
}
