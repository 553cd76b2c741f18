/**
 * `npm run image`: builds the image from the Dockerfile with buildah, where neither Docker nor a registry of images is at
 * hand. Both bases are made on the spot from this machine's own files, so what is built and tried are the Dockerfile's
 * stages; the released image has the bases that the Dockerfile names.
 *
 *     npm run image [-- FILE]     writes curfew:dev in the form of `docker save` to FILE, dist/image.tar by default, and
 *                                 its bill of materials (CycloneDX) beside it, dist/image.cdx.json
 */

import { access, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { writeImageArchive } from './image-archive.ts';
import { describeImage } from './image-sbom.ts';
import { mustRun, runProgram } from './run-program.ts';
import { renderSbom } from './sbom.ts';

const ROOT = join(import.meta.dirname, '..');
const NAME = 'curfew.dev/curfew:dev';
const BASE = 'curfew.dev/stand-in/run:1';
const BUILD_BASE = 'curfew.dev/stand-in/build:1';
const BUILD_LIMIT_MS = 15 * 60_000;
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const BUSYBOX = '/bin/busybox';

const target = resolve(process.argv[2] ?? join(ROOT, 'dist', 'image.tar'));

try {
  await buildImage(target);
  const sbom = target.replace(/(?:\.tar)?$/, '.cdx.json');
  await writeFile(sbom, renderSbom(await describeImage(target, NAME)));
  console.log(`built ${NAME}: ${target}, ${sbom}`);
} catch (error) {
  process.stderr.write(`curfew image: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function buildImage(file: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'curfew-image-'));
  try {
    const storage = ['--root', join(scratch, 'storage'), '--runroot', join(scratch, 'run'), '--storage-driver', 'vfs'];
    const buildah = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await runProgram('buildah', [...storage, ...args], {
        cwd: ROOT,
        timeoutMs: BUILD_LIMIT_MS,
      });
      if (code !== 0)
        throw new Error(`buildah ${args[0]}: ${`${stdout}\n${stderr}`.trim().split('\n').slice(-20).join('\n')}`);
      return stdout;
    };
    for (const archive of [await writeRunBase(scratch), await writeBuildBase(scratch)]) {
      await buildah('pull', `docker-archive:${archive}`);
      await rm(archive);
    }
    const bases = ['--build-arg', `BASE=${BASE}`, '--build-arg', `BUILD_BASE=${BUILD_BASE}`];
    await buildah('bud', '--isolation', 'chroot', '--pull-never', ...bases, ...(await npmVolumes()), '-t', NAME, '.');
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    await buildah('push', NAME, `docker-archive:${file}:${NAME}`);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Like gcr.io/distroless/nodejs24-debian12:nonroot: Node, its libraries, certificates, a user; no shell. */
async function writeRunBase(scratch: string): Promise<string> {
  const libraries = await librariesOf(process.execPath);
  return await writeImageArchive(scratch, BASE, {
    contents: {
      files: [['nodejs/bin/node', process.execPath], [CERTIFICATES, CERTIFICATES], ...libraries],
      texts: {
        'etc/passwd': 'root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n',
        ...(await describePackages(libraries.map(([, path]) => path))),
      },
      folders: ['tmp'],
    },
    config: {
      Env: ['PATH=/usr/bin:/bin', `SSL_CERT_FILE=${CERTIFICATES}`],
      User: '65532',
      Entrypoint: ['/nodejs/bin/node'],
    },
  });
}

/** Like node:24-bookworm-slim: Node, npm and a shell. */
async function writeBuildBase(scratch: string): Promise<string> {
  const npm = await findNpm();
  const applets = [
    'sh',
    'env',
    'cat',
    'ls',
    'mkdir',
    'rm',
    'cp',
    'mv',
    'ln',
    'chmod',
    'uname',
    'sed',
    'grep',
    'dirname',
    'basename',
  ];
  return await writeImageArchive(scratch, BUILD_BASE, {
    contents: {
      files: [
        ['usr/local/bin/node', process.execPath],
        ['usr/local/lib/node_modules/npm', npm],
        ['bin/busybox', BUSYBOX],
        [CERTIFICATES, CERTIFICATES],
        ...(await librariesOf(process.execPath)),
      ],
      links: [
        ['usr/local/bin/npm', '../lib/node_modules/npm/bin/npm-cli.js'],
        ['usr/local/bin/npx', '../lib/node_modules/npm/bin/npx-cli.js'],
        ['usr/bin/env', '/bin/busybox'],
        ...applets.map((applet) => [`bin/${applet}`, 'busybox'] as const),
      ],
      texts: { 'etc/passwd': 'root:x:0:0::/root:/bin/sh\n' },
      folders: ['tmp', 'root'],
    },
    config: {
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'HOME=/root', `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`],
      Cmd: ['/bin/sh'],
    },
  });
}

/** The folder of the npm that this machine has. */
async function findNpm(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const command = await realpath(join(folder, 'npm')).catch(() => undefined);
    // Of a package's own `npm` this is npm/bin/npm-cli.js.
    if (command?.endsWith('npm-cli.js')) return dirname(dirname(command));
  }
  throw new Error('npm is not in PATH');
}

/** The shared libraries that a program names, at the paths at which its loader looks for them. */
async function librariesOf(program: string): Promise<readonly (readonly [string, string])[]> {
  const paths = (await mustRun('ldd', [program])).match(/\/\S+(?= \()/g) ?? [];
  return paths.map((path) => [path.slice(1), path] as const);
}

/** What distroless images say of their packages, for those that these files and the certificates are from. */
async function describePackages(paths: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => undefined);
  const names = new Set(['ca-certificates']);
  for (const path of paths) {
    // Programs look in /lib, which is a link to /usr/lib; some packages name the one and some the other.
    const printed = await query('--search', path, `/usr${path}`, await realpath(path));
    const [name] = printed.split(':');
    if (name !== undefined && name !== '') names.add(name);
  }
  const texts: Record<string, string> = {};
  for (const name of names) {
    const status = await query('--status', name);
    if (status !== '') texts[`var/lib/dpkg/status.d/${name}`] = status;
  }
  return release === undefined ? {} : { 'etc/os-release': release, ...texts };
}

/** What dpkg-query prints; nothing on a machine that is no Debian. */
async function query(...args: readonly string[]): Promise<string> {
  return await runProgram('dpkg-query', args).then(
    ({ stdout }) => stdout,
    () => '',
  );
}

/** The user's own settings of npm, such as another registry; read, and not copied into the image. */
async function npmVolumes(): Promise<readonly string[]> {
  const path = (await mustRun('npm', ['config', 'get', 'userconfig'])).trim();
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  return isThere ? ['--volume', `${path}:/root/.npmrc:ro`] : [];
}
