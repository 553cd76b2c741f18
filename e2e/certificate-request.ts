/** A request for a client certificate, as the certificates API takes it. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonObject } from '../src/objects/json.ts';

const run = promisify(execFile);

/** @param commonName - whom the certificate would be for */
export async function makeRequest(name: string, commonName: string): Promise<JsonObject> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-csr-'));
  try {
    const file = join(folder, 'request.pem');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem')];
    await run('openssl', ['req', '-new', ...key, '-subj', `/CN=${commonName}`, '-out', file]);
    return {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: (await readFile(file)).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
