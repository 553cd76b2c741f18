/**
 * A whole Kubernetes on this machine without Docker: control plane, scheduler, kubelet, containerd and kube-proxy, in
 * namespaces of their own, so that pods run, Services are reached and tokens are mounted. It stays up until it is taken
 * down, by whichever process.
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { access, constants, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustRun } from '../../scripts/run-program.ts';
import { findTools } from '../../scripts/tools.ts';
import { readLastLines } from '../processes.ts';
import { BUSYBOX, CNI_PLUGINS } from './container-runtime.ts';
import { type ClusterRecord, isAlive, type Layout, layoutOf, recordOf } from './layout.ts';
import { NODE_TOOLS } from './servers.ts';

/** What a cluster cannot be without; the message is a sentence for a person. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

const UP_LIMIT_MS = 180_000;
const DOWN_LIMIT_MS = 30_000;
const POLL_MS = 100;
const CGROUPS = '/sys/fs/cgroup';
/** Where containerd puts the containers of a kubelet that has no cgroups of its own. */
const OF_CONTAINERS = 'k8s.io';

/** Programs, and the packages of Debian that have them. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['mount', 'mount'],
  ['ip', 'iproute2'],
  ['containerd', 'containerd'],
  ['ctr', 'containerd'],
  ['runc', 'runc'],
  ['iptables', 'iptables'],
  ['nft', 'nftables'],
  ['conntrack', 'conntrack'],
  // The runbook reads certificates by it.
  ['openssl', 'openssl'],
  // For the image.
  ['buildah', 'buildah'],
  [BUSYBOX, 'busybox-static'],
  [join(CNI_PLUGINS, 'bridge'), 'containernetworking-plugins'],
];

export type RunningCluster = { readonly record: ClusterRecord; readonly layout: Layout };

export type UpOptions = {
  /** Called with one line for a person, now and then. */
  readonly onProgress: (line: string) => void;
  /** Another pinned version than the usual one, such as 1.37. */
  readonly kubernetes?: string | undefined;
  /** More flags of its API server; the last one of a name counts. */
  readonly apiServerArgs?: readonly string[];
};

/** Starts the cluster of this state folder, or finds it running. A cluster that is half there is taken down first. */
export async function up(
  folder: string,
  { onProgress, kubernetes: asked, apiServerArgs = [] }: UpOptions,
): Promise<RunningCluster> {
  const found = await find(folder);
  if (found !== undefined) {
    refuseOther(found.record.kubernetes, asked);
    return found;
  }
  const obstacle = await findObstacle();
  if (obstacle !== undefined) throw new ClusterError(obstacle);
  await down(folder);
  const env = asked === undefined ? process.env : { ...process.env, CURFEW_KUBERNETES: asked };
  const tools = await findTools(NODE_TOOLS, { env, onProgress });
  const version = (await mustRun(tools['kube-apiserver'], ['--version'])).trim().replace('Kubernetes ', '');
  refuseOther(version, asked);
  const layout = layoutOf(folder);
  await mkdir(layout.folder, { recursive: true, mode: 0o700 });
  const cgroups = await listCgroups();
  const log = openSync(layout.initLog, 'a', 0o600);
  const init = join(import.meta.dirname, 'init.ts');
  const child = spawn(
    'unshare',
    [
      ...['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[process.execPath, init, folder, JSON.stringify(tools), ...apiServerArgs],
    ],
    { cwd: folder, env: { PATH: process.env['PATH'] ?? '' }, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  child.unref();
  let failure: string | undefined;
  child.once('error', ({ message }) => (failure = `unshare could not be started: ${message}`));
  child.once('exit', () => (failure = readLastLines(layout.initLog, 40)));

  const record = await writeRecord(layout, child.pid, { kubernetes: version, cgroups });
  const deadline = performance.now() + UP_LIMIT_MS;
  while (!(await exists(layout.ready))) {
    failure ??= performance.now() > deadline ? `it was not ready in ${UP_LIMIT_MS / 1_000} s` : undefined;
    if (failure !== undefined) {
      await down(folder, { keepsLogs: true });
      throw new ClusterError(`The cluster did not start: ${failure}\nIts logs are in ${folder}.`);
    }
    await sleep(POLL_MS);
  }
  return { record, layout };
}

/** The running cluster of this folder; undefined if there is none, or none that is ready. */
export async function find(folder: string): Promise<RunningCluster | undefined> {
  const layout = layoutOf(folder);
  const record = await readRecord(layout);
  if (record === undefined || !(await isAlive(record.init)) || !(await exists(layout.ready))) return undefined;
  return { record, layout };
}

/** Ends the cluster of this folder and removes what is left of it. Nothing happens where there is none. */
export async function down(folder: string, { keepsLogs = false } = {}): Promise<void> {
  const layout = layoutOf(folder);
  const record = await readRecord(layout);
  if (record !== undefined) {
    // With process 1 the kernel ends all the others, in their own time.
    for (const one of [record.init, record.outer]) if (await isAlive(one)) process.kill(one.pid, 'SIGKILL');
    const deadline = performance.now() + DOWN_LIMIT_MS;
    while ((await isAlive(record.init)) || (await isAlive(record.outer))) {
      if (performance.now() > deadline) throw new ClusterError(`Process ${record.init.pid} does not end.`);
      await sleep(POLL_MS);
    }
    await removeCgroups(record.cgroups, deadline);
  }
  if (keepsLogs) await rm(layout.record, { force: true });
  else await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** What a cluster could leave on the machine: mounts, interfaces, network namespaces, cgroups. Sorted lines. */
export async function listTraces(): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).trim().split('\n');
  const read = async (path: string) => await readdir(path).catch(() => []);
  const named = async (path: string) => (await read(path)).map((name) => join(path, name));
  const folders = ['/sys/class/net', '/run/netns', '/var/lib/cni', '/var/log/pods', '/run/containerd'];
  const found = await Promise.all(folders.map(named));
  return [...mounts.map((line) => `mount ${line}`), ...found.flat(), ...(await listCgroups())].toSorted();
}

export type ClusterRequest =
  | { readonly stop: string }
  | { readonly start: string }
  /** Ends kubelet, containerd, kube-proxy and every container at once, and starts the servers again. */
  | { readonly restart: 'node' };

/** Stops or starts one server of a running cluster, such as `kubelet`, or the node; waits until that is done. */
export async function tell({ layout }: Pick<RunningCluster, 'layout'>, request: ClusterRequest): Promise<void> {
  const connection = connect(layout.control);
  const chunks: Buffer[] = [];
  connection.write(JSON.stringify(request));
  for await (const chunk of connection) chunks.push(chunk as Buffer);
  const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { readonly error?: string };
  if (answer.error !== undefined) throw new ClusterError(answer.error);
}

/** Arguments of `nsenter` for a program that is to be in the cluster's network, and if need be see its files. */
export function enterArgs({ record }: RunningCluster, isInside: 'network' | 'all'): readonly string[] {
  const namespaces = isInside === 'network' ? ['--net'] : ['--net', '--mount', '--pid'];
  return ['--target', String(record.init.pid), ...namespaces, '--'];
}

/** What decides whether a cluster can be started; the process's own by default. */
export type Machine = {
  readonly platform: NodeJS.Platform;
  readonly uid: number | undefined;
  /** Where programs are looked for. */
  readonly path: string;
};

/** Why a cluster cannot be started here, as a sentence that says what to do; undefined if it can. */
export async function findObstacle(machine: Machine = thisMachine()): Promise<string | undefined> {
  if (machine.platform !== 'linux') return `A cluster with a node needs Linux, and this is ${machine.platform}.`;
  if (machine.uid !== 0) return 'A cluster with a node needs root, for namespaces and mounts.';
  const missing = new Set<string>();
  for (const [program, pack] of PROGRAMS) if (!(await isInstalled(program, machine.path))) missing.add(pack);
  if (missing.size === 0) return undefined;
  return `A cluster with a node needs more programs here. Debian has them: apt-get install ${[...missing].join(' ')}`;
}

function thisMachine(): Machine {
  return { platform: process.platform, uid: process.getuid?.(), path: process.env['PATH'] ?? '' };
}

/** Throws if another version of Kubernetes was asked for than there is. */
function refuseOther(version: string, asked: string | undefined): void {
  if (asked === undefined || version.startsWith(`v${asked}.`) || version === `v${asked}`) return;
  throw new ClusterError(`Kubernetes ${asked} was asked for, and there is ${version}.`);
}

async function isInstalled(program: string, path: string): Promise<boolean> {
  if (program.startsWith('/')) return await exists(program);
  for (const folder of path.split(delimiter)) {
    if (folder !== '' && (await exists(join(folder, program)))) return true;
  }
  return false;
}

async function writeRecord(
  layout: Layout,
  outerPid: number | undefined,
  more: Pick<ClusterRecord, 'kubernetes' | 'cgroups'>,
): Promise<ClusterRecord> {
  const outer = outerPid === undefined ? undefined : await recordOf(outerPid);
  if (outer === undefined) throw new ClusterError('unshare could not be started.');
  const init = await untilFound(async () => {
    const children = await readFile(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').catch(() => '');
    const pid = Number(children.trim().split(' ')[0]);
    return pid > 0 ? await recordOf(pid) : undefined;
  });
  if (init === undefined) {
    throw new ClusterError(`The cluster could not be started: ${readLastLines(layout.initLog, 20)}`);
  }
  const record = { ...more, outer, init };
  await writeFile(layout.record, JSON.stringify(record));
  return record;
}

async function untilFound<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let tries = 0; tries < 50; tries += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(POLL_MS);
  }
  return undefined;
}

async function readRecord(layout: Layout): Promise<ClusterRecord | undefined> {
  const text = await readFile(layout.record, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ClusterRecord);
}

/** The cgroups of containers on this machine, in every hierarchy: paths, the outer ones first. */
async function listCgroups(): Promise<readonly string[]> {
  const hierarchies = await readdir(CGROUPS).catch(() => []);
  const found: string[] = [];
  for (const root of [CGROUPS, ...hierarchies.map((name) => join(CGROUPS, name))]) {
    const path = join(root, OF_CONTAINERS);
    const inner = await readdir(path, { withFileTypes: true }).catch(() => undefined);
    if (inner === undefined) continue;
    found.push(path, ...inner.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name)));
  }
  return found;
}

/** Removes those that were not there before: the kernel keeps them when their processes are gone. */
async function removeCgroups(before: readonly string[], deadline: number): Promise<void> {
  const old = new Set(before);
  for (const path of (await listCgroups()).toReversed()) if (!old.has(path)) await removeTree(path, deadline);
}

async function removeTree(path: string, deadline: number): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(path, entry.name), deadline);
  for (;;) {
    try {
      await rmdir(path);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
