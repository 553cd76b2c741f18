/** Finds Chromium, in which the HTML report is tested. It is not downloaded: Debian has it. */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where it cannot be found: what to say. */
export const NO_CHROMIUM =
  'The HTML report is tested in chromium, which is not in PATH. Debian has it: apt-get install --no-install-recommends chromium';

/** Its absolute path; undefined if there is none. */
export async function findChromium(path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((one) => one !== '')) {
    const file = join(folder, 'chromium');
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}
