/** `curfew audit`: what tokens a cluster holds, and what the webhook would say of what is in it, if it were written anew. */

import { auditCluster } from '../audit/audit-cluster.ts';
import { measureLimits, toOwnAccount } from '../audit/measure-limits.ts';
import type { TokenLimits } from '../audit/token-limits.ts';
import type { KubeClient } from '../kube/api.ts';
import type { OwnToken } from '../kube/own-token.ts';
import { readOwnClaims, readOwnToken } from '../kube/own-token.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import { createCounter } from './progress-bar.ts';
import { readAuditReport } from './read-audit-report.ts';
import { DEFAULT_RELEASE } from './release.ts';
import { keepHeapSmall } from './small-heap.ts';
import type { AuditFormOptions } from './write-audit.ts';
import { writeAudit } from './write-audit.ts';

export type AuditCommandOptions = ClusterChoice &
  AuditFormOptions & {
    readonly config?: string;
    readonly level?: ActiveLevel;
    readonly measureWith?: { readonly namespace: string; readonly name: string };
  };

/** Writes the report, and returns the exit code. */
export async function audit(options: AuditCommandOptions, io: CommandIo): Promise<0 | 1 | 2> {
  keepHeapSmall();
  const older = options.diff === undefined ? undefined : await readAuditReport(options.diff);
  const { configuration } = await loadConfigurationFile(options.config);
  const client = await connectCluster(options);
  const limits = await measure(client, options, io.signal);
  const counter = createCounter(io.terminal);
  const report = await auditCluster({
    client,
    server: client.server,
    namespace: options.namespace,
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
  return await writeAudit(report, { client, options, io, older });
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
