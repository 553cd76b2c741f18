/**
 * Builds pinned tools with Go, once, into the cache.
 *
 * A half-written binary would fail every later run in a puzzling way, so a build writes into a folder of its own beside
 * the destination and is renamed into place. The lock only saves work: two builds at once waste minutes but do no harm,
 * and that is why a lock whose owner is gone may simply be taken.
 */

import { mkdir, mkdtemp, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from './run-program.ts';
import { moduleFolder, moduleOf, parseVersion, readPin, type Tool } from './tool-versions.ts';

export type BuildOptions = {
  /** The folder that holds one folder for each tool module and version. */
  readonly cache: string;
  readonly env: NodeJS.ProcessEnv;
  /** Called with one line for a person: what is built, how long it takes, how long it has taken. */
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
};

/** Go did not build a tool. */
export class ToolBuildError extends Error {
  override readonly name = 'ToolBuildError';
}

const BUILD_LIMIT_MS = 60 * 60_000;
const HEARTBEAT_MS = 30_000;
const LOCK_POLL_MS = 500;

/** Where the cache keeps `tool`; the file need not exist. */
export function cachedPath(tool: Tool, cache: string): string {
  return join(destinationOf(tool.folder, cache), tool.file);
}

/**
 * Why Go cannot build the module in `folder`, as the end of a sentence; undefined if it can.
 */
export async function whyGoCannotBuild(folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const wanted = parseVersion(readPin(folder).go);
  let found: string;
  try {
    // The local tool chain is asked: switching would download another Go behind the user's back.
    const { code, stdout } = await runProgram('go', ['env', 'GOVERSION'], { env: goEnvironment(env) });
    if (code !== 0) return 'Go does not run';
    found = stdout.trim();
  } catch {
    return 'Go is not in PATH';
  }
  const { major, minor } = parseVersion(found);
  const isNewEnough = major > wanted.major || (major === wanted.major && minor >= wanted.minor);
  return isNewEnough ? undefined : `${found} in PATH is too old`;
}

/** Builds `tools`, all of one module, into the cache. Safe to call from several processes at a time. */
export async function buildTools(tools: readonly Tool[], options: BuildOptions): Promise<void> {
  const folder = tools[0]?.folder;
  if (folder === undefined) return;
  const destination = destinationOf(folder, options.cache);
  await mkdir(destination, { recursive: true });
  const unlock = await lock(destination, options);
  try {
    // Whoever held the lock may have built what we need.
    const present = new Set(await readdir(destination));
    const missing = tools.filter((tool) => !present.has(tool.file));
    await removeAbandonedBuilds(destination, present);
    if (missing.length > 0) await build(missing, { folder, destination }, options);
  } finally {
    await unlock();
  }
}

/** A folder below `tools/`, and where its programs go. */
type Place = { readonly folder: string; readonly destination: string };

async function build(tools: readonly Tool[], { folder, destination }: Place, options: BuildOptions): Promise<void> {
  const { version } = readPin(folder);
  const { coldMinutes, linkerFlags } = moduleOf(folder);
  const what = `${tools.map((tool) => tool.name).join(', ')} ${version}`;
  options.onProgress(`building ${what} with Go, once: ${coldMinutes} with an empty Go cache and 2 cores`);
  const startedAt = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAt) / 1000);
  const heartbeat = setInterval(() => options.onProgress(`still building ${what}: ${seconds()} s`), HEARTBEAT_MS);
  const scratch = await mkdtemp(join(destination, `.build-${process.pid}-`));
  try {
    const flags = ['-s', '-w', ...linkerFlags(version)].join(' ');
    const packages = tools.map((tool) => tool.package);
    const { code, stderr } = await runProgram(
      'go',
      ['build', '-trimpath', '-ldflags', flags, '-o', `${scratch}/`, ...packages],
      {
        cwd: moduleFolder(folder),
        // An interrupted Go leaves its temporary files; here they go with the scratch folder.
        env: { ...goEnvironment(options.env), GOTMPDIR: scratch },
        timeoutMs: BUILD_LIMIT_MS,
        signal: options.signal,
      },
    );
    if (code !== 0) {
      const lastLines = stderr.trimEnd().split('\n').slice(-20).join('\n');
      throw new ToolBuildError(`Go could not build ${what} (exit code ${code}):\n${lastLines}`);
    }
    for (const tool of tools) await rename(join(scratch, tool.builtAs), join(destination, tool.file));
    options.onProgress(`built ${what} in ${seconds()} s`);
  } finally {
    clearInterval(heartbeat);
    await rm(scratch, { recursive: true, force: true, maxRetries: 10 });
  }
}

function destinationOf(folder: string, cache: string): string {
  const { revision, cachedAs = folder } = moduleOf(folder);
  return join(cache, `${cachedAs}-${readPin(folder).version}${revision === undefined ? '' : `-${revision}`}`);
}

/** A user's own GOFLAGS or workspace must not change what is built. */
function goEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'local', GOWORK: 'off' };
}

async function lock(destination: string, options: BuildOptions): Promise<() => Promise<void>> {
  const path = join(destination, '.lock');
  for (let hasSaid = false; ; ) {
    try {
      // A link to nowhere: the one thing that is made together with what it says, the owner's id.
      await symlink(String(process.pid), path);
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = Number(await readlink(path).catch(() => ''));
    if (owner > 0 && !isAlive(owner)) {
      await rm(path, { force: true });
      continue;
    }
    if (!hasSaid && owner > 0) options.onProgress(`waiting for process ${owner}, which is building the same tools`);
    hasSaid ||= owner > 0;
    await sleep(LOCK_POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

/** Removes the scratch folders of builds whose process was killed. */
async function removeAbandonedBuilds(destination: string, present: ReadonlySet<string>): Promise<void> {
  for (const name of present) {
    const owner = /^\.build-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) {
      await rm(join(destination, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
