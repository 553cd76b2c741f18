/** Running other programs: never through a shell, always with an end. */

import { spawn } from 'node:child_process';

export type ProgramResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type RunOptions = {
  /** Written to standard input, which is then closed. */
  readonly input?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the program is killed and the promise rejects; 60,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Interrupts the program, as Ctrl-C does, when it aborts; the promise rejects. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Runs `file` with `args` and collects what it prints. Any exit code is an answer; only a program that cannot be
 * started, is killed or takes too long rejects.
 */
export function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const called = [file, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: 'pipe' });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));

    let ending = '';
    const end = (reason: string, signal: 'SIGINT' | 'SIGKILL'): void => {
      ending = reason;
      child.kill(signal);
    };
    // The signal of Ctrl-C: a program may have children of its own to end.
    const abort = (): void => end('was interrupted', 'SIGINT');
    const timer = setTimeout(() => end(`took longer than ${timeoutMs} ms and was ended`, 'SIGKILL'), timeoutMs);
    options.signal?.addEventListener('abort', abort, { once: true });
    if (options.signal?.aborted === true) abort();

    // A program that exits before it has read its input closes the pipe; its exit code says what happened.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');

    const release = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
    };
    child.on('error', (cause) => {
      release();
      reject(new Error(`${called} could not be started: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      release();
      const printed = {
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      };
      if (code !== null && ending === '') resolve({ code, ...printed });
      else reject(new Error(`${called} ${ending || `was ended by ${signal}`}.\n${printed.stderr}`.trimEnd()));
    });
  });
}

/** Runs a program that must succeed; what it printed. Any other exit code rejects with what it said on standard error. */
export async function mustRun(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runProgram(file, args, options);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
