import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

const children: ChildProcess[] = [];
let taken: Server | undefined;
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  taken?.close();
  taken = undefined;
});

type Running = {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly out: () => string;
  readonly error: () => string;
};

function serve(...args: readonly string[]): Running {
  const listen = ['--webhook-listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0'];
  const argv = [MAIN, 'serve', '--without-cluster', ...listen, ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let [out, error] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    error += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, out: () => out, error: () => error };
}

async function takePort(): Promise<number> {
  const server = createServer();
  taken = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('A start that cannot be', () => {
  it.each(['--webhook-listen', '--operations-listen'])(
    'ends with 1 and a line: the port of %s is taken',
    async (option) => {
      const address = `127.0.0.1:${await takePort()}`;
      const running = serve(option, address);
      expect(await running.ended).toBe(1);
      expect(running.error()).toMatch(/^curfew: [^\n]+\n$/);
      expect(running.error()).toContain(address);
    },
  );

  it('ends with 1 and a line: the CA cannot be written', async () => {
    const running = serve('--ca-out', '/nowhere/ca.pem');
    expect(await running.ended).toBe(1);
    expect(running.error()).toMatch(/^curfew: [^\n]*\/nowhere\/ca\.pem[^\n]*\n$/);
  });

  it('ends with 64: the option is unknown', async () => {
    expect(await serve('--no-such-option').ended).toBe(64);
  });
});

describe('A server in a terminal', () => {
  it('prints its CA before its first log line, if asked', async () => {
    const running = serve('--ca-out', '-');
    await expect.poll(running.out, { timeout: 20_000 }).toContain('"listening"');
    const [pem = '', log = ''] = running.out().split('-----END CERTIFICATE-----\n');
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    for (const line of log.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('level', 'info');
  });

  it('ends by Ctrl-C as by any request to stop, and by a second one at once', async () => {
    const running = serve();
    await expect.poll(running.out, { timeout: 20_000 }).toContain('"listening"');
    running.child.kill('SIGINT');
    await expect.poll(running.out).toContain('no longer ready');
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(130);
  });
});
