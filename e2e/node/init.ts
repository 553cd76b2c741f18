/**
 * Process 1 of a cluster with a node, in namespaces of its own for processes, mounts and the network. When it ends, for
 * whatever reason, the kernel ends every process in there and takes the mounts and interfaces away.
 *
 *     node init.ts STATE-FOLDER TOOLS-AS-JSON [FLAGS OF THE API SERVER]
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustRun } from '../../scripts/run-program.ts';
import { writeState } from '../control-plane-state.ts';
import { readLastLines } from '../processes.ts';
import { loadOwnImages } from './container-runtime.ts';
import { type Layout, layoutOf, NODE } from './layout.ts';
import { type NodeTools, prepareServers, type Server } from './servers.ts';

/** Of all of the cluster's processes, as `nice` counts it: 0 is usual, and less is more. */
const PRIORITY = -10;
const POLL_MS = 100;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** Hidden from the machine, or taken from it, so that nothing is left there. */
const IN_MEMORY = ['/run', '/var/log', '/var/lib'];

const NODE_SERVERS: readonly string[] = ['containerd', 'kubelet', 'kube-proxy'];

const [folder = '', toolsText = '{}', ...moreApiServerArgs] = process.argv.slice(2);
const layout = layoutOf(folder);
const running = new Map<string, ChildProcess>();

comeFirst();

// Process 1 gets no signal that it does not ask for.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

try {
  await run(JSON.parse(toolsText));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function run(tools: NodeTools): Promise<void> {
  await separate(layout);
  const files = await writeState(layout.folder, NODE);
  const servers = await prepareServers({ layout, files, tools, moreApiServerArgs });
  for (const server of servers) {
    await start(server);
    if (server.name === 'containerd') await loadOwnImages(layout);
  }
  await listen(servers);
  await writeFile(layout.ready, '');
}

/**
 * Its processes come before others of this machine: a test of what happens in a second would measure those. Where that is
 * not allowed, as in some containers, they are like all others.
 */
function comeFirst(): void {
  try {
    setPriority(PRIORITY);
  } catch {
    // Not allowed.
  }
}

/** Gives the cluster its network, and file systems in memory that nobody else sees. */
async function separate({ node }: Layout): Promise<void> {
  await mkdir(node, { recursive: true });
  for (const path of [...IN_MEMORY, node]) await mustRun('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'curfew', path]);
  // containerd keeps the pods' network namespaces here.
  await mkdir('/run/netns');
  await mustRun('ip', ['link', 'set', 'lo', 'up']);
  // A bridge without ports is the one kind of interface that every kernel has.
  await mustRun('ip', ['link', 'add', 'node0', 'type', 'bridge']);
  await mustRun('ip', ['address', 'add', `${NODE.address}/24`, 'dev', 'node0']);
  await mustRun('ip', ['link', 'set', 'node0', 'up']);
  await mustRun('ip', ['route', 'add', 'default', 'dev', 'node0']);
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
}

async function start(server: Server): Promise<void> {
  const logFile = join(layout.folder, `${server.name}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(server.file, server.args, {
    cwd: layout.folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: layout.node, TMPDIR: layout.node },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let failure: string | undefined;
  child.once('error', ({ message }) => (failure = message));
  child.once('exit', (code, signal) => (failure = `it ended with ${signal ?? `exit code ${code}`}`));
  running.set(server.name, child);
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await server.isReady().catch(() => false))) {
    failure ??= performance.now() > deadline ? `it was not ready in ${START_LIMIT_MS / 1_000} s` : undefined;
    if (failure !== undefined) {
      throw new Error(`${server.name}: ${failure}. The last lines of ${logFile}:\n${readLastLines(logFile, 25)}`);
    }
    await sleep(POLL_MS);
  }
}

async function stop(name: string): Promise<void> {
  const child = running.get(name);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(timer);
}

/** What a machine that is switched off and on does to its containers: the control plane is elsewhere, and stays. */
async function restartNode(servers: readonly Server[]): Promise<void> {
  const ofNode = servers.filter(({ name }) => NODE_SERVERS.includes(name));
  for (const { name } of ofNode.toReversed()) await stop(name);
  const kept = new Set([process.pid, ...[...running.values()].map(({ pid }) => pid)]);
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (Number.isInteger(pid) && !kept.has(pid)) killIfThere(pid);
  }
  for (const server of ofNode) await start(server);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with another one.
  }
}

/** `{"stop": "kubelet"}`, `{"start": "kubelet"}` and `{"restart": "node"}`, answered by `{}` or `{"error": "…"}`. */
async function listen(servers: readonly Server[]): Promise<void> {
  const serve = async (line: string): Promise<void> => {
    const request: unknown = JSON.parse(line);
    if ((request as Record<string, unknown>)['restart'] === 'node') return await restartNode(servers);
    for (const [verb, act] of [
      ['stop', ({ name }: Server) => stop(name)],
      ['start', start],
    ] as const) {
      const name = (request as Record<string, unknown>)[verb];
      if (name === undefined) continue;
      const server = servers.find((candidate) => candidate.name === name);
      if (server === undefined) throw new Error(`there is no server ${JSON.stringify(name)}`);
      await act(server);
    }
  };
  await rm(layout.control, { force: true });
  const socket = createServer((connection) => {
    connection.on('error', () => {});
    connection.once('data', (data) => {
      serve(data.toString('utf8')).then(
        () => connection.end('{}\n'),
        (error: unknown) => connection.end(`${JSON.stringify({ error: String(error) })}\n`),
      );
    });
  });
  socket.listen(layout.control);
  await once(socket, 'listening');
}
