/**
 * Certificates in mounted Secrets, whose kubelets do not look at the same time, on two replicas, while pods are created all
 * the time: what cert-manager or an administrator replaces there is used without a call that fails.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  type CertificateAuthority,
  issueCertificateAuthority,
  issueServingCertificate,
} from '../src/certificates/issue.ts';
import { type MountedFolder, mountFolder } from '../test/server/mounted-folder.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { waitUntil } from './installed-curfew.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';
import { countTlsErrors, readBundle, SHORT_LIVES, watchWhile } from './watch-calls.ts';

const AN_HOUR_MS = 3_600_000;

let cluster: TestCluster;
let replicas: Replicas;
let api: ApiClient;
let namespace = '';
let authority: CertificateAuthority;
let folders: readonly MountedFolder[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  authority = await issueAuthority();
  const files = await issueFiles();
  folders = [await mountFolder(files), await mountFolder(files)];
  const configurations = await Promise.all(folders.map(writeConfiguration));
  replicas = await startReplicas(cluster, {
    count: 2,
    args: SHORT_LIVES,
    values: { certificates: { mode: 'provided', provided: { existingSecret: 'serving' } } },
    argsOf: (index) => ['--config', configurations[index] ?? ''],
  });
  api = await openApi(cluster);
  namespace = await cluster.createNamespace();
});
afterAll(async () => {
  api.close();
  await replicas.stop();
  for (const folder of folders) await folder.remove();
  await cluster.controlPlane.stop();
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(replicas.lastLines(25));
});

it.each<[string, () => Promise<void>]>([
  ['of the same CA', async () => undefined],
  ['of a new CA', async () => void (authority = await issueAuthority())],
])(
  'A certificate %s arrives at one replica and then at the other, and no call and no handshake fails',
  async (_which, change) => {
    const before = authority.cert;
    await change();
    const files = await issueFiles();
    const seen = await watchWhile({ api, replicas, namespace }, async (progress) => {
      for (const [index, { swap }] of folders.entries()) {
        const wanted = index + 1;
        await swap(files);
        await waitUntil(`${wanted} of the replicas have reloaded`, async () => (await countReloads()) >= wanted);
      }
      await waitUntil('each has shown the old leaf and the new one', async () => progress.leaves() === 2);
    });
    reloads += folders.length;
    expect(seen.failures).toEqual([]);
    expect(await countTlsErrors(cluster)).toBe(0);
    const bundle = await readBundle(api);
    for (const cert of [before, authority.cert]) expect(bundle).toContain(cert.trim());
  },
);

it('A half-written pair is refused, the old one stays, and /readyz?verbose says why', async () => {
  const [folder] = folders;
  const seen = await watchWhile({ api, replicas, namespace }, async () => {
    await folder?.swap({ ...(await issueFiles()), 'tls.key': (await issueFiles())['tls.key'] });
    await waitUntil('it is refused', async () =>
      (await readVerbose()).includes('key does not belong to the certificate'),
    );
  });
  expect(seen.failures).toEqual([]);
  expect(await readVerbose()).toMatch(/^\[\+\] certificate held \(of a mounted Secret, file .*tls\.crt\)$/m);
});

/** Before the test that runs. */
let reloads = 0;

/** In this test. */
async function countReloads(): Promise<number> {
  return replicas.lastLines(5_000).split('"serving certificate reloaded"').length - 1 - reloads;
}

async function readVerbose(): Promise<string> {
  return await (await fetch(`${replicas.all[0]?.operationsUrl}/readyz?verbose`)).text();
}

async function writeConfiguration({ path }: MountedFolder): Promise<string> {
  const [certFile, keyFile, caFile] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => join(path, name));
  const file = join(path, 'configuration.yaml');
  const tls = { certFile, keyFile, caFile, source: 'secret' };
  const server = { drainSeconds: 0 };
  await writeFile(
    file,
    JSON.stringify({ apiVersion: 'curfew.dev/v1alpha1', kind: 'CurfewConfiguration', server, tls }),
  );
  return file;
}

async function issueAuthority(): Promise<CertificateAuthority> {
  const notBefore = Date.now();
  const commonName = `provided-${crypto.randomUUID()}`;
  return await issueCertificateAuthority({ commonName, notBefore, notAfter: notBefore + AN_HOUR_MS });
}

/** What the Secret holds: a new leaf of the CA in use. */
async function issueFiles(): Promise<Readonly<Record<'tls.crt' | 'tls.key' | 'ca.crt', string>>> {
  const notBefore = Date.now();
  const { cert, key } = await issueServingCertificate({
    ca: authority,
    dnsNames: ['curfew.curfew-system.svc'],
    ipAddresses: ['127.0.0.1'],
    notBefore,
    notAfter: notBefore + AN_HOUR_MS,
  });
  return { 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.cert };
}
