/** `curfew serve` as a process of its own, for what only a process can show. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { asString, member } from '../../src/objects/json.ts';
import { findFreePorts } from '../free-ports.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export type ServerProcess = {
  readonly child: ChildProcess;
  /** Of the process. */
  readonly pid: number;
  readonly operationsUrl: string;
  readonly exited: Promise<number | null>;
  /** The log. */
  output(): string;
  /** Sends a body, once the server says that it will read it. Undefined if the client's own deadline passed before. */
  post(path: string, body: string, options?: PostOptions): Promise<Posted | undefined>;
  /** Kills it if it runs, and removes its files. */
  stop(): Promise<void>;
};

export type PostOptions = {
  /** The client's deadline, in ms; 60 s by default, which only ends a test that has failed. */
  readonly timeoutMs?: number;
  /** Keeps connections for the next request. */
  readonly agent?: Agent;
  /** Sends all at once, as an API server does. */
  readonly isEager?: boolean;
};

/** Status 0: the connection was closed without an answer. */
export type Posted = { readonly status: number; readonly text: string };

export type ServerProcessOptions = {
  /** YAML below the head of the configuration. */
  readonly config?: string;
  readonly nodeArgs?: readonly string[];
  /** A file in place of a pipe. */
  readonly stdout?: string;
  /** Its arguments, beside where it listens; by default it has no cluster. */
  readonly args?: readonly string[];
  /** HOST:PORT of health and metrics; by default a free port. */
  readonly operations?: string;
};

/** Starts it and waits until it is ready. */
export async function startServerProcess({
  config = '',
  nodeArgs = [],
  stdout,
  args: more = ['--without-cluster'],
  operations,
}: ServerProcessOptions = {}): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-process-'));
  const configFile = join(folder, 'configuration.yaml');
  const caFile = join(folder, 'ca.pem');
  await writeFile(configFile, `apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\n${config}`);
  const [webhookPort = 0, operationsPort = 0] = await findFreePorts(2);
  const address = operations ?? `127.0.0.1:${operationsPort}`;
  const listen = ['--webhook-listen', `127.0.0.1:${webhookPort}`, '--operations-listen', address];
  const args = [...nodeArgs, MAIN, 'serve', ...more, '--config', configFile, '--ca-out', caFile, ...listen];
  const out = stdout === undefined ? 'pipe' : openSync(stdout, 'w');
  const child = spawn(process.execPath, args, { stdio: ['ignore', out, 'pipe'] });
  if (out !== 'pipe') closeSync(out);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const operationsUrl = `http://${address}`;
  await expect
    .poll(async () => (await fetch(`${operationsUrl}/readyz`).catch(() => undefined))?.status, { timeout: 20_000 })
    .toBe(200);
  const ca = readFileSync(caFile);
  return {
    child,
    pid: child.pid ?? 0,
    operationsUrl,
    exited,
    output: () => text,
    post: (path, body, options) => post({ port: webhookPort, ca, path, body }, options),
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Target = { readonly port: number; readonly ca: Buffer; readonly path: string; readonly body: string };

async function post(
  { port, ca, path, body }: Target,
  { timeoutMs = 60_000, agent = new Agent({ keepAlive: false }), isEager = false }: PostOptions = {},
): Promise<Posted | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Posted | undefined>();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(isEager ? {} : { expect: '100-continue' }),
  };
  const sent = request({ host: '127.0.0.1', port, ca, path, method: 'POST', headers, agent }, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => {
      clearTimeout(timer);
      resolve({ status: response.statusCode ?? 0, text });
    });
  });
  const timer = setTimeout(() => {
    // What has arrived while this process was busy itself did arrive in time.
    setImmediate(() => {
      resolve(undefined);
      sent.destroy();
    });
  }, timeoutMs);
  sent.on('error', (error) => {
    clearTimeout(timer);
    // Who is refused while he still sends may not come to read why.
    if (/ECONNRESET|EPIPE/.test(asString(member(error, 'code')) ?? '')) resolve({ status: 0, text: '' });
    else reject(error);
  });
  if (isEager) {
    sent.end(body);
  } else {
    sent.once('continue', () => sent.end(body));
    sent.flushHeaders();
  }
  return await promise;
}
