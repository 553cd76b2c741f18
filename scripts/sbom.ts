/**
 * Software bills of materials, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). A bundle hides its packages from
 * scanners, so it brings its own; that of the image is made from it and from what else is found in the image. The same
 * input gives the same bytes: there is neither a time nor a random number in them.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { listBundledPackages } from './third-party-licenses.ts';

type License = { readonly license: { readonly id: string } } | { readonly expression: string };

export type Component = {
  readonly type: 'application' | 'library' | 'container' | 'operating-system';
  readonly 'bom-ref': string;
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly licenses?: readonly License[];
  readonly hashes?: readonly { readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }[];
  readonly cpe?: string;
  readonly purl?: string;
};

export type Sbom = {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
};

/** The bill of `subject`, which is made of these and of nothing else. A component that comes twice is listed once. */
export function toSbom(subject: Component, parts: readonly Component[]): Sbom {
  const byReference = new Map(parts.map((part) => [part['bom-ref'], part]));
  const references = [...byReference.keys()].toSorted();
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: subject },
    components: references.flatMap((reference) => byReference.get(reference) ?? []),
    dependencies: [{ ref: subject['bom-ref'], dependsOn: references }],
  };
}

export function renderSbom(sbom: Sbom): string {
  return `${JSON.stringify(sbom, undefined, 2)}\n`;
}

export type Bundle = {
  /** The folder that the metafile's paths start from, with package-lock.json. */
  readonly root: string;
  readonly version: string;
  readonly code: string;
};

/** What the bundle is made of: each package with code in it, and what package-lock.json says of where it is from. */
export async function describeBundle(metafile: Metafile, { root, version, code }: Bundle): Promise<Sbom> {
  const lock: { readonly packages: Readonly<Record<string, Locked | undefined>> } = JSON.parse(
    await readFile(join(root, 'package-lock.json'), 'utf8'),
  );
  const parts = await Promise.all(
    listBundledPackages(metafile).map(
      async (folder) => await describePackage(join(root, folder), lock.packages[folder]),
    ),
  );
  const purl = `pkg:npm/curfew@${version}`;
  const hash = createHash('sha256').update(code).digest('hex');
  const subject: Component = {
    type: 'application',
    'bom-ref': purl,
    name: 'curfew',
    version,
    licenses: [toLicense('Apache-2.0')],
    hashes: [{ alg: 'SHA-256', content: hash }],
    purl,
  };
  return toSbom(subject, parts);
}

type Locked = { readonly version?: string; readonly integrity?: string };

async function describePackage(folder: string, locked: Locked | undefined): Promise<Component> {
  const manifest: { readonly name: string; readonly version: string; readonly license?: string } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  );
  const { name, version, license } = manifest;
  if (license === undefined || locked?.integrity === undefined || locked.version !== version) {
    throw new Error(`${name} ${version} is bundled, and has no licence or is not what package-lock.json names.`);
  }
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [group, ...rest] = name.split('/');
  return {
    type: 'library',
    'bom-ref': purl,
    ...(rest.length > 0 && group !== undefined ? { group, name: rest.join('/') } : { name }),
    version,
    licenses: [toLicense(license)],
    hashes: [{ alg: 'SHA-512', content: toHex(locked.integrity) }],
    purl,
  };
}

/** One licence has an id of SPDX; several are an expression. */
function toLicense(text: string): License {
  return /[ ()]/.test(text) ? { expression: text } : { license: { id: text } };
}

/** Of the archive that npm downloaded: `sha512-BASE64` (Subresource Integrity) in hexadecimal digits. */
function toHex(integrity: string): string {
  const encoded = /^sha512-(\S+)$/.exec(integrity)?.[1];
  if (encoded === undefined) throw new Error(`package-lock.json has ${JSON.stringify(integrity)}, which is no sha512.`);
  return Buffer.from(encoded, 'base64').toString('hex');
}
