import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ToolBuildError } from '../../scripts/build-tools.ts';
import {
  kubernetesFolder,
  moduleFolder,
  moduleOf,
  parseGoMod,
  parseVersion,
  readPin,
  TOOLS,
} from '../../scripts/tool-versions.ts';
import { type FindOptions, findTools, ToolMissingError, type ToolName } from '../../scripts/tools.ts';

/** An empty machine: PATH, cache and assets are folders of the test. */
let root: string;
let progress: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'curfew-tools-test-'));
  progress = [];
  for (const folder of ['path', 'path2', 'assets', 'cache']) await mkdir(join(root, folder));
});

afterEach(() => rm(root, { recursive: true, force: true }));

function options(extra: NodeJS.ProcessEnv = {}): FindOptions & { readonly env: NodeJS.ProcessEnv } {
  const PATH = `${join(root, 'path')}:${join(root, 'path2')}`;
  return {
    env: { PATH, HOME: root, CURFEW_TOOLS_CACHE: join(root, 'cache'), ...extra },
    onProgress: (line) => progress.push(line),
  };
}

/** Writes a program that prints one line. */
async function install(path: string, prints: string): Promise<string> {
  return installScript(path, `echo '${prints}'`);
}

async function installScript(path: string, script: string): Promise<string> {
  const file = join(root, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

function cached(folder: string, file: string): string {
  return `cache/${folder}-${readPin(folder).version}/${file}`;
}

function cachedVersion(minor: string, file: string): string {
  return `cache/kubernetes-${readPin(kubernetesFolder({ CURFEW_KUBERNETES: minor })).version}/${file}`;
}

/** A Go that takes its time, notes its arguments, and writes each program that it is asked for. */
function installGo(version: string, build = ''): Promise<string> {
  return installScript(
    'path/go',
    `if [ "$1" = env ]; then echo ${version}; exit 0; fi
echo "$CGO_ENABLED $GOFLAGS $GOTOOLCHAIN $*" >> '${root}/go.log'
${build}
out=$6; shift 6
/bin/sleep 0.2
for package in "$@"; do echo '#!/bin/sh' > "$out\${package##*/}"; /bin/chmod 755 "$out\${package##*/}"; done`,
  );
}

async function goCalls(): Promise<readonly string[]> {
  return (await readFile(join(root, 'go.log'), 'utf8')).trimEnd().split('\n');
}

describe('the table of tools', () => {
  test.each(TOOLS)('$name is a tool of its go.mod, which pins a version', async ({ folder, package: name }) => {
    const text = await readFile(join(moduleFolder(folder), 'go.mod'), 'utf8');
    expect(text.split(/\s+/)).toContain(name);
    expect(readPin(folder).version).toMatch(/^v\d+\.\d+\.\d+$/);
  });

  test('kubernetes is told its version', () => {
    expect(moduleOf('kubernetes').linkerFlags('v1.36.3')).toContain(
      '-X k8s.io/component-base/version.gitVersion=v1.36.3',
    );
  });
});

describe('parseGoMod', () => {
  test.each([
    ['a line', 'module m\ngo 1.26.0\nrequire example.org/a/v2 v2.1.0\n'],
    ['a block', 'go 1.26.0\nrequire (\n\texample.org/a v9.9.9\n\texample.org/a/v2 v2.1.0 // indirect\n)\n'],
    ['a replace', 'go 1.26.0\nreplace example.org/a/v2 => example.org/b v9.0.0\nrequire example.org/a/v2 v2.1.0\n'],
  ])('reads the required version from %s', (_, text) => {
    expect(parseGoMod(text, 'example.org/a/v2')).toEqual({ version: 'v2.1.0', go: '1.26.0' });
  });

  test('says what is missing', () => {
    expect(() => parseGoMod('go 1.26.0\n', 'example.org/a')).toThrow('The go.mod does not require example.org/a.');
  });
});

test.each([
  ['Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0', { major: 1, minor: 32 }],
  ['v4.3.1+g0123abc', { major: 4, minor: 3 }],
  ['go1.26.8', { major: 1, minor: 26 }],
  ['devel go1.27-abcdef', { major: 1, minor: 27 }],
])('parseVersion reads %j', (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

describe('findTools prefers', () => {
  test('KUBEBUILDER_ASSETS for the control plane, and the cache for what envtest lacks', async () => {
    const manager = await install(cached('kubernetes', 'kube-controller-manager'), 'Kubernetes v1.36.3');
    await install(cached('etcd', 'etcd'), 'etcd');
    const etcd = await install('assets/etcd', 'etcd');
    const found = await findTools(
      ['etcd', 'kube-controller-manager'],
      options({ KUBEBUILDER_ASSETS: join(root, 'assets') }),
    );
    expect(found).toEqual({ etcd, 'kube-controller-manager': manager });
  });

  test.each([
    ['v1.32.4-dispatcher', 'cache'],
    ['v1.35.0', 'path'],
    ['v1.37.0', 'path'],
    ['v1.38.0', 'cache'],
    ['v0.0.0-master', 'cache'],
  ])('kubectl %s in PATH: takes it from the %s', async (version, from) => {
    const { minor } = parseVersion(readPin('kubernetes').version);
    const shifted = version.replace(/^v1\.3(\d)/, (_, digit) => `v1.${minor - 6 + Number(digit)}`);
    const own = await install('path/kubectl', `Client Version: ${shifted}`);
    const pinned = await install(cached('kubernetes', 'kubectl'), 'pinned');
    expect(await findTools(['kubectl'], options())).toEqual({ kubectl: from === 'path' ? own : pinned });
  });

  test('a kubectl further down PATH to an unfit one before it', async () => {
    await install('path/kubectl', 'Client Version: v1.20.0');
    const fit = await install('path2/kubectl', `Client Version: ${readPin('kubernetes').version}`);
    expect(await findTools(['kubectl'], options())).toEqual({ kubectl: fit });
  });

  test('a kubectl that fits the API server of KUBEBUILDER_ASSETS', async () => {
    await install('assets/kube-apiserver', 'Kubernetes v1.30.2');
    await install('path/kubectl', `Client Version: ${readPin('kubernetes').version}`);
    const asset = await install('assets/kubectl', 'Client Version: v1.30.2');
    const found = await findTools(['kubectl'], options({ KUBEBUILDER_ASSETS: join(root, 'assets') }));
    expect(found).toEqual({ kubectl: asset });
  });

  test('of KUBEBUILDER_ASSETS only the version that CURFEW_KUBERNETES asks for', async () => {
    const asset = await install('assets/kube-apiserver', 'Kubernetes v1.33.4');
    const pinned = await install(cachedVersion('1.37', 'kube-apiserver'), 'Kubernetes v1.37.0');
    const find = async (minor: string) =>
      await findTools(
        ['kube-apiserver'],
        options({ KUBEBUILDER_ASSETS: join(root, 'assets'), CURFEW_KUBERNETES: minor }),
      );
    expect(await find('1.33')).toEqual({ 'kube-apiserver': asset });
    expect(await find('1.37')).toEqual({ 'kube-apiserver': pinned });
  });

  test('the helm in PATH of the right major version', async () => {
    const own = await install('path/helm', 'v3.18.0+g1234567');
    const pinned = await install(cached('helm4', 'helm'), 'v4.3.1');
    expect(await findTools(['helm', 'helm3'], options())).toEqual({ helm: pinned, helm3: own });
  });

  test('the cache of XDG_CACHE_HOME, then that of the home folder', async () => {
    const { version } = readPin('etcd');
    const home = await install(`.cache/curfew/tools/etcd-${version}/etcd`, '');
    expect(await findTools(['etcd'], options({ CURFEW_TOOLS_CACHE: '' }))).toEqual({ etcd: home });
    const xdg = await install(`xdg/curfew/tools/etcd-${version}/etcd`, '');
    const env = { CURFEW_TOOLS_CACHE: '', XDG_CACHE_HOME: join(root, 'xdg') };
    expect(await findTools(['etcd'], options(env))).toEqual({ etcd: xdg });
  });
});

describe('findTools says in a sentence what to install', () => {
  const sentence = async (names: readonly ToolName[]): Promise<unknown> => {
    const error: unknown = await findTools(names, options()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ToolMissingError);
    return error instanceof Error ? error.message : undefined;
  };

  test('without Go', async () => {
    expect(await sentence(['etcd'])).toBe(
      'etcd cannot be found, and not be built since Go is not in PATH: install Go 1.26 or newer, or put the binaries of envtest into a folder and name it in KUBEBUILDER_ASSETS, or install Docker and run the suite on kind.',
    );
  });

  test('with a Go that is too old', async () => {
    await installGo('go1.22.4');
    expect(await sentence(['helm'])).toBe(
      'helm cannot be found, and not be built since go1.22.4 in PATH is too old: install Go 1.26 or newer, or put Helm 4 into PATH.',
    );
  });
});

describe('a build', () => {
  test('runs Go once for the tools of one module, and leaves just them', async () => {
    await installGo('go1.26.1');
    const { version } = readPin('kubernetes');
    const found = await findTools(['kube-apiserver', 'kubectl'], options());
    const folder = join(root, 'cache', `kubernetes-${version}`);
    expect(found).toEqual({ 'kube-apiserver': join(folder, 'kube-apiserver'), kubectl: join(folder, 'kubectl') });
    expect((await readdir(folder)).toSorted()).toEqual(['kube-apiserver', 'kubectl']);
    const calls = await goCalls();
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/^0 -buildvcs=false local build -trimpath -ldflags -s -w -X .* -o .*\/ k8s\.io\/.*$/);
    expect(progress[0]).toBe(
      `building kube-apiserver, kubectl ${version} with Go, once: 6 to 8 minutes with an empty Go cache and 2 cores`,
    );
    expect(await findTools(['kubectl'], options())).toEqual({ kubectl: join(folder, 'kubectl') });
    expect(await goCalls()).toHaveLength(1);
  });

  test('of two at the same time happens once', async () => {
    await installGo('go1.26.1');
    const [one, two] = await Promise.all([findTools(['helm'], options()), findTools(['helm'], options())]);
    expect(one).toEqual(two);
    expect(await goCalls()).toHaveLength(1);
  });

  test('that fails leaves nothing and shows what Go said', async () => {
    await installGo('go1.26.1', 'echo "go: no such module" >&2; exit 3');
    const failing = findTools(['helm'], options());
    await expect(failing).rejects.toBeInstanceOf(ToolBuildError);
    await expect(failing).rejects.toThrow(/could not build helm v4.* \(exit code 3\):\ngo: no such module$/);
    expect(await readdir(join(root, 'cache', `helm4-${readPin('helm4').version}`))).toEqual([]);
  });

  test('that is interrupted leaves nothing', async () => {
    await installGo('go1.26.1', 'exec /bin/sleep 30');
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 300);
    await expect(findTools(['helm'], { ...options(), signal: interrupt.signal })).rejects.toThrow('was interrupted');
    expect(await readdir(join(root, 'cache', `helm4-${readPin('helm4').version}`))).toEqual([]);
  });

  test('takes over from a process that was killed while building', async () => {
    await installGo('go1.26.1');
    const gone = spawnSync('/bin/sh', ['-c', 'exit 0']).pid;
    const folder = join(root, 'cache', `helm4-${readPin('helm4').version}`);
    await mkdir(join(folder, `.build-${gone}-abc`), { recursive: true });
    await writeFile(join(folder, `.build-${gone}-abc`, 'helm'), 'half a binary');
    await symlink(String(gone), join(folder, '.lock'));
    expect(await findTools(['helm'], options())).toEqual({ helm: join(folder, 'helm') });
    expect(await readdir(folder)).toEqual(['helm']);
  });
});

test('the command refuses a name it does not know', () => {
  const script = join(import.meta.dirname, '../../scripts/tools.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, 'etcd', 'docker'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toBe(`usage: node scripts/tools.ts [${TOOLS.map((tool) => tool.name).join(' | ')}]...\n`);
});
