/** Reads the configuration file: YAML to a Configuration, or sentences that say what is wrong and where. */

import { open } from 'node:fs/promises';
import type { Document } from 'yaml';
import { LineCounter, parseDocument } from 'yaml';
import { listSelfRefusals } from '../engine/self-refusals.ts';
import { isObject, member } from '../objects/json.ts';
import type { Configuration, ConfigurationResult } from '../policy/configuration.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../policy/configuration.ts';
import type { ConfigurationProblem } from '../policy/configuration-problems.ts';
import type { Migration } from '../policy/migrations.ts';
import type { Place } from './locate-problem.ts';
import { locateProblem } from './locate-problem.ts';

const MAX_FILE_BYTES = 1024 * 1024;

/** The file cannot be used. The message has one line a mistake, each with the path in the file. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export type LoadedConfiguration = {
  readonly configuration: Configuration;
  /** The file as it was written; an empty object if there is none. */
  readonly parsed: unknown;
  /** The file's text, to notice a change; empty if there is no file. */
  readonly text: string;
};

/**
 * The configuration in `file`, or all defaults if there is none.
 *
 * @throws ConfigurationError with a line for each mistake
 */
export async function loadConfigurationFile(
  file: string | undefined,
  migrations?: readonly Migration[],
): Promise<LoadedConfiguration> {
  if (file === undefined) {
    return {
      configuration: readOrThrow('(defaults)', readConfiguration(EMPTY_CONFIGURATION_FILE)),
      parsed: {},
      text: '',
    };
  }
  return parseConfiguration(file, await readText(file), migrations);
}

/**
 * The configuration that `text` says, which was read from `file`.
 *
 * @throws ConfigurationError with a line for each mistake
 */
export function parseConfiguration(file: string, text: string, migrations?: readonly Migration[]): LoadedConfiguration {
  const { document, lines, parsed } = parseYaml(file, text);
  const toPlace = (problem: ConfigurationProblem) => describePlace(file, locate(document, lines, problem));
  const read = readOrThrow(file, readConfiguration(parsed, migrations), toPlace);
  const problems = listSelfRefusals(read);
  const configuration = problems.length === 0 ? read : readOrThrow(file, { ok: false, problems }, toPlace);
  return { configuration, parsed, text };
}

/**
 * The configuration in a file of values for the chart: its key `config`, with the defaults that the chart adds.
 *
 * @throws ConfigurationError with a line for each mistake
 */
export async function loadChartValues(file: string): Promise<LoadedConfiguration> {
  const text = await readText(file);
  const { parsed: values } = parseYaml(file, text);
  const config = member(values, 'config') ?? {};
  if (!isObject(config)) throw new ConfigurationError(`${file}: config must be an object, the configuration`);
  const parsed = { ...EMPTY_CONFIGURATION_FILE, ...config };
  return { configuration: readOrThrow(`config in ${file}`, readConfiguration(parsed)), parsed, text };
}

function parseYaml(file: string, text: string) {
  const lines = new LineCounter();
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true, lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigurationError(`${file} is not valid YAML: ${error.message.trim()}`);
  return { document, lines, parsed: toPlain(file, () => document.toJS({ maxAliasCount: 100 })) };
}

function describePlace(file: string, place: Place | undefined): string {
  return place === undefined ? '' : `${file}:${place.line}:${place.column}: `;
}

/** The library throws for an alias that leads nowhere; a place is a help and no more. */
function locate(document: Document, lines: LineCounter, problem: ConfigurationProblem): Place | undefined {
  try {
    return locateProblem(document, lines, problem);
  } catch {
    return undefined;
  }
}

/** The file's text, at most 1 MiB of it. @throws ConfigurationError */
export async function readText(file: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    if (size > MAX_FILE_BYTES) throw new ConfigurationError(`${file} is larger than ${MAX_FILE_BYTES} bytes`);
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigurationError(`${file} cannot be read (${code})`, { cause: error });
  }
}

function readOrThrow(
  file: string,
  result: ConfigurationResult,
  toPlace: (problem: ConfigurationProblem) => string = () => '',
): Configuration {
  if (result.ok) return result.configuration;
  const lines = result.problems.map((problem) => `  ${toPlace(problem)}${problem.path} ${problem.problem}`);
  throw new ConfigurationError([`${file} is not a valid configuration:`, ...lines].join('\n'));
}

/** Aliases that would unfold to a huge object make the YAML library throw. */
function toPlain(file: string, convert: () => unknown): unknown {
  try {
    return convert();
  } catch (error) {
    throw new ConfigurationError(`${file} cannot be read: ${error instanceof Error ? error.message : 'bad YAML'}`, {
      cause: error,
    });
  }
}
