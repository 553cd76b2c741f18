/** `curfew config test`: what a change of configuration would change in a cluster that is there. */

import { parse } from 'yaml';
import type { FindingChange } from '../audit/compare-findings.ts';
import { tryChange } from '../audit/try-change.ts';
import { listSelfRefusals } from '../engine/self-refusals.ts';
import { readOwnToken } from '../kube/own-token.ts';
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
import { createCounter } from './progress-bar.ts';
import { DEFAULT_RELEASE } from './release.ts';
import { keepHeapSmall } from './small-heap.ts';

export type ConfigTestOptions = ClusterChoice & {
  readonly config?: string;
  /** `key=value` each. */
  readonly set: readonly string[];
  readonly namespace?: string;
  readonly output: 'table' | 'json';
};

/** 0 if nothing more would be refused, 1 if something would, 2 if not all could be read. */
export async function testConfiguration(options: ConfigTestOptions, io: CommandIo): Promise<0 | 1 | 2> {
  keepHeapSmall();
  const { configuration, parsed } = await loadConfigurationFile(options.config);
  const changed = changeConfiguration(parsed, options.set);
  const client = await connectCluster(options);
  const ownToken = await readOwnToken();
  const toTrial = (one: Configuration) => ({ configuration: one, cluster: findClusterFacts(one, ownToken).facts });
  const counter = createCounter(io.terminal);
  const { changes, faults, judged, before, after } = await tryChange({
    client,
    namespace: options.namespace,
    signal: io.signal,
    now: Date.now(),
    release: DEFAULT_RELEASE,
    before: toTrial(configuration),
    after: toTrial(changed),
    onList: counter.begin,
    onProgress: counter.show,
  }).finally(counter.clear);
  const report = {
    apiVersion: 'curfew.dev/v1alpha1',
    kind: 'ConfigurationTrial',
    cluster: client.server,
    set: options.set,
    changes,
    faults: faults.map(({ message }) => ({ message })),
    summary: {
      judged,
      deniedBefore: before.denied,
      deniedAfter: after.denied,
      undecidedBefore: before.undecided,
      undecidedAfter: after.undecided,
    },
  } as const;
  io.write(options.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderConfigurationTrial(report));
  // What is undecided by both is not a matter of the change.
  if (faults.length > 0 || after.undecided > before.undecided) return 2;
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
