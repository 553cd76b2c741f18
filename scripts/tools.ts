/**
 * Finds the outside tools: etcd, kube-apiserver, kube-controller-manager, kubectl, Helm 4 and 3, kind.
 *
 * One order for everybody, so that a laptop, a build server and an offline machine all run the same suite: a program
 * of the user's own that fits, then our cache, then a build from the versions pinned in `tools/`, else one sentence.
 *
 *     node scripts/tools.ts [names...]     finds or builds, prints a line `name<TAB>path` for each
 *     CURFEW_KUBERNETES=1.33               takes another pinned version of Kubernetes than the usual one
 */

import { constants, realpathSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { buildTools, cachedPath, whyGoCannotBuild } from './build-tools.ts';
import { runProgram } from './run-program.ts';
import { kubernetesFolder, parseVersion, readPin, TOOLS, type Tool, type ToolName, toolFor } from './tool-versions.ts';

export type { ToolName } from './tool-versions.ts';

export type FindOptions = {
  /** PATH, KUBEBUILDER_ASSETS, CURFEW_KUBERNETES, CURFEW_TOOLS_CACHE, XDG_CACHE_HOME; the process's own by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with one line for a person, now and then during a build; standard error by default. */
  readonly onProgress?: ((line: string) => void) | undefined;
  /** Ends a build. */
  readonly signal?: AbortSignal | undefined;
};

/** A tool is neither here nor can it be built. The message is one sentence that says what to install. */
export class ToolMissingError extends Error {
  override readonly name = 'ToolMissingError';
  readonly tool: ToolName;

  constructor(tool: ToolName, message: string) {
    super(message);
    this.tool = tool;
  }
}

/** Every tool that `npm test` uses: kind is of use only beside Docker, the others for a node. */
const NOT_BY_DEFAULT: readonly ToolName[] = ['kind', 'kube-scheduler', 'kube-proxy', 'kubelet'];
const DEFAULT_NAMES = TOOLS.map((tool) => tool.name).filter((name) => !NOT_BY_DEFAULT.includes(name));

/**
 * The absolute paths of `names`, building what is not there. A first build takes minutes and says so.
 *
 * @throws ToolMissingError if a tool is neither found nor can be built here.
 */
export async function findTools<Name extends ToolName>(
  names: readonly Name[],
  options: FindOptions = {},
): Promise<Readonly<Record<Name, string>>> {
  const env = options.env ?? process.env;
  const onProgress = options.onProgress ?? ((line: string) => process.stderr.write(`curfew tools: ${line}\n`));
  const cache = cacheFolder(env);
  const paths = new Map<ToolName, string>();
  const missing: Tool[] = [];
  for (const tool of [...new Set(names)].map((name) => toolFor(name, env))) {
    const found = (await findOwn(tool, env)) ?? (await executable(cachedPath(tool, cache)));
    if (found === undefined) missing.push(tool);
    else paths.set(tool.name, found);
  }
  for (const [folder, tools] of Map.groupBy(missing, (tool) => tool.folder)) {
    const obstacle = await whyGoCannotBuild(folder, env);
    if (obstacle !== undefined) throw missingError(tools, obstacle);
    await buildTools(tools, { cache, env, onProgress, signal: options.signal });
    for (const tool of tools) paths.set(tool.name, cachedPath(tool, cache));
  }
  return Object.fromEntries(paths) as Record<Name, string>;
}

/** A program of the user's own that can stand in for the pinned one. */
async function findOwn(tool: Tool, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  switch (tool.name) {
    case 'etcd':
      return findAsset(tool.name, env);
    case 'kube-apiserver':
    case 'kube-controller-manager':
      return await findAskedFor(tool, env);
    case 'kube-scheduler':
    case 'kube-proxy':
    case 'kubelet':
      return undefined;
    case 'kubectl': {
      // Whoever asks for a version gets the whole of it.
      if (env['CURFEW_KUBERNETES']) return undefined;
      const asset = await findAsset('kubectl', env);
      const server = await controlPlaneVersion(env);
      // Kubernetes supports a kubectl one minor version older or newer than the API server.
      return findInPath('kubectl', {
        env,
        versionArgs: ['version', '--client'],
        accepts: (found) => {
          return found.major === server.major && Math.abs(found.minor - server.minor) <= 1;
        },
      }).then((found) => found ?? asset);
    }
    case 'helm':
    case 'helm3': {
      const { major } = parseVersion(readPin(tool.folder).version);
      return findInPath('helm', {
        env,
        versionArgs: ['version', '--short'],
        accepts: (found) => found.major === major,
      });
    }
    case 'kind': {
      const pinned = parseVersion(readPin(tool.folder).version);
      // An older kind does not know the node images of the pinned one.
      return findInPath('kind', {
        env,
        versionArgs: ['version'],
        accepts: (found) => {
          return found.major === pinned.major && found.minor >= pinned.minor;
        },
      });
    }
  }
}

/** The envtest convention: KUBEBUILDER_ASSETS names a folder with etcd, kube-apiserver and kubectl. */
async function findAsset(file: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folder = env['KUBEBUILDER_ASSETS'];
  return folder ? executable(resolve(folder, file)) : undefined;
}

/** A server of KUBEBUILDER_ASSETS; where CURFEW_KUBERNETES asks for a version, only one of that version. */
async function findAskedFor(tool: Tool, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const asset = await findAsset(tool.name, env);
  if (asset === undefined || !env['CURFEW_KUBERNETES']) return asset;
  const [found, wanted] = [await versionOf(asset, ['--version'], env), parseVersion(readPin(tool.folder).version)];
  return found?.major === wanted.major && found.minor === wanted.minor ? asset : undefined;
}

/** The version of the API server that the tests will run: the user's own, or the pinned one. */
async function controlPlaneVersion(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly major: number; readonly minor: number }> {
  const server = await findAskedFor(toolFor('kube-apiserver', env), env);
  const version = server === undefined ? undefined : await versionOf(server, ['--version'], env);
  return version ?? parseVersion(readPin(kubernetesFolder(env)).version);
}

type Acceptance = {
  readonly env: NodeJS.ProcessEnv;
  readonly versionArgs: readonly string[];
  readonly accepts: (version: { readonly major: number; readonly minor: number }) => boolean;
};

async function findInPath(file: string, { env, versionArgs, accepts }: Acceptance): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = folder === '' ? undefined : await executable(resolve(folder, file));
    const version = path === undefined ? undefined : await versionOf(path, versionArgs, env);
    if (version !== undefined && accepts(version)) return path;
  }
  return undefined;
}

/** The version that a program prints; undefined if it does not run or prints none. */
async function versionOf(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly major: number; readonly minor: number } | undefined> {
  try {
    const { code, stdout } = await runProgram(path, args, { env, timeoutMs: 15_000 });
    return code === 0 ? parseVersion(stdout) : undefined;
  } catch {
    return undefined;
  }
}

async function executable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const own = env['CURFEW_TOOLS_CACHE'];
  if (own) return resolve(own);
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'curfew', 'tools');
}

function missingError(tools: readonly Tool[], obstacle: string): ToolMissingError {
  const [first] = tools;
  if (first === undefined) throw new Error('No tool is missing.');
  const { major, minor } = parseVersion(readPin(first.folder).go);
  const names = tools.map((tool) => tool.name).join(', ');
  return new ToolMissingError(
    first.name,
    `${names} cannot be found, and not be built since ${obstacle}: install Go ${major}.${minor} or newer, or ${first.instead}.`,
  );
}

async function main(words: readonly string[]): Promise<void> {
  const known = TOOLS.map((tool) => tool.name);
  const isToolName = (word: string): word is ToolName => known.some((name) => name === word);
  const names = words.filter(isToolName);
  if (names.length < words.length) {
    process.stderr.write(`usage: node scripts/tools.ts [${known.join(' | ')}]...\n`);
    process.exitCode = 2;
    return;
  }
  // An interrupted script ends the Go compiler too: it would otherwise go on for minutes.
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupt.abort());
  try {
    const wanted = names.length > 0 ? names : DEFAULT_NAMES;
    const paths = await findTools(wanted, { signal: interrupt.signal });
    for (const name of wanted) process.stdout.write(`${name}\t${paths[name]}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

const script = process.argv[1];
if (script !== undefined && realpathSync(script) === import.meta.filename) await main(process.argv.slice(2));
