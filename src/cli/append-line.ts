/** A file that grows by lines, such as a backup: what was written is on the disk before anything else happens. */

import { open } from 'node:fs/promises';

/** Makes the file if there is none, readable by its owner alone. @throws Error with a sentence that names it */
export async function appendLine(file: string, line: string): Promise<void> {
  try {
    await using handle = await open(file, 'a', 0o600);
    await handle.appendFile(`${line}\n`);
    // A pipe or a terminal has no disk to wait for.
    if ((await handle.stat()).isFile()) await handle.sync();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`${file} cannot be written (${code})`, { cause: error });
  }
}
