/**
 * The small process that owns the embedded control plane's processes and its state folder.
 *
 * A test worker may be killed at any moment, with no chance to clean up. So the servers are children of this process,
 * which holds a channel to its parent: when the channel closes, for whatever reason, it ends every server by its own id,
 * removes the folder and exits. An orderly stop closes the channel too, so there is one way down and it is tried daily.
 * It runs in a session of its own: Ctrl-C in a terminal must reach the parent, not the servers.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the parent asks for. `id` is the parent's own number of a process. */
export type Command =
  | {
      readonly kind: 'start';
      readonly id: number;
      readonly file: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly logFile: string;
    }
  | { readonly kind: 'stop'; readonly id: number };

/** What the supervisor tells. Every started process ends with one `exited` or `failed`, unless the channel is closed. */
export type Report =
  | { readonly kind: 'ready'; readonly folder: string }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'exited'; readonly id: number; readonly code: number | null; readonly signal: string | null };

/** Milliseconds between SIGTERM and SIGKILL. The state is thrown away, so nobody needs a long good-bye. */
const GRACE_MS = 5000;

const folder = mkdtempSync(join(tmpdir(), 'curfew-control-plane-'));
const running = new Map<number, ChildProcess>();
let isShuttingDown = false;

process.on('message', (command: Command) => {
  if (isShuttingDown) return;
  if (command.kind === 'start') start(command);
  else void stop(command.id);
});
process.on('disconnect', () => void shutDown());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void shutDown());
process.on('uncaughtException', () => void shutDown());
report({ kind: 'ready', folder });

function start({ id, file, args, env, logFile }: Extract<Command, { kind: 'start' }>): void {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(file, args, { cwd: folder, env: { ...env }, stdio: ['ignore', log, log] });
  closeSync(log);
  child.once('error', (error) => report({ kind: 'failed', id, message: error.message }));
  child.once('exit', (code, signal) => {
    running.delete(id);
    report({ kind: 'exited', id, code, signal });
  });
  if (child.pid === undefined) return;
  running.set(id, child);
  report({ kind: 'started', id, pid: child.pid });
}

async function stop(id: number): Promise<void> {
  const child = running.get(id);
  if (child === undefined) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await exited;
  clearTimeout(timer);
}

async function shutDown(): Promise<void> {
  if (isShuttingDown) return;
  isShuttingDown = true;
  // Last started, first stopped: a server whose store has gone before it waits for it.
  for (const id of [...running.keys()].toReversed()) await stop(id);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
}

function report(message: Report): void {
  // The parent may be gone between the check and the write; the channel's closing is then the next event.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
