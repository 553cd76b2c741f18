import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type OpenImage, withImage } from '../../scripts/image-contents.ts';
import { runProgram } from '../../scripts/run-program.ts';
import type { Sbom } from '../../scripts/sbom.ts';
import { findSchemaProblems } from '../../test/contract/cyclonedx.ts';

const LIMIT_BYTES = 200_000_000;

/** The archive that `npm run test:cluster` has built, and loaded into the cluster. */
const ARCHIVE = process.env['CURFEW_IMAGE'] ?? '';

describe('The image', () => {
  it('runs as nobody in particular, and starts the server', async () => {
    const config = await look(({ config: found }) => found);
    expect(config).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['/nodejs/bin/node', '--max-semi-space-size=2', '--no-parallel-scavenge', '/curfew/curfew.mjs'],
      Cmd: ['serve'],
    });
  });

  it('has no shell, no package manager and no program but Node', async () => {
    const paths = await look(({ files }) => files.filter(({ kind }) => kind !== 'folder').map(({ path }) => path));
    expect(paths).toContain('nodejs/bin/node');
    const names = /(^|\/)(bash|sh|dash|ash|busybox|npm|npx|corepack|yarn|apt|apt-get|dpkg|curl|wget)$/;
    expect(paths.filter((path) => names.test(path) || /(^|\/)s?bin\/(?!node$)/.test(path))).toEqual([]);
  });

  it('has one file of code, and beside it what it is made of', async () => {
    const paths = await look(({ files }) => files.filter(({ kind }) => kind === 'file').map(({ path }) => path));
    expect(paths.filter((path) => /\.[cm]?[jt]sx?$/.test(path) || path.includes('node_modules'))).toEqual([
      'curfew/curfew.mjs',
    ]);
    expect(paths.filter((path) => path.startsWith('curfew/'))).toEqual([
      'curfew/LICENSE',
      'curfew/THIRD-PARTY-LICENSES.txt',
      'curfew/curfew.cdx.json',
      'curfew/curfew.mjs',
      'curfew/package.json',
    ]);
  });

  it('is smaller than 200 MB, unpacked and with Node', async () => {
    const bytes = await look((image) => image.bytes);
    console.log(`the image has ${Math.round(bytes / 1_000_000)} MB`);
    expect(bytes).toBeGreaterThan(50_000_000);
    expect(bytes).toBeLessThan(LIMIT_BYTES);
  });
});

describe('Its bill of materials', () => {
  it('is valid, and lists this bundle, its packages, Node and the packages of the base', async () => {
    const sbom = await readSbom();
    expect(findSchemaProblems(sbom)).toEqual([]);
    const listed = sbom.components.map((component) => component['bom-ref']);
    const { bundle, code, licenses, base } = await look(async (image) => ({
      bundle: JSON.parse(await image.read('curfew/curfew.cdx.json')) as Sbom,
      code: await image.read('curfew/curfew.mjs'),
      licenses: await image.read('curfew/THIRD-PARTY-LICENSES.txt'),
      base: image.files.flatMap(({ path }) => /^var\/lib\/dpkg\/status\.d\/(.+)$/.exec(path)?.[1] ?? []),
    }));
    const hash = createHash('sha256').update(code).digest('hex');
    expect(bundle.metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: hash }]);
    expect(sbom.components).toEqual(expect.arrayContaining([bundle.metadata.component, ...bundle.components]));
    for (const { group, name, version } of bundle.components) {
      expect(licenses).toContain(`\n${group === undefined ? '' : `${group}/`}${name} ${version} (`);
    }
    expect(listed).toContain(`pkg:generic/node@${process.versions.node}`);
    expect(listed).toContain(`pkg:generic/openssl@${process.versions.openssl}`);
    const packages = listed.flatMap((reference) => /^pkg:deb\/\w+\/([^@]+)@/.exec(reference)?.[1] ?? []);
    expect(packages).toEqual(base);
    // The libraries of the stand-in are this machine's, so where it is a Debian their packages are known.
    if ((await runProgram('dpkg-query', ['--version']).catch(() => ({ code: 1 }))).code === 0) {
      expect(packages).toEqual(expect.arrayContaining(['ca-certificates', 'libc6', 'libstdc++6']));
    }
  });
});

async function look<T>(use: (image: OpenImage) => T | Promise<T>): Promise<T> {
  return await withImage(ARCHIVE, async (image) => await use(image));
}

async function readSbom(): Promise<Sbom> {
  return JSON.parse(await readFile(ARCHIVE.replace(/(?:\.tar)?$/, '.cdx.json'), 'utf8'));
}
