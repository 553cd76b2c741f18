/** A file that others read while it is written anew: it is there whole or as it was. */

import { open, rename, rm } from 'node:fs/promises';

/** What is written until it is whole; nobody who looks for the file's ending takes it for one. */
const UNFINISHED = '.tmp';

/** @throws what the file system says */
export async function replaceFile(file: string, text: string): Promise<void> {
  const written = `${file}${UNFINISHED}`;
  try {
    // One that a run before has left is gone first: where others write too, it may be a link to somewhere else.
    await rm(written, { force: true });
    await using handle = await open(written, 'wx');
    await handle.writeFile(text);
    // Else a node that fails soon after has a file of that name, and nothing in it.
    await handle.sync();
    await rename(written, file);
  } catch (error) {
    await rm(written, { force: true });
    throw error;
  }
}
