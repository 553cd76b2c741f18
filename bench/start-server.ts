/** Starts a server of `bench-server.ts` in a process of its own. */

import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificateAuthority, issueServingCertificate } from '../src/certificates/issue.ts';

export type ServerName = 'raw' | 'fastify' | 'curfew';

export type BenchServer = {
  readonly port: number;
  /** PEM of the CA of its certificate, which is for localhost and 127.0.0.1. */
  readonly ca: string;
  /** What its process has used of processors since its start, in ms. */
  cpuMs(): Promise<number>;
  stop(): void;
};

export async function issueCertificates() {
  const dates = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 86_400_000 };
  const ca = await issueCertificateAuthority({ commonName: 'bench-ca', ...dates });
  const { cert, key } = await issueServingCertificate({
    ca,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    ...dates,
  });
  return { ca: ca.cert, tls: { cert, key } };
}

export type BenchServerOptions = {
  /** In base64, for fastify: what it answers under `/mutate`. */
  readonly patch?: string | undefined;
  /** For Node. */
  readonly flags?: readonly string[];
};

export async function startBenchServer(
  name: ServerName,
  { patch, flags = [] }: BenchServerOptions = {},
): Promise<BenchServer> {
  const { ca, tls } = await issueCertificates();
  const output = openPipe();
  const child = fork(join(import.meta.dirname, 'bench-server.ts'), [], {
    execArgv: [...flags],
    stdio: ['ignore', output, 'inherit', 'ipc'],
  });
  closeSync(output);
  child.send({ start: name, tls, patch });
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return {
    port,
    ca,
    async cpuMs() {
      child.send({});
      const [{ cpuMs }] = (await once(child, 'message')) as [{ readonly cpuMs: number }];
      return cpuMs;
    },
    stop: () => child.disconnect(),
  };
}

/** A pipe with a reader, as the standard output of a container is; the reader ends with its last writer. */
function openPipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-'));
  const pipe = join(folder, 'output');
  execFileSync('mkfifo', [pipe]);
  spawn('cat', [pipe], { stdio: ['ignore', 'ignore', 'inherit'] });
  // Waits for the reader.
  const output = openSync(pipe, 'w');
  rmSync(folder, { recursive: true });
  return output;
}
