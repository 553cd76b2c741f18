/** `curfew config migrate FILE`: brings a file of an older version of the format to the newest. */

import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { API_VERSION } from '../policy/configuration-schema.ts';
import type { Migration } from '../policy/migrations.ts';
import { migrateFile } from '../policy/migrations.ts';
import { loadConfigurationFile } from './configuration-file.ts';

export type MigrateOptions = {
  /** Writes the file; else it stays as it is and the new text is what is said. */
  readonly isWritten: boolean;
  /** For tests. */
  readonly migrations?: readonly Migration[];
};

/** What was, or would be, changed. @throws ConfigurationError if the file is not valid in either version */
export async function migrateConfiguration(file: string, { isWritten, migrations }: MigrateOptions): Promise<string> {
  const { parsed } = await loadConfigurationFile(file, migrations);
  const { file: migrated, steps } = migrateFile(parsed, migrations);
  if (steps.length === 0) return `${file} has the newest apiVersion, ${API_VERSION}: nothing needs to change\n`;
  const changes = steps.flatMap((step) => [`${step.from} → ${step.to}`, ...step.changes.map((line) => `  ${line}`)]);
  const text = stringify(migrated, { lineWidth: 0 });
  // Comments are not in the data; whoever wants to keep them makes the changes by hand.
  if (!isWritten) return [...changes.map((line) => `# ${line}`), '# Comments are not kept.', text].join('\n');
  await writeFile(file, text);
  return [`${file} is written, without its comments:`, ...changes.map((line) => `  ${line}`), ''].join('\n');
}
