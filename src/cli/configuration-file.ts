/** Reads the configuration file: YAML to a Configuration, or sentences that say what is wrong and where. */

import { open } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { Configuration } from '../policy/configuration.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../policy/configuration.ts';

const MAX_FILE_BYTES = 1024 * 1024;

/** The file cannot be used. The message has one line a mistake, each with the path in the file. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export type LoadedConfiguration = {
  readonly configuration: Configuration;
  /** The file's text, to notice a change; empty if there is no file. */
  readonly text: string;
};

/** The configuration in `file`, or all defaults if there is none. @throws ConfigurationError */
export async function loadConfigurationFile(file: string | undefined): Promise<LoadedConfiguration> {
  if (file === undefined) return { configuration: check('(defaults)', EMPTY_CONFIGURATION_FILE), text: '' };
  const text = await readText(file);
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigurationError(`${file} is not valid YAML: ${error.message.trim()}`);
  return {
    configuration: check(
      file,
      toPlain(file, () => document.toJS({ maxAliasCount: 100 })),
    ),
    text,
  };
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

function check(file: string, parsed: unknown): Configuration {
  const result = readConfiguration(parsed);
  if (result.ok) return result.configuration;
  const lines = result.problems.map(({ path, problem }) => `  ${path} ${problem}`);
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
