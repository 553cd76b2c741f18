/** Curfew as it is published: how a container runs it, and the most memory that a process of it has had at once. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SCRIPTS = join(import.meta.dirname, '..', 'scripts');
const POLL_MS = 5;

/** How the image starts Node. */
export const IMAGE_FLAGS: readonly string[] = readInstruction('ENTRYPOINT').match(/--[\w=-]+/g) ?? [];

/**
 * What Node takes for the old generation in a cgroup of 384 MiB (measured with Node 24), and the flags of the image. On a machine
 * without a limit the first alone would take 20 MiB more.
 */
const AS_IN_A_CONTAINER = ['--max-old-space-size=256', ...IMAGE_FLAGS];
const IMAGE_ENVIRONMENT = Object.fromEntries([readInstruction('ENV').split('=')]) as Readonly<Record<string, string>>;

/** Of the Dockerfile, whose last stage has one of each. */
function readInstruction(name: string): string {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', 'Dockerfile'), 'utf8');
  const text = new RegExp(`^${name} (.+)$`, 'm').exec(dockerfile)?.[1];
  if (text === undefined) throw new Error(`the Dockerfile has no ${name}`);
  return text;
}

/** Builds the package: run from its sources, Node would keep those, and what it made of them, in memory too. @returns its program */
export function buildPackage(folder: string): string {
  execFileSync(process.execPath, [join(SCRIPTS, 'run.mjs'), join(SCRIPTS, 'build.ts'), folder]);
  return join(folder, 'bin', 'curfew.mjs');
}

/** Builds the package into `folder`: its server, as a container of the chart runs it. */
export function buildServer(
  folder: string,
  more: readonly string[] = [],
): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  buildPackage(folder);
  return { args: [...more, ...AS_IN_A_CONTAINER, join(folder, 'curfew.mjs')], env: IMAGE_ENVIRONMENT };
}

/** Reads `VmHWM` (proc_pid_status(5)) until `stop`, which returns it in MB: the number is gone with the process. */
export function watchMemory(pid: number | undefined): { readonly stop: () => Promise<number> } {
  const running = new AbortController();
  const watch = async (): Promise<number> => {
    let most = 0;
    while (!running.signal.aborted) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      most = Math.max(most, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
      await sleep(POLL_MS);
    }
    return most / 1_000;
  };
  const watching = watch();
  return {
    stop: async () => {
      running.abort();
      return await watching;
    },
  };
}
