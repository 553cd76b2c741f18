/** The licences of what the bundle holds: most of them ask that their text goes wherever the code goes. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** Folder of the innermost package a bundled file belongs to; a package can lie in another's node_modules. */
const PACKAGE_FOLDER = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** Folders of the packages that have code in the bundle, from the folder that the metafile's paths start from; sorted. */
export function listBundledPackages(metafile: Metafile): readonly string[] {
  const folders = Object.values(metafile.outputs)
    .flatMap((output) => Object.entries(output.inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => PACKAGE_FOLDER.exec(path)?.[1])
    .filter((folder) => folder !== undefined);
  return [...new Set(folders)].toSorted();
}

/**
 * One text: name, version and licence of every package with code in the bundle, the licence files it ships, and at the
 * end the legal comments of the code itself. `root` is the folder that the metafile's paths start from.
 */
export async function renderThirdPartyLicenses(
  metafile: Metafile,
  { root, legalComments }: { root: string; legalComments: string },
): Promise<string> {
  const parts = await Promise.all(
    listBundledPackages(metafile).map(async (folder) => await describePackage(join(root, folder))),
  );
  // A package can be there twice, in one version or in two.
  const packages = [...new Set(parts)];
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return [
    'curfew.mjs holds code of these packages, each under its own licence.\n',
    ...packages,
    `Legal comments of the code itself\n\n${legalComments.trim()}\n`,
  ].join(rule);
}

async function describePackage(folder: string): Promise<string> {
  const manifest: { name: string; version: string; license?: string } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  );
  const { name, version, license } = manifest;
  if (license === undefined) throw new Error(`${name} ${version} is bundled and its package.json names no licence.`);
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).toSorted();
  const texts = await Promise.all(files.map(async (file) => (await readFile(join(folder, file), 'utf8')).trim()));
  return [`${name} ${version} (${license})`, ...texts].join('\n\n').concat('\n');
}
