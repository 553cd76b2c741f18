/** `curfew usage`: who uses which token for what, as the audit log of an API server tells it. */

import { stringify } from 'yaml';
import type { KnownAccounts } from '../audit-log/compare-accounts.ts';
import { addAccount, addPod } from '../audit-log/compare-accounts.ts';
import { readAuditEvent } from '../audit-log/read-event.ts';
import type { UsageTally } from '../audit-log/usage-tally.ts';
import { addEvent, createUsageTally } from '../audit-log/usage-tally.ts';
import { listAll } from '../kube/list-all.ts';
import { readOwnToken } from '../kube/own-token.ts';
import { describeError } from '../kube/sentences.ts';
import { toUsageJson } from '../reports/usage-json.ts';
import type { UsageReport } from '../reports/usage-table.ts';
import { listUsageManifests, renderUsageTable } from '../reports/usage-table.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import type { Line } from './read-lines.ts';
import { readLines } from './read-lines.ts';
import { keepHeapSmall } from './small-heap.ts';
import type { UsageOutput } from './usage-outputs.ts';

export type UsageOptions = ClusterChoice & {
  readonly auditLog: readonly string[];
  /** Compare with the accounts and pods that are there. */
  readonly cluster: boolean;
  /** Accounts and pods of it alone; all without it. The log is read whole. */
  readonly namespace?: string;
  readonly config?: string;
  readonly output: UsageOutput;
};

/** Returns 2 if a file could not be read to its end; what was read of it counts all the same. */
export async function usage(options: UsageOptions, io: CommandIo): Promise<0 | 2> {
  keepHeapSmall();
  const tally = createUsageTally();
  let skippedLines = 0;
  let code: 0 | 2 = 0;
  for (const file of options.auditLog) {
    const read = await readLog(file, { tally, io });
    skippedLines += read.skippedLines;
    if (!read.isWhole) code = 2;
  }
  const report: UsageReport = {
    tally,
    known: options.cluster ? await readAccounts(options, io.signal) : undefined,
    skippedLines,
  };
  io.write(render(report, options.output));
  if (tally.events === 0) {
    io.writeError('curfew: there is no request in it; audit events (audit.k8s.io/v1) are expected, one a line\n');
    return 2;
  }
  return code;
}

/** What could be read of a file counts, and why the rest could not is said. */
async function readLog(
  file: string,
  { tally, io }: { readonly tally: UsageTally; readonly io: CommandIo },
): Promise<{ readonly skippedLines: number; readonly isWhole: boolean }> {
  let skippedLines = 0;
  try {
    for await (const line of readLines(file, io.input)) {
      io.signal.throwIfAborted();
      if (!addLine(tally, line)) skippedLines += 1;
    }
    return { skippedLines, isWhole: true };
  } catch (error) {
    io.signal.throwIfAborted();
    io.writeError(`curfew: ${file} cannot be read to its end: ${describeError(error)}\n`);
    return { skippedLines, isWhole: false };
  }
}

/** False if it is no event. */
function addLine(tally: UsageTally, line: Line): boolean {
  if (line?.trim() === '') return true;
  const event = line === undefined ? undefined : readAuditEvent(line);
  if (event !== undefined && event !== 'other stage') addEvent(tally, event);
  return event !== undefined;
}

async function readAccounts(options: UsageOptions, signal: AbortSignal): Promise<KnownAccounts> {
  const client = await connectCluster(options);
  const { configuration } = await loadConfigurationFile(options.config);
  const { facts } = findClusterFacts(configuration, await readOwnToken());
  const known: KnownAccounts = new Map();
  const { namespace } = options;
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  for await (const page of listAll(client, { path: `/api/v1${within}/serviceaccounts` }, signal)) {
    for (const account of page) addAccount(known, account);
  }
  for await (const page of listAll(client, { path: `/api/v1${within}/pods` }, signal)) {
    for (const pod of page) addPod(known, pod, facts.apiAudiences);
  }
  return known;
}

function render(report: UsageReport, output: UsageOutput): string {
  switch (output) {
    case 'table':
      return renderUsageTable(report);
    case 'json':
      return `${JSON.stringify(toUsageJson(report), undefined, 2)}\n`;
    case 'manifests':
      return listUsageManifests(report)
        .map((manifest) => `---\n${stringify(manifest, { lineWidth: 0 })}`)
        .join('');
  }
}
