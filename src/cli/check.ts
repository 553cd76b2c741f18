/** `curfew check`: what the webhook would say of manifests, before anything is applied. */

import { access, writeFile } from 'node:fs/promises';
import type { Checked, CheckOptions, SourceText } from '../manifests/check-manifests.ts';
import { checkManifests } from '../manifests/check-manifests.ts';
import { exitCodeOf } from '../manifests/check-report.ts';
import { repairSources } from '../manifests/repair-sources.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { countOf } from '../objects/text.ts';
import { renderCheckGithub } from '../reports/check-github.ts';
import { renderCheckJunit } from '../reports/check-junit.ts';
import { renderCheckSarif } from '../reports/check-sarif.ts';
import { renderCheckTable } from '../reports/check-table.ts';
import { renderRepairDiff } from '../reports/repair-diff.ts';
import { VERSION } from '../version.ts';
import type { CheckOutput } from './check-outputs.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { CommandIo } from './commands/context.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import { readInputs, STANDARD_INPUT } from './input-files.ts';
import { createProgressBar } from './progress-bar.ts';
import { DEFAULT_RELEASE } from './release.ts';

export type CheckCommandOptions = {
  readonly config?: string;
  readonly level?: ActiveLevel;
  readonly namespace: string;
  readonly output: CheckOutput;
  /** Write what can be repaired into the files, and judge them again. */
  readonly fix: boolean;
  /** Show what `fix` would write, and write nothing. */
  readonly diff: boolean;
};

/** Found in the working directory, it is used without being named. */
const USUAL_FILE = 'curfew.yaml';

/**
 * Checks `names` (files, folders, or - for standard input), writes the report, and returns the exit code. With `fix` the
 * report is about the files as they are then; with `diff` it is left out, and the code is that of the files as they are.
 *
 * @throws ConfigurationError if the configuration cannot be used
 */
export async function check(names: readonly string[], options: CheckCommandOptions, io: CommandIo): Promise<0 | 1 | 2> {
  const file = options.config ?? (await findUsualFile());
  if (file !== undefined && options.config === undefined) io.writeError(`curfew: configuration from ${file}\n`);
  const { configuration } = await loadConfigurationFile(file);
  const inputs = await readInputs(names, io);
  // The configuration lies among the manifests of many a repository.
  const sources = inputs.sources.filter((source) => source.file !== file);
  const bar = createProgressBar(io.terminal);
  const how: CheckOptions = {
    configuration,
    cluster: findClusterFacts(configuration, undefined).facts,
    now: Date.now(),
    release: DEFAULT_RELEASE,
    level: options.level,
    namespace: options.namespace,
    onProgress: bar.show,
  };
  const judge = (texts: readonly SourceText[]): Checked => {
    const judged = checkManifests(texts, how, inputs.faults);
    bar.clear();
    return judged;
  };
  const checked = judge(sources);
  if (!options.fix && !options.diff) return report(checked, options.output, io);

  const { files, checked: left } = repairSources(sources, checked, judge);
  if (options.diff) {
    io.write(files.map(renderRepairDiff).join(''));
    return exitCodeOf(checked.report);
  }
  for (const { file: name, after, written } of files) {
    if (name === STANDARD_INPUT) throw new Error('standard input cannot be repaired; name files, or use --diff');
    await writeFile(name, after);
    io.writeError(`curfew: ${countOf(written, 'value')} written into ${name}\n`);
  }
  return report(left, options.output, io);
}

function report(checked: Checked, output: CheckOutput, io: CommandIo): 0 | 1 | 2 {
  io.write(render(checked, output));
  return exitCodeOf(checked.report);
}

async function findUsualFile(): Promise<string | undefined> {
  try {
    await access(USUAL_FILE);
    return USUAL_FILE;
  } catch {
    return undefined;
  }
}

function render(checked: Checked, output: CheckOutput): string {
  switch (output) {
    case 'table':
      return renderCheckTable(checked);
    case 'json':
      return `${JSON.stringify(checked.report, undefined, 2)}\n`;
    case 'sarif':
      return renderCheckSarif(checked, VERSION);
    case 'junit':
      return renderCheckJunit(checked);
    case 'github':
      return renderCheckGithub(checked);
  }
}
