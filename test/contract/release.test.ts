/** The release script: what it refuses has a sentence, and what it builds is what is published. */

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import rootPackage from '../../package.json' with { type: 'json' };
import { checkRelease } from '../../scripts/release-checks.ts';
import { mustRun, runProgram } from '../../scripts/run-program.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FILES = ['package.json', 'package-lock.json', 'CHANGELOG.md', 'charts/curfew/Chart.yaml'];
const { version } = rootPackage;

let scratch = '';
let root = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'curfew-release-'));
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  root = await mkdtemp(join(scratch, 'copy-'));
  for (const file of FILES) await cp(join(ROOT, file), join(root, file), { recursive: true });
  // As it is between two releases, whenever this is run.
  await writeFile(join(root, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.0.1\n\nOld.\n');
});

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(root, file), 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(join(root, file), after);
}

describe('A release', () => {
  it('can be made of this repository, with notes', async () => {
    const { problems, notes } = await checkRelease({ root: ROOT });
    expect(problems).toEqual([]);
    expect(notes.length).toBeGreaterThan(100);
    expect(notes).not.toContain('\n## ');
    expect((await checkRelease({ root })).notes).toBe('- New.');
  });

  it.each<[string, string, (text: string) => string, string]>([
    [
      'the chart is of another version',
      'charts/curfew/Chart.yaml',
      (text) => text.replace(/^version: .*$/m, 'version: 9.9.9'),
      `charts/curfew/Chart.yaml: version is "9.9.9", and package.json says "${version}".`,
    ],
    [
      'the chart installs another version',
      'charts/curfew/Chart.yaml',
      (text) => text.replace(/^appVersion: .*$/m, 'appVersion: 9.9.9'),
      `charts/curfew/Chart.yaml: appVersion is "9.9.9", and package.json says "${version}".`,
    ],
    [
      'the lock file is of another version',
      'package-lock.json',
      (text) => text.replace(`"version": "${version}"`, '"version": "9.9.9"'),
      `package-lock.json: version is "9.9.9", and package.json says "${version}".`,
    ],
    [
      'a locked package has no hash',
      'package-lock.json',
      (text) => text.replace(/(node_modules\/yaml": \{\n[^}]*?)\n *"integrity": "[^"]*",/, '$1'),
      'package-lock.json: node_modules/yaml has no sha512: take its entry out and run npm install --package-lock-only.',
    ],
    [
      'the changelog does not know it',
      'CHANGELOG.md',
      (text) => text.replace('## Unreleased', '## Something'),
      `CHANGELOG.md has no section "## ${version}" and none "## Unreleased".`,
    ],
    [
      'the changelog says nothing of it',
      'CHANGELOG.md',
      (text) => `${text.slice(0, text.indexOf('## Unreleased'))}## ${version} (2027-01-01)\n\n## 0.0.1\n\nOld.\n`,
      'CHANGELOG.md says nothing of this version.',
    ],
  ])('is refused where %s, with a sentence', async (_what, file, change, sentence) => {
    await edit(file, change);
    expect((await checkRelease({ root })).problems).toEqual([sentence]);
  });

  it('by a tag has the changelog name the version, and the tag too', async () => {
    const tag = `v${version}`;
    expect((await checkRelease({ root, tag })).problems).toEqual([`CHANGELOG.md has no section "## ${version}".`]);
    await edit('CHANGELOG.md', (text) => text.replace('## Unreleased', `## ${version} (2027-01-01)`));
    expect((await checkRelease({ root, tag })).problems).toEqual([]);
    expect((await checkRelease({ root, tag: 'v9.9.9' })).problems).toEqual([
      `The tag is v9.9.9, and package.json says "${version}": the tag of it is v${version}.`,
    ]);
  });
});

describe('npm run release', () => {
  it('ends with the sentence, and builds nothing', async () => {
    await edit('charts/curfew/Chart.yaml', (text) => text.replace(/^version: .*$/m, 'version: 9.9.9'));
    await mustRun('git', ['init', '--quiet', root]);
    const { code, stdout, stderr } = await release(['--dry-run', '--root', root]);
    expect(code).toBe(1);
    expect(stderr).toContain(`charts/curfew/Chart.yaml: version is "9.9.9", and package.json says "${version}".`);
    expect(stderr).toContain('The work tree is not what is committed: ?? CHANGELOG.md');
    expect(stdout).not.toContain('built');
  });

  it('says how it is used to whoever asks for nothing, or for what it does not know', async () => {
    for (const args of [[], ['publish'], ['sbom', 'image.tar']]) {
      const { code, stderr } = await release(args);
      expect({ code, isUsage: stderr.startsWith('usage: ') }).toEqual({ code: 2, isUsage: true });
    }
  });

  it('builds a chart that names its image by digest, a package, and checksums that hold, all below dist', async () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    const { code, stderr } = await release(['build', '--image-digest', digest]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const output = join(ROOT, 'dist', 'release');
    const names = [`curfew-${version}.npm.cdx.json`, `curfew-${version}.npm.tgz`, `curfew-${version}.tgz`];
    expect((await readdir(output)).toSorted()).toEqual(['SHA256SUMS', ...names]);
    const sums = (await readFile(join(output, 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
    expect(sums).toEqual(await Promise.all(names.map(async (name) => `${await hash(join(output, name))}  ${name}`)));
    const inChart = ['-xzOf', join(output, `curfew-${version}.tgz`)];
    expect(await mustRun('tar', [...inChart, 'curfew/values.yaml'])).toContain(`\n  digest: "${digest}"\n`);
    expect(await mustRun('tar', [...inChart, 'curfew/LICENSE'])).toContain('Apache License');
    const inPackage = ['-xzOf', join(output, `curfew-${version}.npm.tgz`), 'package/package.json'];
    expect(JSON.parse(await mustRun('tar', inPackage))).toMatchObject({ version, repository: rootPackage.repository });
  });

  it('takes no digest that is none', async () => {
    const { code, stderr } = await release(['build', '--image-digest', 'latest']);
    expect(code).toBe(1);
    expect(stderr).toContain('--image-digest latest is no sha256:… of 64 digits.');
  });
});

async function release(args: readonly string[]) {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  return await runProgram(process.execPath, [join(ROOT, 'scripts', 'release.ts'), ...args], {
    env,
    timeoutMs: 100_000,
  });
}

async function hash(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
