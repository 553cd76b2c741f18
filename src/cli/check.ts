/** `curfew check`: what the webhook would say of manifests, before anything is applied. */

import { access } from 'node:fs/promises';
import type { Checked, CheckOptions } from '../manifests/check-manifests.ts';
import { checkManifests } from '../manifests/check-manifests.ts';
import { exitCodeOf } from '../manifests/check-report.ts';
import type { ActiveLevel } from '../objects/level.ts';
import { renderCheckGithub } from '../reports/check-github.ts';
import { renderCheckJunit } from '../reports/check-junit.ts';
import { renderCheckSarif } from '../reports/check-sarif.ts';
import { renderCheckTable } from '../reports/check-table.ts';
import { VERSION } from '../version.ts';
import type { CheckOutput } from './check-outputs.ts';
import { findClusterFacts } from './cluster-facts.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import { readInputs } from './input-files.ts';
import { createProgressBar, type Terminal } from './progress-bar.ts';

export type CheckCommandOptions = {
  readonly config?: string;
  readonly level?: ActiveLevel;
  readonly namespace: string;
  readonly output: CheckOutput;
};

export type CheckIo = {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly signal: AbortSignal;
  readonly input: AsyncIterable<Uint8Array>;
  /** Where a bar may be drawn; undefined where standard error is no terminal. */
  readonly terminal: Terminal | undefined;
};

/** Found in the working directory, it is used without being named. */
const USUAL_FILE = 'curfew.yaml';

/** What the chart calls its objects unless it is told otherwise. */
const RELEASE = 'curfew';

/**
 * Checks `names` (files, folders, or - for standard input), writes the report, and returns the exit code.
 *
 * @throws ConfigurationError if the configuration cannot be used
 */
export async function check(names: readonly string[], options: CheckCommandOptions, io: CheckIo): Promise<0 | 1 | 2> {
  const file = options.config ?? (await findUsualFile());
  if (file !== undefined && options.config === undefined) io.writeError(`curfew: configuration from ${file}\n`);
  const { configuration } = await loadConfigurationFile(file);
  const { sources, faults } = await readInputs(names, io);
  const bar = createProgressBar(io.terminal);
  const how: CheckOptions = {
    configuration,
    cluster: findClusterFacts(configuration, undefined).facts,
    now: Date.now(),
    release: RELEASE,
    level: options.level,
    namespace: options.namespace,
    onProgress: bar.show,
  };
  const checked = checkManifests(
    // The configuration lies among the manifests of many a repository.
    sources.filter((source) => source.file !== file),
    how,
    faults,
  );
  bar.clear();
  io.write(render(checked, options.output));
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
