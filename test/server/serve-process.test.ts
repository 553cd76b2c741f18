import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueCertificateAuthority, issueServingCertificate } from '../../src/certificates/issue.ts';
import { review, TOKEN_SECRET } from './start-app.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const HEAD = 'apiVersion: curfew.dev/v1alpha1\nkind: CurfewConfiguration\n';
const NO_DRAIN = `${HEAD}server: { drainSeconds: 0 }\n`;

type Running = {
  readonly child: ChildProcess;
  readonly webhook: URL;
  readonly operations: string;
  readonly exited: Promise<number | null>;
  output(): string;
};

let folder = '';
let config = '';
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curfew-serve-'));
  config = join(folder, 'configuration.yaml');
  await writeFile(config, NO_DRAIN);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

describe('The server as a process', () => {
  it('judges over TLS with the CA it printed, and ends with 0 when asked', async () => {
    const running = await start();
    expect(await denies(running)).toBe(true);
    expect(await readOperations(running, '/readyz?verbose')).toContain(
      '[+] certificate held (own CA of this process)\n',
    );
    running.child.kill('SIGTERM');
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain('"msg":"stopped"');
  });

  it('is not ready while it drains, but answers, and tells its clients to go', async () => {
    await writeFile(config, `${HEAD}server: { drainSeconds: 2 }\n`);
    const running = await start();
    await expect.poll(async () => (await fetch(`${running.operations}/readyz`)).status).toBe(200);
    running.child.kill('SIGTERM');
    await expect.poll(async () => (await fetch(`${running.operations}/readyz?verbose`)).status).toBe(503);
    const { text, connection } = await post(running);
    expect(text).toContain('"allowed":false');
    expect(connection).toBe('close');
    expect(await running.exited).toBe(0);
  });

  it('waits for no connection that was never used: API servers open more than they need', async () => {
    await writeFile(config, NO_DRAIN);
    const running = await start();
    const { hostname: host, port } = running.webhook;
    const unused = connect({ host, port: Number(port), rejectUnauthorized: false });
    await once(unused, 'secureConnect');
    running.child.kill('SIGTERM');
    // Requests in flight are waited for half a minute, which is longer than this test may take.
    expect(await running.exited).toBe(0);
    unused.destroy();
  }, 20_000);

  it('ends at once when asked twice', async () => {
    await writeFile(config, `${HEAD}server: { drainSeconds: 300 }\n`);
    const running = await start();
    running.child.kill('SIGTERM');
    await expect.poll(() => running.output()).toContain('no longer ready');
    running.child.kill('SIGTERM');
    expect(await running.exited).toBe(143);
  });
});

describe('A configuration', () => {
  it('that is not valid ends the start with its path and the allowed values', async () => {
    await writeFile(config, `${HEAD}levels: { enforce: strict }\nchekcs: {}\n`);
    const { code, stderr } = await fail();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `curfew: ${config} is not a valid configuration:\n` +
        `  ${config}:4:1: / has the unknown key "chekcs"; did you mean "checks"?\n` +
        `  ${config}:3:20: /levels/enforce "strict" is not allowed; allowed: off, baseline, restricted\n`,
    );
  });

  it('that is not there ends the start', async () => {
    await rm(config);
    expect(await fail()).toEqual({ code: 1, stderr: `curfew: ${config} cannot be read (ENOENT)\n` });
  });

  it('that changes is in force without a restart; one that is not valid is refused, and the old one stays', async () => {
    const running = await start();
    await writeFile(config, `${NO_DRAIN}levels: { enforce: off }\n`);
    await expect.poll(async () => await denies(running), { timeout: 20_000 }).toBe(false);
    await writeFile(config, `${NO_DRAIN}levels: { enforce: strict }\n`);
    await expect.poll(() => running.output(), { timeout: 20_000 }).toContain('the old one stays in force');
    expect(await denies(running)).toBe(false);
    const metrics = await (await fetch(`${running.operations}/metrics`)).text();
    expect(metrics).toContain('curfew_configuration_reloads_total{outcome="accepted"} 1');
    expect(metrics).toContain('curfew_configuration_reloads_total{outcome="refused"} 1');
  });
});

describe('Certificates from files', () => {
  it('are used, and used anew when they are replaced', async () => {
    const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    await writePair(certFile, keyFile);
    const tls = `tls: { certFile: ${certFile}, keyFile: ${keyFile}, caFile: ${certFile} }\n`;
    await writeFile(config, NO_DRAIN + tls);
    const running = await start();
    const first = await servedSerial(running);
    expect(await readOperations(running, '/readyz?verbose')).toContain(`[+] certificate held (file ${certFile})\n`);
    expect(await readOperations(running, '/metrics')).toContain('curfew_certificate_source{source="files"} 1\n');
    await writePair(certFile, keyFile);
    await expect.poll(async () => await servedSerial(running), { timeout: 20_000 }).not.toBe(first);
    await writeFile(keyFile, 'half a key');
    await expect
      .poll(async () => await readOperations(running, '/readyz?verbose'), { timeout: 20_000 })
      .toContain(
        `[-] certificate up to date: Certificate ${certFile} with key ${keyFile} cannot be used: the key is no`,
      );
    expect((await fetch(`${running.operations}/readyz`)).status).toBe(200);
  });

  it('that do not fit one another end the start', async () => {
    const [certFile, keyFile, other] = [join(folder, 'tls.crt'), join(folder, 'tls.key'), join(folder, 'other.key')];
    await writePair(join(folder, 'other.crt'), other);
    await writePair(certFile, keyFile);
    await writeFile(config, `${NO_DRAIN}tls: { certFile: ${certFile}, keyFile: ${other} }\n`);
    const { code, stderr } = await fail();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^curfew: .*tls\.crt.*other\.key/);
  });
});

function run(): ChildProcess {
  const listen = ['--webhook-listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0'];
  const args = [MAIN, 'serve', '--without-cluster', '--config', config, '--ca-out', join(folder, 'ca.pem'), ...listen];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

/** Starts the server and reads its addresses from its own log. */
async function start(): Promise<Running> {
  const child = run();
  let text = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await expect.poll(() => text, { timeout: 20_000 }).toContain('"msg":"listening"');
  const line: unknown = JSON.parse(text.split('\n').find((candidate) => candidate.includes('"listening"')) ?? '{}');
  const address = (key: string) => String(Reflect.get(Object(line), key));
  return { child, exited, webhook: new URL(address('webhook')), operations: address('operations'), output: () => text };
}

async function readOperations({ operations }: Running, path: string): Promise<string> {
  return await (await fetch(`${operations}${path}`)).text();
}

async function fail(): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = run();
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stderr };
}

async function post({ webhook }: Running): Promise<{ readonly text: string; readonly connection: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ text: string; connection: string | undefined }>();
  const options = {
    method: 'POST',
    ca: readFileSync(join(folder, 'ca.pem')),
    agent: false,
    headers: { 'content-type': 'application/json' },
  };
  const sent = request(new URL('/validate/secrets', webhook), options, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => resolve({ text, connection: response.headers.connection }));
  });
  sent.on('error', reject);
  sent.end(JSON.stringify(review('secrets', TOKEN_SECRET)));
  return await promise;
}

async function denies(running: Running): Promise<boolean> {
  return (await post(running)).text.includes('"allowed":false');
}

async function writePair(certFile: string, keyFile: string): Promise<void> {
  const dates = { notBefore: Date.now(), notAfter: Date.now() + 3_600_000 };
  const ca = await issueCertificateAuthority({ commonName: `ca-${crypto.randomUUID()}`, ...dates });
  const leaf = await issueServingCertificate({ ca, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], ...dates });
  await writeFile(certFile, leaf.cert);
  await writeFile(keyFile, leaf.key);
}

async function servedSerial({ webhook }: Running): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: '127.0.0.1', port: Number(webhook.port), rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().serialNumber);
    socket.destroy();
  });
  socket.on('error', reject);
  return await promise;
}
