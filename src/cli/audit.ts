/** `curfew audit`: what the webhook would say of what is in a cluster, if it were written anew. */

import { auditCluster } from '../audit/audit-cluster.ts';
import { readOwnToken } from '../kube/own-token.ts';
import { exitCodeOf } from '../manifests/check-report.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { renderAuditTable } from '../reports/audit-table.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import { DEFAULT_RELEASE } from './release.ts';

export type AuditCommandOptions = ClusterChoice & {
  readonly config?: string;
  readonly level?: ActiveLevel;
  /** All of them without it. */
  readonly namespace?: string;
  readonly warnings: boolean;
  readonly output: 'table' | 'json';
};

/** Writes the report: 0 if nothing would be refused, 1 if something would, 2 if not all could be read or judged. */
export async function audit(options: AuditCommandOptions, io: CommandIo): Promise<0 | 1 | 2> {
  const { configuration } = await loadConfigurationFile(options.config);
  const client = await connectCluster(options);
  const report = await auditCluster({
    client,
    server: client.server,
    namespace: options.namespace,
    signal: io.signal,
    configuration,
    cluster: findClusterFacts(configuration, await readOwnToken()).facts,
    now: Date.now(),
    release: DEFAULT_RELEASE,
    level: options.level,
  });
  io.write(
    options.output === 'json'
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : renderAuditTable(report, options.warnings),
  );
  return exitCodeOf(report);
}
