/** What is in an image that was written in the form of `docker save`. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { asArray, asString, valueAt } from '../src/objects/json.ts';
import { mustRun } from './run-program.ts';

const LIMIT = { timeoutMs: 120_000 };

export type ImageFile = {
  /** Without a slash in front. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly bytes: number;
};

export type OpenImage = {
  /** The image's own configuration: user, entry point and so on. */
  readonly config: unknown;
  /** As a container sees them, sorted by path. */
  readonly files: readonly ImageFile[];
  /** Of all layers, unpacked. */
  readonly bytes: number;
  /** Unpacks one file and returns where it is until the image is closed; throws if it is not there. */
  extract(path: string): Promise<string>;
  read(path: string): Promise<string>;
};

/** Opens the archive for as long as `use` runs. */
export async function withImage<T>(archive: string, use: (image: OpenImage) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'curfew-image-contents-'));
  try {
    await mustRun('tar', ['-C', scratch, '-xf', archive], LIMIT);
    const manifest: unknown = JSON.parse(await readFile(join(scratch, 'manifest.json'), 'utf8'));
    const layers = asArray(valueAt(manifest, [0, 'Layers'])).map((name) => join(scratch, asString(name) ?? ''));
    const configFile = asString(valueAt(manifest, [0, 'Config'])) ?? '';
    const { files, bytes } = await readLayers(layers);
    const extract = async (path: string): Promise<string> => {
      const layer = files.get(path)?.layer;
      if (layer === undefined) throw new Error(`the image has no file ${path}`);
      // One for each: two tars that make the same folders at once trip over one another.
      const folder = await mkdtemp(join(scratch, 'extracted-'));
      await mustRun('tar', ['-C', folder, '--no-same-owner', '-xf', layer.archive, layer.name], LIMIT);
      return join(folder, layer.name);
    };
    return await use({
      config: valueAt(JSON.parse(await readFile(join(scratch, configFile), 'utf8')), ['config']),
      files: [...files.values()].map(({ file }) => file).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      bytes,
      extract,
      read: async (path) => await readFile(await extract(path), 'utf8'),
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Found = { readonly file: ImageFile; readonly layer: { readonly archive: string; readonly name: string } };

const KINDS: Readonly<Record<string, ImageFile['kind']>> = { '-': 'file', d: 'folder', l: 'link', h: 'file' };

/** `-rw-r--r-- 0/0   12 2026-01-01 00:00 ./path`, and of a link also where it leads. */
const LINE = /^(\S)\S+\s+\S+\s+(\d+)\s+\S+\s+\S+\s(.*?)(?: -> .*| link to .*)?$/;
/** A file that says that another one of a lower layer is gone (OCI image specification, layer.md, "Whiteouts"). */
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

async function readLayers(layers: readonly string[]): Promise<{ files: Map<string, Found>; bytes: number }> {
  const files = new Map<string, Found>();
  let bytes = 0;
  const removeBelow = (folder: string) => {
    for (const path of files.keys()) if (path === folder || path.startsWith(`${folder}/`)) files.delete(path);
  };
  for (const archive of layers) {
    const lines = await mustRun('tar', ['--numeric-owner', '--quoting-style=literal', '-tvf', archive], LIMIT);
    for (const line of lines.split('\n').filter((text) => text !== '')) {
      const [, type = '', size = '', name = ''] = LINE.exec(line) ?? [];
      const kind = KINDS[type];
      if (kind === undefined) throw new Error(`${archive} holds what is no file, folder or link: ${line}`);
      const path = name.replace(/^\.?\//, '').replace(/\/$/, '');
      if (path === '' || path === '.') continue;
      if (basename(path) === OPAQUE) removeBelow(dirname(path));
      else if (basename(path).startsWith(WHITEOUT)) {
        removeBelow(join(dirname(path), basename(path).slice(WHITEOUT.length)));
      } else files.set(path, { file: { path, kind, bytes: Number(size) }, layer: { archive, name } });
      bytes += Number(size);
    }
  }
  return { files, bytes };
}
