/** Watches calls and handshakes while certificates change: what an API server would run into, it runs into. */

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, valueAt } from '../src/objects/json.ts';
import { type ApiClient, readAnswer } from './api-client.ts';
import { waitUntil } from './installed-curfew.ts';
import type { Replicas } from './replicas.ts';
import { pod, type TestCluster } from './test-cluster.ts';

/** For replicas that look at their certificates as often as these: a leaf of nine seconds is looked at every 300 ms. */
export const SHORT_LIVES = ['--certificate-lifetime', '9s', '--authority-lifetime', '54s'];

const CALLERS = 4;
/** Of the 900 ms that a leaf of a new CA waits here after its bundle is in place: three checks of a leaf of nine seconds. */
const LAG_MS = 450;
const MOST_LAG_MS = 870;
const ENTRIES = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/curfew';

export type Watched = {
  readonly api: ApiClient;
  readonly replicas: Replicas;
  /** Where pods are created. */
  readonly namespace: string;
};

export type Progress = {
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
export async function watchWhile(
  { api, replicas, namespace }: Watched,
  run: (progress: Progress) => Promise<void>,
): Promise<Seen> {
  const leaves = replicas.all.map(() => new Set<string>());
  const issuers = replicas.all.map(() => new Set<string>());
  const failures: string[] = [];
  let calls = 0;
  let handshakes = 0;
  const end = new AbortController();
  const bundles = createLaggingBundles(api);

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
function createLaggingBundles(api: ApiClient) {
  let known: readonly KnownBundle[] = [];
  return {
    async read(): Promise<void> {
      const at = Date.now();
      const bundle = await readBundle(api);
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
export async function readBundle(api: ApiClient): Promise<string> {
  const [webhook] = asArray(valueAt(readAnswer(await api.get(ENTRIES), 200), ['webhooks']));
  return Buffer.from(asString(valueAt(webhook, ['clientConfig', 'caBundle'])) ?? '', 'base64').toString();
}

export type Shaken = { readonly error?: string; readonly serial: string; readonly issuer: string };

export function shakeHands(port: number, ca: string): Promise<Shaken> {
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

/** Lines of the API server's whole log about a webhook of Curfew that it does not trust, or that does not trust it. */
export async function countTlsErrors({ controlPlane: { apiServerLog } }: TestCluster): Promise<number> {
  if (apiServerLog === undefined) return 0;
  const lines = (await readFile(apiServerLog, 'utf8')).split('\n');
  return lines.filter((line) => line.includes('curfew.dev') && /x509|tls: /.test(line)).length;
}
