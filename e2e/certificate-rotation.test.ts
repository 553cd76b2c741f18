/**
 * Certificates that live for seconds, on two replicas, while pods are created all the time. What is proved for them holds
 * for those that live for a month: every wait is a share of the lifetime.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { issueCertificateAuthority } from '../src/certificates/issue.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { IS_LONG } from '../test/long.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { waitUntil } from './installed-curfew.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';
import { countTlsErrors, readBundle, SHORT_LIVES, shakeHands, watchWhile } from './watch-calls.ts';

const LEAVES = IS_LONG ? 50 : 6;
const AUTHORITIES = IS_LONG ? 10 : 1;
const ROTATION_MS = 600_000;
const SECRET = '/api/v1/namespaces/curfew-system/secrets/curfew-tls';
const AN_HOUR_MS = 3_600_000;

let cluster: TestCluster;
let replicas: Replicas;
let api: ApiClient;
let namespace = '';

beforeAll(async () => {
  cluster = await startTestCluster();
  replicas = await startReplicas(cluster, { count: 2, args: SHORT_LIVES });
  api = await openApi(cluster);
  namespace = await cluster.createNamespace();
});
afterAll(async () => {
  api.close();
  await replicas.stop();
  await cluster.controlPlane.stop();
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(replicas.lastLines(25));
});

describe('While pods are created all the time', () => {
  it(
    `each replica gets ${LEAVES} leaves and ${AUTHORITIES} CAs, and no call and no handshake fails`,
    async () => {
      const seen = await watchWhile({ api, replicas, namespace }, async (progress) => {
        await waitUntil(
          'there were enough of both',
          async () => progress.leaves() >= LEAVES && progress.authorities() > AUTHORITIES,
          ROTATION_MS,
        );
      });
      const tlsErrors = await countTlsErrors(cluster);
      const { calls, handshakes, leaves, authorities, failures } = seen;
      console.log(
        `${calls} calls, ${handshakes} handshakes, ${leaves} leaves, ${authorities} CAs, ${failures.length} failures, ${tlsErrors} TLS errors in the API server's log`,
      );
      expect(failures).toEqual([]);
      expect(calls).toBeGreaterThan(100);
      expect(tlsErrors).toBe(0);
    },
    ROTATION_MS,
  );

  it.each([
    ['is deleted', async () => void (await cluster.must(['delete', '--raw', SECRET]))],
    ['is emptied', async () => await patchSecret({ 'ca.crt': '', 'ca.key': '' })],
    ['holds something else', async () => await patchSecret({ 'ca.crt': 'eA==', 'ca.key': 'eA==' })],
    [
      'has a certificate that its key is not of',
      async () => await patchSecret({ 'ca.crt': (await issue(Date.now()))['ca.crt'] }),
    ],
    ['holds the CA of somebody else', async () => await patchSecret(await issue(Date.now()))],
    ['holds a CA that has ended', async () => await patchSecret(await issue(Date.now() - 2 * AN_HOUR_MS))],
  ])('the Secret of the CA %s, and heals without a call that fails', async (_what, spoil) => {
    const seen = await watchWhile({ api, replicas, namespace }, async (progress) => {
      const before = progress.authorities();
      await spoil();
      await waitUntil('each replica serves a leaf of another CA', async () => progress.authorities() > before);
    });
    expect(seen.failures).toEqual([]);
    expect(await countTlsErrors(cluster)).toBe(0);
    expect(replicas.lastLines(500)).not.toContain('PRIVATE KEY');
  });
});

describe('The CA bundle of an entry', () => {
  it('is repaired when somebody overwrites it', async () => {
    const { 'ca.crt': foreign } = await issue(Date.now());
    const patch = [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: foreign }];
    await cluster.must([
      ...['patch', 'validatingwebhookconfiguration', 'curfew', '--type=json'],
      ...['-p', JSON.stringify(patch)],
    ]);
    await waitUntil('both replicas are trusted again, and nobody else', async () => {
      const bundle = await readBundle(api);
      if (bundle.includes(Buffer.from(foreign, 'base64').toString().trim())) return false;
      const answers = await Promise.all(replicas.all.map(({ webhookPort }) => shakeHands(webhookPort, bundle)));
      return answers.every(({ error }) => error === undefined);
    });
  });
});

async function patchSecret(data: JsonObject): Promise<void> {
  const patch = JSON.stringify({ data });
  await cluster.must(['patch', 'secret', 'curfew-tls', '-n', 'curfew-system', '--type=merge', '-p', patch]);
}

/** A CA that lives for an hour from `notBefore`, as a Secret holds it. */
async function issue(notBefore: number): Promise<{ readonly 'ca.crt': string; readonly 'ca.key': string }> {
  const commonName = `somebody-else-${notBefore}`;
  const { cert, key } = await issueCertificateAuthority({ commonName, notBefore, notAfter: notBefore + AN_HOUR_MS });
  return { 'ca.crt': Buffer.from(cert).toString('base64'), 'ca.key': Buffer.from(key).toString('base64') };
}
