/** Images of one layer, made without a registry, in the form of `docker save`. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './run-program.ts';

/** Layers of hundreds of megabytes are copied. */
const LIMIT = { timeoutMs: 120_000 };

export type ImageConfig = {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
};

/** Where each copied file goes: path in the image, and the file or folder of this machine. */
export type ImageContents = {
  readonly files: readonly (readonly [string, string])[];
  /** Path in the image, and what the link says. */
  readonly links?: readonly (readonly [string, string])[];
  readonly texts?: Readonly<Record<string, string>>;
  /** Folders that are there although they are empty; for everybody to write into. */
  readonly folders?: readonly string[];
};

/** Writes the archive of one image into a folder of its own below `scratch`; returns its path. */
export async function writeImageArchive(
  scratch: string,
  name: string,
  { contents, config }: { readonly contents: ImageContents; readonly config: ImageConfig },
): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'image-'));
  const root = join(folder, 'root');
  await mkdir(root);
  await writeContents(root, contents);
  await mustRun('tar', ['--owner=0', '--group=0', '-C', root, '-cf', join(folder, 'layer.tar'), '.'], LIMIT);
  await rm(root, { recursive: true });
  const digest = (await mustRun('sha256sum', [join(folder, 'layer.tar')], LIMIT)).slice(0, 64);
  const image = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(image));
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(folder, 'image.tar');
  await mustRun('tar', ['-C', folder, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'], LIMIT);
  return archive;
}

async function writeContents(
  root: string,
  { files, links = [], texts = {}, folders = [] }: ImageContents,
): Promise<void> {
  for (const folder of folders) {
    await mkdir(join(root, folder), { recursive: true });
    await mustRun('chmod', ['1777', join(root, folder)]);
  }
  for (const [path, source] of files) {
    await mkdir(join(root, path, '..'), { recursive: true });
    // Links are followed: what they lead to may not be in the image.
    await mustRun('cp', ['--recursive', '--dereference', '--preserve=mode', source, join(root, path)], LIMIT);
  }
  for (const [path, text] of Object.entries(texts)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  for (const [path, target] of links) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await mustRun('ln', ['-s', target, join(root, path)]);
  }
}
