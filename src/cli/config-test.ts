/** `curfew config test`: what a change of configuration would change in a cluster that is there. */

import { parse } from 'yaml';
import { auditCluster } from '../audit/audit-cluster.ts';
import type { FindingChange } from '../audit/compare-findings.ts';
import { compareFindings } from '../audit/compare-findings.ts';
import { measureLimits } from '../audit/measure-limits.ts';
import { listSelfRefusals } from '../engine/self-refusals.ts';
import { readOwnToken } from '../kube/own-token.ts';
import { rememberAnswers } from '../kube/remember-answers.ts';
import { describeError } from '../kube/sentences.ts';
import { isObject, type JsonObject, type JsonValue } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import type { Configuration } from '../policy/configuration.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../policy/configuration.ts';
import { migrateFile } from '../policy/migrations.ts';
import { setValue, toSteps } from '../policy/set-value.ts';
import { renderConfigurationTrial } from '../reports/trial-table.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { ConfigurationError, loadConfigurationFile } from './configuration-file.ts';
import type { ClusterChoice } from './connect-cluster.ts';
import { connectCluster } from './connect-cluster.ts';
import { DEFAULT_RELEASE } from './release.ts';

export type ConfigTestOptions = ClusterChoice & {
  readonly config?: string;
  /** `key=value` each. */
  readonly set: readonly string[];
  readonly namespace?: string;
  readonly output: 'table' | 'json';
};

/** 0 if nothing more would be refused, 1 if something would, 2 if not all could be read. */
export async function testConfiguration(options: ConfigTestOptions, io: CommandIo): Promise<0 | 1 | 2> {
  const { configuration, parsed } = await loadConfigurationFile(options.config);
  const changed = changeConfiguration(parsed, options.set);
  const client = await connectCluster(options);
  // Both look at the same objects: what others change in between is no change of the configuration.
  const remembering = rememberAnswers(client);
  const ownToken = await readOwnToken();
  const limits = await measureLimits({ client, signal: io.signal, account: undefined, ownClaims: undefined });
  const audit = async (one: Configuration) =>
    await auditCluster({
      client: remembering,
      server: client.server,
      namespace: options.namespace,
      signal: io.signal,
      configuration: one,
      cluster: findClusterFacts(one, ownToken).facts,
      now: Date.now(),
      limits,
      release: DEFAULT_RELEASE,
    });
  const [before, after] = [await audit(configuration), await audit(changed)];
  const changes = compareFindings(before, after);
  const report = {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'ConfigurationTrial',
    cluster: client.server,
    set: options.set,
    changes,
    faults: after.faults,
    summary: {
      judged: after.summary.judged,
      deniedBefore: before.summary.denied,
      deniedAfter: after.summary.denied,
      undecidedBefore: before.summary.undecided,
      undecidedAfter: after.summary.undecided,
    },
  } as const;
  io.write(options.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderConfigurationTrial(report));
  // What is undecided by both is not a matter of the change.
  if (after.faults.length > 0 || after.summary.undecided > before.summary.undecided) return 2;
  return changes.some(isNewlyRefused) ? 1 : 0;
}

function isNewlyRefused({ after }: FindingChange): boolean {
  return after === 'refused';
}

/** @throws ConfigurationError with a line for each mistake */
function changeConfiguration(parsed: unknown, set: readonly string[]): Configuration {
  const { file } = migrateFile(parsed);
  const base: JsonObject = { ...EMPTY_CONFIGURATION_FILE, ...(isObject(file) ? file : {}) };
  const changed = set.map(toAssignment).reduce((all, { steps, value }) => setValue(all, steps, value), base);
  const result = readConfiguration(changed);
  const problems = result.ok ? listSelfRefusals(result.configuration) : result.problems;
  if (result.ok && problems.length === 0) return result.configuration;
  const lines = problems.map(({ path, problem }) => `  ${path} ${problem}`);
  throw new ConfigurationError(['with --set it is not a valid configuration:', ...lines].join('\n'));
}

function toAssignment(text: string): { readonly steps: readonly string[]; readonly value: JsonValue } {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--set ${quote(text)} is not KEY=VALUE`);
  try {
    return { steps: toSteps(text.slice(0, at)), value: parse(text.slice(at + 1)) as JsonValue };
  } catch (error) {
    throw new Error(`--set ${quote(text)}: its value is no YAML: ${describeError(error)}`, { cause: error });
  }
}
