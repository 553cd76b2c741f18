/** The files that a command reads: as they are named, all manifests below a folder, or standard input. */

import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestFault } from '../manifests/read-manifests.ts';

export type Input = { readonly file: string; readonly text: string };

export type Inputs = { readonly sources: readonly Input[]; readonly faults: readonly ManifestFault[] };

export type InputOptions = {
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
};

/** Names standard input. */
export const STANDARD_INPUT = '-';

/** In bytes, of everything together; a cluster of thousands of objects prints less. */
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_FILES = 100_000;

const ENDINGS = ['.yaml', '.yml', '.json'];
/** What others have put there. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', 'vendor']);

/** Reads everything that `names` name. What cannot be opened is a fault, and the rest is read all the same. */
export async function readInputs(names: readonly string[], options: InputOptions): Promise<Inputs> {
  const sources: Input[] = [];
  const faults: ManifestFault[] = [];
  let left = MOST_BYTES;
  const files: string[] = [];
  for (const name of names) files.push(...(await listFiles(name, faults)));
  for (const file of files) {
    options.signal.throwIfAborted();
    try {
      const text = file === STANDARD_INPUT ? await readAll(options.input, left) : await readFile(file, left);
      left -= text.length;
      sources.push({ file, text });
    } catch (error) {
      faults.push(toFault(file, error));
    }
  }
  return { sources, faults };
}

/** A name that is a file itself is read whatever its ending; links below a folder are not followed. */
async function listFiles(name: string, faults: ManifestFault[]): Promise<readonly string[]> {
  if (name === STANDARD_INPUT) return [name];
  try {
    if (!(await stat(name)).isDirectory()) return [name];
    const files: string[] = [];
    await walk(name, files);
    if (files.length === 0) faults.push(toFault(name, new Error(`no file in it ends with ${ENDINGS.join(', ')}`)));
    return files;
  } catch (error) {
    faults.push(toFault(name, error));
    return [];
  }
}

async function walk(folder: string, files: string[]): Promise<void> {
  const entries = (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const isHidden = entry.name.startsWith('.') || SKIPPED_FOLDERS.has(entry.name);
    if (entry.isDirectory() && !isHidden) await walk(path, files);
    else if (entry.isFile() && ENDINGS.some((ending) => entry.name.endsWith(ending))) files.push(path);
    if (files.length > MOST_FILES) throw new Error(`there are more than ${MOST_FILES} files in it`);
  }
}

/** @param most - bytes that may still be read */
async function readFile(file: string, most: number): Promise<string> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  if (size > most) throw tooMuch();
  return await handle.readFile('utf8');
}

async function readAll(input: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.byteLength;
    if (bytes > most) throw tooMuch();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooMuch(): Error {
  return new Error(`at most ${MOST_BYTES} bytes are read in all`);
}

function toFault(file: string, error: unknown): ManifestFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const message = code ?? (error instanceof Error ? error.message : 'unknown error');
  return { file, line: 1, column: 1, message };
}
