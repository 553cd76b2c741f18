/** `curfew cleanup`: ends token Secrets in steps, with time between them to notice who still needs one. */

import { toBackup } from '../cleanup/backup.ts';
import type { PlannedSecret } from '../cleanup/plan.ts';
import { planCleanup } from '../cleanup/plan.ts';
import { readFacts } from '../cleanup/read-facts.ts';
import type { CleanupReport } from '../cleanup/report.ts';
import { toReport } from '../cleanup/report.ts';
import type { Step } from '../cleanup/take-step.ts';
import { takeStep } from '../cleanup/take-step.ts';
import { idOf } from '../cleanup/token-secret.ts';
import type { KubeClient } from '../kube/api.ts';
import { createSystemClock, runWithDeadline } from '../kube/clock.ts';
import { describeError } from '../kube/sentences.ts';
import { countOf, quote } from '../objects/text.ts';
import type { Configuration } from '../policy/configuration.ts';
import { isLeftAlone, SYSTEM_NAMESPACE } from '../policy/scope.ts';
import { renderCleanupTable } from '../reports/cleanup-table.ts';
import { renderCleanupMetrics } from '../reports/job-metrics.ts';
import { appendLine } from './append-line.ts';
import type { CommandIo, ExitCode } from './commands/context.ts';
import { USAGE } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import { publishMetrics } from './publish-metrics.ts';

export type CleanupOptions = ClusterChoice & {
  readonly config?: string;
  /** All of them without it. */
  readonly namespace?: string;
  /** In seconds. */
  readonly unusedFor: number;
  /** In seconds. */
  readonly invalidFor: number;
  readonly includeListed: boolean;
  readonly output: 'table' | 'json';
  /** Of `plan`: ends with 1 while any remain. */
  readonly verify?: boolean;
  /** Of `restore`: every Secret that Curfew made invalid. */
  readonly all?: boolean;
  /** Of the other steps: ask nobody. */
  readonly yes?: boolean;
  /** Of `delete`: file to which the metadata of each is appended first. */
  readonly backup?: string;
  /** File or URL. */
  readonly metrics?: string;
};

const REQUEST_MS = 15_000;

/** What is typed to go on. Deleting takes a whole word: nothing brings the token back. */
const WORDS: Readonly<Record<Step, string>> = { invalidate: 'y', restore: 'y', delete: 'delete' };

/** Names are `namespace/name`, or with a namespace in the options the name alone; none for all. */
export async function planTokens(names: readonly string[], options: CleanupOptions, io: CommandIo): Promise<ExitCode> {
  const run = await prepare(names, options, io);
  const report = run.toReport('plan');
  await writeReport(report, options, io);
  if (report.faults.length > 0) return 2;
  return options.verify === true && report.summary.remaining > 0 ? 1 : 0;
}

/** 0 if the step was taken wherever it may be, 1 if the person said no, 2 if it stopped. */
export async function runCleanupStep(
  step: Step,
  names: readonly string[],
  { options, io }: { readonly options: CleanupOptions; readonly io: CommandIo },
): Promise<ExitCode> {
  if (step === 'restore' && names.length === 0 && options.all !== true) {
    io.writeError('curfew: say which Secrets to restore, or --all of those that Curfew made invalid\n');
    return USAGE;
  }
  const run = await prepare(names, options, io);
  const stop = async (message: string, stopped?: CleanupReport['stopped']): Promise<2> => {
    await writeReport(run.toReport(step, stopped), options, io);
    io.writeError(`curfew: ${message}\n`);
    return 2;
  };
  if (run.faults.length > 0)
    return await stop('nothing was changed: without all of these lists no guard can be relied on');
  const changed = step === 'restore' ? undefined : run.plan.find(({ state }) => state === 'changed');
  if (changed !== undefined) {
    const id = idOf(changed.secret);
    return await stop(`nothing was changed: ${id} is not as Curfew left it`, {
      secret: id,
      message: 'label or annotation was changed by somebody else since Curfew made it invalid',
    });
  }
  const targets = run.plan.filter((planned) => isTarget(step, planned));
  if (targets.length > 0 && options.yes !== true) {
    const refusal = await confirm(step, { targets, run, io });
    if (refusal !== undefined) return refusal;
  }
  for (const { secret } of targets) {
    const why = await take(step, secret, { options, io, client: run.client });
    if (why !== undefined)
      return await stop(`stopped at ${idOf(secret)}: ${why}`, { secret: idOf(secret), message: why });
    run.done.add(idOf(secret));
    io.writeError(`curfew: ${PAST[step]} ${idOf(secret)}\n`);
  }
  await writeReport(run.toReport(step), options, io);
  return 0;
}

const PAST: Readonly<Record<Step, string>> = {
  invalidate: 'made invalid:',
  restore: 'made valid again:',
  delete: 'deleted:',
};

function isTarget(step: Step, { next, state, secret }: PlannedSecret): boolean {
  if (step !== 'restore') return next === step;
  return !secret.isLeaving && (state === 'invalidated' || state === 'changed');
}

type Run = {
  readonly client: KubeClient;
  readonly plan: readonly PlannedSecret[];
  readonly faults: readonly string[];
  readonly done: Set<string>;
  readonly toReport: (step: CleanupReport['step'], stopped?: CleanupReport['stopped']) => CleanupReport;
};

async function prepare(names: readonly string[], options: CleanupOptions, io: CommandIo): Promise<Run> {
  const wanted = names.map((name) => toId(name, options.namespace));
  const { configuration } = await loadConfigurationFile(options.config);
  const client = await connectCluster(options);
  const facts = await readFacts({ client, namespace: options.namespace, signal: io.signal });
  const plan = select(planCleanup(facts, toPlanOptions(configuration, options)), wanted);
  const done = new Set<string>();
  return {
    client,
    plan,
    faults: facts.faults,
    done,
    toReport: (step, stopped) => toReport(plan, { cluster: client.server, step, faults: facts.faults, done, stopped }),
  };
}

function toPlanOptions(configuration: Configuration, options: CleanupOptions): Parameters<typeof planCleanup>[1] {
  return {
    now: Date.now(),
    unusedForMs: options.unusedFor * 1000,
    invalidForMs: options.invalidFor * 1000,
    includeListed: options.includeListed,
    exemptions: configuration.exemptions,
    isPlatform: (namespace) =>
      namespace !== options.namespace && (namespace === SYSTEM_NAMESPACE || isLeftAlone(configuration, namespace, '')),
  };
}

function toId(name: string, namespace: string | undefined): string {
  const parts = name.split('/');
  if (parts.length === 2) return name;
  if (parts.length === 1 && namespace !== undefined) return idOf({ namespace, name });
  throw new Error(`${quote(name)} is not NAMESPACE/NAME; a name alone needs --namespace`);
}

function select(plan: readonly PlannedSecret[], wanted: readonly string[]): readonly PlannedSecret[] {
  const known = new Set(plan.map(({ secret }) => idOf(secret)));
  const missing = wanted.find((id) => !known.has(id));
  if (missing !== undefined) throw new Error(`there is no token Secret ${quote(missing)}`);
  return wanted.length === 0 ? plan : plan.filter(({ secret }) => wanted.includes(idOf(secret)));
}

type Question = { readonly targets: readonly PlannedSecret[]; readonly run: Run; readonly io: CommandIo };

/** Shows what would be done and asks. Returns the exit code to end with, or undefined to go on. */
async function confirm(step: Step, { targets, run, io }: Question): Promise<ExitCode | undefined> {
  const what = `${step} ${countOf(targets.length, 'token Secret')} at ${run.client.server}`;
  if (io.ask === undefined) {
    io.writeError(`curfew: nothing was changed: to ${what} takes --yes where there is no terminal to ask on\n`);
    return USAGE;
  }
  io.writeError(renderCleanupTable(run.toReport('plan')));
  const answer = await io.ask(`To ${what}, type ${WORDS[step]}: `);
  if (answer.trim() === WORDS[step]) return undefined;
  io.writeError('curfew: nothing was changed\n');
  return 1;
}

type Taking = { readonly options: CleanupOptions; readonly io: CommandIo; readonly client: KubeClient };

/** Why it was not taken; undefined if it was. */
async function take(
  step: Step,
  secret: PlannedSecret['secret'],
  { options, io, client }: Taking,
): Promise<string | undefined> {
  try {
    if (step === 'delete' && options.backup !== undefined) {
      await appendLine(options.backup, JSON.stringify(toBackup(secret)));
    }
    const write = async (signal: AbortSignal) => await takeStep(step, secret, { client, now: Date.now(), signal });
    return await runWithDeadline(write, { clock: createSystemClock(), ms: REQUEST_MS, signal: io.signal });
  } catch (error) {
    return io.signal.aborted ? 'the process was asked to stop' : describeError(error);
  }
}

async function writeReport(report: CleanupReport, { output, metrics }: CleanupOptions, io: CommandIo): Promise<void> {
  io.write(output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderCleanupTable(report));
  if (metrics !== undefined) await publishMetrics(metrics, renderCleanupMetrics(report, Date.now()), io.signal);
}
