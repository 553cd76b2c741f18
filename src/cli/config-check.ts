/** `curfew config check FILE`: says whether the server would take the file, and what will soon change about it. */

import { formatEnd, stateOf } from '../policy/exemption.ts';
import { migrateFile } from '../policy/migrations.ts';
import { loadConfigurationFile } from './configuration-file.ts';

/** What there is to say of a file that is valid. @throws ConfigurationError with a line for each mistake */
export async function checkConfiguration(file: string, now: number): Promise<string> {
  const { configuration, parsed } = await loadConfigurationFile(file);
  const [oldest] = migrateFile(parsed).steps;
  const notes = [
    ...(oldest === undefined
      ? []
      : [`apiVersion ${oldest.from} is old; curfew config migrate ${file} -w writes the newest`]),
    ...configuration.exemptions.flatMap((exemption) => {
      const state = stateOf(exemption, now);
      if (state === 'in force') return [];
      const what = state === 'ended' ? 'has ended' : 'ends soon';
      return [`exemption ${exemption.name} ${what} (${formatEnd(exemption)}, owner ${exemption.owner})`];
    }),
  ];
  return [`${file} is valid`, ...notes.map((note) => `  note: ${note}`), ''].join('\n');
}
