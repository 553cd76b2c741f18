/**
 * Certificates that live for seconds, on two replicas, while pods are created all the time. What is proved for them holds
 * for those that live for a month: every wait is a share of the lifetime.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { issueCertificateAuthority } from '../src/certificates/issue.ts';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, valueAt } from '../src/objects/json.ts';
import { type ApiClient, openApi, readAnswer } from './api-client.ts';
import { waitUntil } from './installed-curfew.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { pod, startTestCluster, type TestCluster } from './test-cluster.ts';

const IS_LONG = process.env['CURFEW_LONG'] === '1';
const LEAVES = IS_LONG ? 50 : 6;
const AUTHORITIES = IS_LONG ? 10 : 1;
const ROTATION_MS = 600_000;
const ARGS = ['--certificate-lifetime', '9s', '--authority-lifetime', '54s'];
const CALLERS = 4;
/** Of the 900 ms that a leaf of a new CA waits here after its bundle is in place: three checks of a leaf of nine seconds. */
const LAG_MS = 450;
const MOST_LAG_MS = 870;
const SECRET = '/api/v1/namespaces/curfew-system/secrets/curfew-tls';
const ENTRIES = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/curfew';
const AN_HOUR_MS = 3_600_000;

let cluster: TestCluster;
let replicas: Replicas;
let api: ApiClient;
let namespace = '';

beforeAll(async () => {
  cluster = await startTestCluster();
  replicas = await startReplicas(cluster, { count: 2, args: ARGS });
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
      const seen = await watchWhile(async (progress) => {
        await waitUntil(
          'there were enough of both',
          async () => progress.leaves() >= LEAVES && progress.authorities() > AUTHORITIES,
          ROTATION_MS,
        );
      });
      console.log(`${seen.calls} calls, ${seen.handshakes} handshakes, ${seen.leaves} leaves, ${seen.authorities} CAs`);
      expect(seen.failures).toEqual([]);
      expect(seen.calls).toBeGreaterThan(100);
      expect(await countTlsErrors()).toBe(0);
    },
    ROTATION_MS,
  );

  it.each([
    ['is deleted', async () => void (await cluster.must(['delete', '--raw', SECRET]))],
    ['is emptied', async () => await patchSecret({ 'ca.crt': '', 'ca.key': '' })],
    ['holds something else', async () => await patchSecret({ 'ca.crt': 'eA==', 'ca.key': 'eA==' })],
    ['holds the CA of somebody else', async () => await patchSecret(await issue(Date.now()))],
    ['holds a CA that has ended', async () => await patchSecret(await issue(Date.now() - 2 * AN_HOUR_MS))],
  ])('the Secret of the CA %s, and heals without a call that fails', async (_what, spoil) => {
    const seen = await watchWhile(async (progress) => {
      const before = progress.authorities();
      await spoil();
      await waitUntil('each replica serves a leaf of another CA', async () => progress.authorities() > before);
    });
    expect(seen.failures).toEqual([]);
    expect(await countTlsErrors()).toBe(0);
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
      const bundle = await readBundle();
      if (bundle.includes(Buffer.from(foreign, 'base64').toString().trim())) return false;
      const answers = await Promise.all(replicas.all.map(({ webhookPort }) => shakeHands(webhookPort, bundle)));
      return answers.every(({ error }) => error === undefined);
    });
  });
});

type Progress = {
  /** Of the replica that has had the fewest. */
  leaves(): number;
  authorities(): number;
};

type Seen = {
  readonly calls: number;
  readonly handshakes: number;
  readonly leaves: number;
  readonly authorities: number;
  readonly failures: readonly string[];
};

/**
 * Creates pods, and shakes hands with each replica as an API server would that hears of a published bundle `LAG_MS` late,
 * until `run` is through.
 */
async function watchWhile(run: (progress: Progress) => Promise<void>): Promise<Seen> {
  const leaves = replicas.all.map(() => new Set<string>());
  const issuers = replicas.all.map(() => new Set<string>());
  const failures: string[] = [];
  let calls = 0;
  let handshakes = 0;
  const end = new AbortController();
  const bundles = createLaggingBundles();

  const callAgain = async () => {
    while (!end.signal.aborted) {
      const { status, body } = await api.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, somePod());
      if (status !== 201) failures.push(`call: ${status} ${body}`);
      calls += 1;
    }
  };
  const readAgain = async () => {
    while (!end.signal.aborted) {
      await bundles.read();
      await sleep(20);
    }
  };
  const shakeAgain = async () => {
    while (!end.signal.aborted) {
      await sleep(10);
      for (const [index, { webhookPort }] of replicas.all.entries()) {
        const known = bundles.pick();
        if (known === undefined) continue;
        const { error, serial, issuer } = await shakeHands(webhookPort, known.bundle);
        // A machine under load may have stopped in between, and a bundle that is too old proves nothing.
        if (Date.now() - known.at > MOST_LAG_MS) continue;
        handshakes += 1;
        if (error !== undefined) failures.push(`handshake with replica ${index}: ${error}`);
        leaves[index]?.add(serial);
        issuers[index]?.add(issuer);
      }
    }
  };
  const fewest = (sets: readonly ReadonlySet<string>[]) => Math.min(...sets.map(({ size }) => size));
  const progress = { leaves: () => fewest(leaves), authorities: () => fewest(issuers) };
  const watching = Promise.all([shakeAgain(), readAgain(), ...Array.from({ length: CALLERS }, callAgain)]);
  try {
    await waitUntil('the watch has begun', async () => progress.leaves() > 0);
    await run(progress);
  } finally {
    end.abort();
    await watching;
  }
  return { calls, handshakes, leaves: progress.leaves(), authorities: progress.authorities(), failures };
}

type KnownBundle = { readonly bundle: string; readonly at: number };

/** What was published some time ago. */
function createLaggingBundles() {
  let known: readonly KnownBundle[] = [];
  return {
    async read(): Promise<void> {
      const at = Date.now();
      const bundle = await readBundle();
      known = [...known.filter((other) => at - other.at < 2 * MOST_LAG_MS), { bundle, at }];
    },
    pick: (): KnownBundle | undefined => known.findLast(({ at }) => Date.now() - at >= LAG_MS),
  };
}

/** One that needs nothing, so that its answer depends on the webhooks alone. */
function somePod(): JsonObject {
  const plain = pod('plain');
  const spec = { ...(plain['spec'] as JsonObject), automountServiceAccountToken: false };
  return { ...plain, metadata: { generateName: 'plain-' }, spec };
}

/** What all entries trust, as it is published now. */
async function readBundle(): Promise<string> {
  const [webhook] = asArray(valueAt(readAnswer(await api.get(ENTRIES), 200), ['webhooks']));
  return Buffer.from(asString(valueAt(webhook, ['clientConfig', 'caBundle'])) ?? '', 'base64').toString();
}

type Shaken = { readonly error?: string; readonly serial: string; readonly issuer: string };

function shakeHands(port: number, ca: string): Promise<Shaken> {
  const { promise, resolve } = Promise.withResolvers<Shaken>();
  const socket = connectTls({ port, host: '127.0.0.1', ca, rejectUnauthorized: false });
  socket.on('error', (error) => resolve({ error: error.message, serial: '', issuer: '' }));
  socket.on('secureConnect', () => {
    const { serialNumber, issuer } = socket.getPeerCertificate();
    const shaken = { serial: serialNumber, issuer: String(issuer.CN) };
    resolve(socket.authorized ? shaken : { ...shaken, error: String(socket.authorizationError) });
    socket.destroy();
  });
  return promise;
}

async function countTlsErrors(): Promise<number> {
  return cluster.controlPlane
    .lastLines(5_000)
    .split('\n')
    .filter((line) => line.includes('curfew.dev') && /x509|tls: /.test(line)).length;
}

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
