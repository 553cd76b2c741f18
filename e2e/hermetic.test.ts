import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { waitUntil } from './installed-curfew.ts';

const HOLDER = join(import.meta.dirname, 'hold-control-plane.ts');

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

describe.runIf(process.platform === 'linux')('A suite that ends too early', () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('leaves no process behind after %s', async (signal) => {
    child = spawn(process.execPath, [HOLDER], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    await waitUntil('the control plane is up', async () => printed.includes('\n'), 120_000);
    const folder = printed.trim();
    expect(listProcesses(folder).length).toBeGreaterThanOrEqual(3);

    child.kill(signal);
    await waitUntil('all of it has ended', async () => listProcesses(folder).length === 0);
  });
});

/** The processes whose command line names the folder. */
function listProcesses(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    });
}
