import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

type Package = {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
};

type Manifest = Record<string, Record<string, string> | undefined>;
type Lock = { readonly packages: Record<string, Package> };

function readFolder(folder: string): { readonly manifest: Manifest; readonly lock: Lock } {
  const read = (name: string) => JSON.parse(readFileSync(join(ROOT, folder, name), 'utf8'));
  return { manifest: read('package.json'), lock: read('package-lock.json') };
}

describe.each(['.', 'tools/mutation'])('Dependencies of %s', (folder) => {
  const { manifest, lock } = readFolder(folder);

  it('are pinned exactly', () => {
    const wanted = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((key) =>
      Object.entries(manifest[key] ?? {}),
    );
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('are locked without the address of a registry', () => {
    expect(Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it('are locked with the hash of each, for other platforms too', () => {
    const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
    expect(packages.filter(([, { integrity = '' }]) => !/^sha512-[\w+/]{86}==$/.test(integrity))).toEqual([]);
  });

  it('are locked for every platform, or npm ci refuses on all of them', () => {
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      ),
    );
    expect(missing.filter((name) => !name.includes('wasm32'))).toEqual([]);
  });
});

describe('Dependencies that are published', () => {
  it('have their reason in a decision', () => {
    const decision = readFileSync(join(ROOT, 'docs/decisions/0002-runtime-dependencies.md'), 'utf8');
    const { manifest } = readFolder('.');
    for (const name of Object.keys(manifest['dependencies'] ?? {})) expect(decision).toContain(name);
  });
});
