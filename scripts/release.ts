/**
 * `npm run release`: what a release is made of, in one place. The workflow calls it for each step, and here it runs dry: it
 * does everything that needs no network beyond the package registries, publishes nothing, and writes into dist/ alone.
 *
 *     npm run release -- --dry-run             checks, builds everything, says what would be published
 *     npm run release -- check [--tag v0.1.0]  versions, changelog, hashes of the lock file, a clean tree, signatures
 *     npm run release -- build [--image-digest sha256:…]   package, chart, bills of materials, checksums, in dist/release
 *     npm run release -- sbom IMAGE.tar NAME FILE          the bill of materials of an image in the form of `docker save`
 *     npm run release -- notes                 what the changelog says of this version
 *
 * `--root FOLDER` takes the checked files from another folder.
 */

import { createHash } from 'node:crypto';
import { access, copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BUNDLE_SBOM, describeImage } from './image-sbom.ts';
import { checkRelease } from './release-checks.ts';
import { mustRun, runProgram } from './run-program.ts';
import { renderSbom } from './sbom.ts';
import { findTools } from './tools.ts';

const ROOT = join(import.meta.dirname, '..');
const OUTPUT = join(ROOT, 'dist', 'release');
const CHART = join('charts', 'curfew');
const CHECKSUMS = 'SHA256SUMS';
const IMAGE = 'ghcr.io/curfew-dev/curfew';
const CHARTS = 'oci://ghcr.io/curfew-dev/charts';
const BUILD_MS = 15 * 60_000;
/** npm asks Sigstore for its keys; where that cannot be reached, it is said and not waited for. */
const SIGNATURES_MS = 120_000;

const { values, positionals } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    tag: { type: 'string' },
    'image-digest': { type: 'string' },
    root: { type: 'string', default: ROOT },
  },
  allowPositionals: true,
});

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`curfew release: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const [command, ...args] = positionals;
  if (values['dry-run'] && command === undefined) return await runDry();
  switch (command) {
    case 'check':
      return await check();
    case 'build':
      await build(values['image-digest']);
      return 0;
    case 'sbom': {
      const [archive, name, file] = args;
      if (archive === undefined || name === undefined || file === undefined) return refuse();
      await writeFile(resolve(file), renderSbom(await describeImage(resolve(archive), name)));
      return 0;
    }
    case 'notes':
      say((await checkRelease({ root: values.root, tag: values.tag })).notes);
      return 0;
    default:
      return refuse();
  }
}

function refuse(): number {
  process.stderr.write(
    'usage: npm run release -- --dry-run | check [--tag TAG] | build [--image-digest DIGEST] | sbom IMAGE.tar NAME FILE | notes\n',
  );
  return 2;
}

async function check(): Promise<number> {
  const { version, problems } = await checkRelease({ root: values.root, tag: values.tag });
  const all = [...problems, ...(await findDirt())];
  for (const problem of all) process.stderr.write(`curfew release: ${problem}\n`);
  if (all.length > 0) return 1;
  say(
    `ok   version ${version}: package, lock file, chart, changelog${values.tag === undefined ? '' : ' and tag'} agree`,
  );
  say('ok   every package of the lock file has its hash');
  say('ok   nothing is changed or new in the work tree');
  return await checkSignatures();
}

/** What is built is what is committed. */
async function findDirt(): Promise<readonly string[]> {
  const changed = (await mustRun('git', ['status', '--porcelain'], { cwd: values.root })).trim();
  if (changed === '') return [];
  return [
    `The work tree is not what is committed: ${changed
      .split('\n')
      .map((line) => line.trim())
      .slice(0, 5)
      .join(', ')}.`,
  ];
}

/** Whether the registry signed what is installed; a registry or a network without that is no fault of ours. */
async function checkSignatures(): Promise<number> {
  const args = ['audit', 'signatures', '--fetch-retries=0'];
  const { code, stdout, stderr } = await runProgram('npm', args, { cwd: values.root, timeoutMs: SIGNATURES_MS });
  const printed = `${stdout}\n${stderr}`;
  if (code === 0) {
    say(`ok   ${stdout.trim().split('\n').join('; ')}`);
    return 0;
  }
  if (/invalid|missing/i.test(stdout)) {
    process.stderr.write(`curfew release: npm audit signatures: ${stdout.trim()}\n`);
    return 1;
  }
  const [why = 'it said nothing'] =
    /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|E\d{3}\b|no .*signatures?.*/i.exec(printed) ?? [];
  say(`note signatures of packages are not verified here (${why}): the registry or Sigstore's keys cannot be reached.`);
  return values.tag === undefined ? 0 : 1;
}

async function build(digest: string | undefined): Promise<void> {
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new Error(`--image-digest ${digest} is no sha256:… of 64 digits.`);
  }
  const { version } = await checkRelease({ root: ROOT });
  await rm(OUTPUT, { recursive: true, force: true });
  await mkdir(OUTPUT, { recursive: true });
  const packed = join(ROOT, 'dist', 'npm');
  await mustRun(process.execPath, [join(ROOT, 'scripts', 'build.ts'), packed], { cwd: ROOT, timeoutMs: BUILD_MS });
  await mustRun('npm', ['pack', packed, '--pack-destination', OUTPUT], { cwd: ROOT });
  // Helm will call the chart by the same name.
  await rename(join(OUTPUT, `curfew-${version}.tgz`), join(OUTPUT, `curfew-${version}.npm.tgz`));
  await copyFile(join(packed, BUNDLE_SBOM), join(OUTPUT, `curfew-${version}.npm.cdx.json`));
  const { helm } = await findTools(['helm']);
  await mustRun(helm, ['package', await copyChart(digest), '--destination', OUTPUT], { cwd: ROOT });
  await writeChecksums();
}

/** The chart as it is published: it names the image by what it is, not by a tag that may be moved. */
async function copyChart(digest: string | undefined): Promise<string> {
  const copy = join(ROOT, 'dist', 'chart', 'curfew');
  await rm(copy, { recursive: true, force: true });
  await cp(join(ROOT, CHART), copy, { recursive: true });
  await copyFile(join(ROOT, 'LICENSE'), join(copy, 'LICENSE'));
  if (digest === undefined) return copy;
  const file = join(copy, 'values.yaml');
  const before = await readFile(file, 'utf8');
  const after = before.replace('\n  digest: ""\n', `\n  digest: "${digest}"\n`);
  if (after === before) throw new Error(`${CHART}/values.yaml has no empty image.digest to write the digest into.`);
  await writeFile(file, after);
  return copy;
}

/** As `sha256sum --check` reads them. */
async function writeChecksums(): Promise<void> {
  const files = (await readdir(OUTPUT)).filter((name) => name !== CHECKSUMS).toSorted();
  const lines = await Promise.all(
    files.map(async (file) => {
      const hash = createHash('sha256')
        .update(await readFile(join(OUTPUT, file)))
        .digest('hex');
      return `${hash}  ${file}\n`;
    }),
  );
  await writeFile(join(OUTPUT, CHECKSUMS), lines.join(''));
}

async function runDry(): Promise<number> {
  const code = await check();
  if (code !== 0) return code;
  await build(undefined);
  const { version } = await checkRelease({ root: ROOT });
  const hasImage = await buildImage(version);
  await writeChecksums();
  say(`ok   built, in ${relative(process.cwd(), OUTPUT) || OUTPUT}:`);
  say((await readFile(join(OUTPUT, CHECKSUMS), 'utf8')).trimEnd().replaceAll(/^/gm, '       '));
  say('note the tests are not run here: npm test. The workflow runs them before anything is published.');
  if (!hasImage) say('note no image was built: there is no buildah here.');
  say('A release would publish, all of it signed and with provenance:');
  say(`       ${IMAGE}:${version}, for linux/amd64 and linux/arm64, each with its bill of materials`);
  say(`       ${CHARTS}/curfew:${version}, whose image.digest is that image`);
  say(`       npm package curfew@${version}`);
  say(`       a page of the tag v${version} with the files above and ${CHECKSUMS}`);
  return 0;
}

/** The Dockerfile's stages on bases of this machine; false where that cannot be tried. */
async function buildImage(version: string): Promise<boolean> {
  const hasBuildah = await runProgram('buildah', ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  );
  if (!hasBuildah) return false;
  const file = join(ROOT, 'dist', 'image.tar');
  await mustRun(process.execPath, [join(ROOT, 'scripts', 'image.ts'), file], { cwd: ROOT, timeoutMs: BUILD_MS });
  await access(file);
  await copyFile(join(ROOT, 'dist', 'image.cdx.json'), join(OUTPUT, `curfew-${version}.image.cdx.json`));
  return true;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
