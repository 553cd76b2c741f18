/** Starting, watching and ending the servers of a test, through the supervisor that outlives a killed test. */

import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inheritSpeed } from '../scripts/speed.ts';
import { findFreePorts } from '../test/free-ports.ts';
import type { Command, Report } from './supervisor.ts';

/** What a process needs to start. */
export type ProcessSpec = {
  /** A short name, also of the log file; a process started again under its name appends to its log. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Beside PATH and the folders. */
  readonly env?: Readonly<Record<string, string>> | undefined;
};

/** A server that the supervisor runs. */
export type ManagedProcess = {
  readonly name: string;
  readonly pid: number;
  /** Standard output and standard error. */
  readonly logFile: string;
  /** How it ended, such as `exit code 1`; undefined while it runs. */
  ended(): string | undefined;
  /** Ends it by its id: SIGTERM, and SIGKILL five seconds later. */
  stop(): Promise<void>;
};

/** The owner of the processes and of one temporary folder. */
export type Supervisor = {
  /** Temporary folder, mode 0700; removed at the end. */
  readonly folder: string;
  start(spec: ProcessSpec): Promise<ManagedProcess>;
  /** Ends every process and removes the folder. May be called again. */
  stop(): Promise<void>;
};

/** A server of a test did not start or did not stay. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
}

type Entry = {
  readonly spec: ProcessSpec;
  readonly logFile: string;
  pid: number | undefined;
  ended: string | undefined;
  readonly changed: Set<() => void>;
};

/**
 * Starts a supervisor. Its processes end when `stop` is called and also when this process ends in any way, SIGKILL
 * included.
 */
export async function startSupervisor(): Promise<Supervisor> {
  const child = fork(join(import.meta.dirname, 'supervisor.ts'), [], {
    // Its own session, and none of a test runner's Node options.
    detached: true,
    execArgv: [],
    env: serverEnvironment(process.env['TMPDIR']),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const entries = new Map<number, Entry>();
  const folder = await new Promise<string>((resolve, reject) => {
    // Stays for good: a message that cannot be sent any more is an error too, and the exit follows.
    child.on('error', reject);
    child.once('exit', (code) => reject(new ProcessError(`The supervisor ended at its start with exit code ${code}.`)));
    child.on('message', (report: Report) => {
      if (report.kind === 'ready') resolve(report.folder);
      else applyReport(entries, report);
    });
  });

  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      if (child.exitCode !== 0) cleanUpAfter(entries.values(), folder);
      for (const entry of entries.values()) {
        entry.ended ??= 'the end of its supervisor';
        for (const notify of entry.changed) notify();
      }
      resolve();
    });
  });

  let nextId = 1;
  return {
    folder,
    async start(spec) {
      const id = nextId++;
      const logFile = join(folder, `${spec.name}.log`);
      const entry: Entry = { spec, logFile, pid: undefined, ended: undefined, changed: new Set() };
      entries.set(id, entry);
      send(child, {
        kind: 'start',
        id,
        file: spec.file,
        args: spec.args,
        env: { ...serverEnvironment(folder), ...spec.env },
        logFile,
      });
      await untilTrue(entry, () => entry.pid !== undefined || entry.ended !== undefined);
      if (entry.pid === undefined) throw new ProcessError(`${spec.name} could not be started: ${entry.ended}.`);
      return {
        name: spec.name,
        pid: entry.pid,
        logFile,
        ended: () => entry.ended,
        async stop() {
          if (entry.ended !== undefined) return;
          send(child, { kind: 'stop', id });
          await untilTrue(entry, () => entry.ended !== undefined);
        },
      };
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/**
 * Calls `start` with `count` free ports of 127.0.0.1, again with others if `isPortTaken` says of its error that
 * somebody was faster between the choosing and the binding.
 */
export async function startOnFreePorts<T>(
  count: number,
  start: (ports: readonly number[]) => Promise<T>,
  isPortTaken: (error: unknown) => boolean,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await findFreePorts(count);
    try {
      return await start(ports);
    } catch (error) {
      if (attempt === 5 || !isPortTaken(error)) throw error;
    }
  }
}

/** The last `count` lines of a log file, of its last 256 KiB at most; empty if there is no file. */
export function readLastLines(path: string, count: number): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, 256 * 1024));
    const length = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8', 0, length).trimEnd().split('\n').slice(-count).join('\n');
  } finally {
    closeSync(file);
  }
}

/** A user's kubeconfig, proxies and Node options must not reach the servers. */
function serverEnvironment(folder: string | undefined): Record<string, string> {
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', ...inheritSpeed() };
  if (folder !== undefined) Object.assign(env, { TMPDIR: folder, HOME: folder });
  return env;
}

function send(child: ChildProcess, command: Command): void {
  if (!child.connected) throw new ProcessError('The supervisor of the test processes is gone.');
  child.send(command);
}

function applyReport(entries: ReadonlyMap<number, Entry>, report: Exclude<Report, { kind: 'ready' }>): void {
  const entry = entries.get(report.id);
  if (entry === undefined) return;
  switch (report.kind) {
    case 'started':
      entry.pid = report.pid;
      break;
    case 'failed':
      entry.ended = report.message;
      break;
    case 'exited':
      entry.ended = report.signal === null ? `exit code ${report.code}` : `signal ${report.signal}`;
      break;
  }
  for (const notify of entry.changed) notify();
}

async function untilTrue(entry: Entry, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await new Promise<void>((resolve) => {
      const notify = (): void => {
        entry.changed.delete(notify);
        resolve();
      };
      entry.changed.add(notify);
    });
  }
}

/** Somebody killed the supervisor itself: its servers live on, so they are ended here by the ids it told. */
function cleanUpAfter(entries: Iterable<Entry>, folder: string): void {
  for (const { pid, ended } of entries) {
    if (pid === undefined || ended !== undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
