/** `curfew serve`: puts the parts together, and takes them apart again without losing a request. */

import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createFileSource } from '../certificates/files.ts';
import type { Publisher } from '../certificates/publish.ts';
import { createPublisher } from '../certificates/publish.ts';
import { loadOrCreateAuthority } from '../certificates/secret-store.ts';
import { createSelfMadeSource } from '../certificates/self-made.ts';
import { createSigningSource } from '../certificates/signing.ts';
import type { CertificateSource } from '../certificates/source.ts';
import type { KubeClient } from '../kube/api.ts';
import { connect } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { createSystemClock } from '../kube/clock.ts';
import type { ClusterIndex } from '../kube/cluster-index.ts';
import { createClusterIndex, createUnknownReader } from '../kube/cluster-index.ts';
import { readOwnToken } from '../kube/own-token.ts';
import { createPodLister, createUnknownLister } from '../kube/pod-lister.ts';
import type { Logger, LogLevel } from '../log/logger.ts';
import { createLogger } from '../log/logger.ts';
import { createPrometheusRecorder } from '../metrics/prometheus.ts';
import type { Configuration } from '../policy/configuration.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import { listPublishedRules } from '../review/entries.ts';
import { buildApp } from '../server/app.ts';
import { createForeignWebhookReport } from '../server/foreign-webhooks.ts';
import { listen, parseListenAddress, swapCertificate } from '../server/listen.ts';
import type { ReadinessFact } from '../server/operations-app.ts';
import { buildOperationsApp } from '../server/operations-app.ts';
import { VERSION } from '../version.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import { createPolicySource } from './policy-source.ts';

export type ServeOptions = {
  readonly config?: string;
  readonly webhookListen: string;
  readonly operationsListen: string;
  readonly kubeconfig?: string;
  readonly withoutCluster: boolean;
  readonly namespace?: string;
  readonly publishWebhooks?: string;
  readonly certificateSecret?: string;
  readonly certificateOwner?: string;
  readonly servingName: readonly string[];
  readonly caOut?: string;
  readonly logLevel: LogLevel;
};

/** What the chart calls its objects unless it is told otherwise. */
const DEFAULT_RELEASE = 'curfew';

const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

const NO_CLUSTER = 'Curfew runs without a cluster';

/** Longest wait for requests in flight once listening has ended, in ms; the API server itself waits 30 s at most. */
const CLOSE_MS = 30_000;

/**
 * Serves until `signal` aborts, then drains and resolves.
 *
 * @throws Error with a sentence if the configuration, the cluster or the certificates cannot be used
 */
export async function serve(options: ServeOptions, signal: AbortSignal): Promise<void> {
  const webhookAddress = parseListenAddress(options.webhookListen);
  const operationsAddress = parseListenAddress(options.operationsListen);
  const first = await loadConfigurationFile(options.config);
  const log = createLogger(options.logLevel);
  const clock = createSystemClock();
  const recorder = createPrometheusRecorder(VERSION, clock.now);

  const client = options.withoutCluster
    ? undefined
    : await connect(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  const { secretIndex, foreignWebhooks } = first.configuration;
  const release = options.publishWebhooks ?? DEFAULT_RELEASE;
  const onChange = () => reportForeignWebhooks();
  const index =
    client === undefined
      ? undefined
      : createClusterIndex({
          client,
          recorder,
          log,
          clock,
          withTokenSecrets: secretIndex,
          schemeKeys: listSchemeKeys(first.configuration),
          ...(foreignWebhooks.watch ? { mutatingWebhooks: { own: release, onChange } } : {}),
        });
  const reader = index?.reader ?? createUnknownReader(NO_CLUSTER);
  const policies = createPolicySource({
    file: options.config,
    first,
    ownToken: await readOwnToken(),
    ownNamespace: options.namespace ?? '',
    release,
    clock,
    log,
    recorder,
    onChange,
  });
  const reportForeignWebhooks = createForeignWebhookReport({ policy: policies.current, reader, recorder, log });
  const certificates = await createCertificates(options, first.configuration, { client, clock, log, signal });
  const publisher = createPublisherFor(options, certificates, {
    client,
    clock,
    log,
    configuration: () => policies.current().configuration,
  });

  let isStopping = false;
  const app = buildApp({
    policy: policies.current,
    reader,
    listPods: client === undefined ? createUnknownLister(NO_CLUSTER) : createPodLister(client),
    recorder,
    log,
    clock: { now: clock.now, monotonic: () => performance.now() },
    tls: certificates.current(),
    isDraining: () => isStopping,
  });
  const readiness = listReadinessFacts(index, () => isStopping);
  const operations = buildOperationsApp({ readiness, notes: listNotes(publisher, index), metrics: recorder });

  const reportCertificate = () => recorder.certificateNotAfter(certificates.current().notAfter);
  reportCertificate();
  certificates.onChange((certificate) => {
    swapCertificate(app, certificate);
    reportCertificate();
    publisher?.poke();
    log.info({ notAfter: new Date(certificate.notAfter).toISOString() }, 'a new serving certificate is in use');
  });
  await writeAuthority(options.caOut, certificates);

  // Where they are watched, the first list says so, or its failure.
  if (index === undefined || !foreignWebhooks.watch) reportForeignWebhooks();
  index?.start();
  certificates.start();
  const reloading = policies.run(signal);
  const operationsUrl = await listen(operations, operationsAddress);
  const webhookUrl = await listen(app, webhookAddress);
  log.info({ version: VERSION, webhook: webhookUrl, operations: operationsUrl, cluster: client?.server }, 'listening');
  // Only a server that answers tells the API server to call it.
  await untilSynced(index, signal, clock);
  publisher?.start();

  await untilAborted(signal);
  isStopping = true;
  const { drainSeconds } = policies.current().configuration.server;
  log.info({ drainSeconds }, 'stopping: no longer ready, still answering');
  // The Service takes this replica out only after some seconds; until then requests keep coming.
  await clock.sleep(drainSeconds * 1000, new AbortController().signal);
  await closeWithin(CLOSE_MS, app);
  await Promise.all([publisher?.stop(), certificates.stop(), index?.stop(), reloading]);
  await operations.close();
  log.info({}, 'stopped');
}

type Tools = { readonly client: KubeClient | undefined; readonly clock: Clock; readonly log: Logger };

/** Files if the configuration names them, else a CA shared in a Secret, else one of this process alone. */
async function createCertificates(
  options: ServeOptions,
  configuration: Configuration,
  { client, clock, log, signal }: Tools & { readonly signal: AbortSignal },
): Promise<CertificateSource> {
  if (configuration.tls !== undefined) return await createFileSource({ ...configuration.tls, clock, log });
  const names = [...LOCAL_NAMES, ...options.servingName];
  const signing = {
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
    clock,
    log,
  };
  if (options.certificateSecret === undefined) return await createSelfMadeSource(signing);
  if (client === undefined) throw new Error('--certificate-secret needs a cluster, and --without-cluster was given');
  const [namespace, name, ...rest] = options.certificateSecret.split('/');
  if (namespace === undefined || name === undefined || name === '' || rest.length > 0) {
    throw new Error(`--certificate-secret ${JSON.stringify(options.certificateSecret)} is not NAMESPACE/NAME`);
  }
  const { certificateOwner } = options;
  const owner = certificateOwner === undefined ? {} : { ownerDeployment: certificateOwner };
  const store = { client, namespace, name, ...owner, clock, log, signal };
  return await createSigningSource({ ...signing, authority: async () => await loadOrCreateAuthority(store) });
}

function createPublisherFor(
  { publishWebhooks }: ServeOptions,
  certificates: CertificateSource,
  { client, clock, log, configuration }: Tools & { readonly configuration: () => Configuration },
): Publisher | undefined {
  if (publishWebhooks === undefined) return undefined;
  if (client === undefined) throw new Error('--publish-webhooks needs a cluster, and --without-cluster was given');
  return createPublisher({
    client,
    configurations: [
      {
        kind: 'ValidatingWebhookConfiguration',
        name: publishWebhooks,
        rules: () => listPublishedRules('validating', configuration()),
      },
      {
        kind: 'MutatingWebhookConfiguration',
        name: publishWebhooks,
        rules: () => listPublishedRules('mutating', configuration()),
      },
    ],
    caBundle: () => certificates.current().caBundle,
    clock,
    log,
  });
}

function listReadinessFacts(index: ClusterIndex | undefined, isStopping: () => boolean): readonly ReadinessFact[] {
  return [
    { name: 'not stopping', missing: () => (isStopping() ? 'the server is stopping' : undefined) },
    {
      name: index === undefined ? 'index not needed (--without-cluster)' : 'index synced',
      missing: () =>
        index === undefined || index.isSynced() ? undefined : 'namespaces and service accounts are still being listed',
    },
  ];
}

/**
 * If readiness waited for these, whoever deletes an entry, or takes an optional right away, would take every replica away
 * from the entries that fail closed.
 */
function listNotes(publisher: Publisher | undefined, index: ClusterIndex | undefined): readonly ReadinessFact[] {
  const notes: ReadinessFact[] = [];
  if (publisher !== undefined) {
    const missing = () => (publisher.isPublished() ? undefined : publisher.status().join('; '));
    notes.push({ name: 'webhooks published', missing });
  }
  if (index?.status().tokenSecrets !== undefined) {
    notes.push({ name: 'token Secrets known', missing: () => index.status().tokenSecrets?.failure });
  }
  if (index?.status().mutatingWebhooks !== undefined) {
    notes.push({ name: 'foreign webhooks known', missing: () => index.status().mutatingWebhooks?.failure });
  }
  return notes;
}

async function writeAuthority(file: string | undefined, certificates: CertificateSource): Promise<void> {
  if (file === undefined) return;
  const { caBundle } = certificates.current();
  if (caBundle === undefined) throw new Error('--ca-out: the CA is not known; set tls.caFile in the configuration');
  // Ends with a newline, whoever made it: the next thing may be a log line or another certificate.
  const text = `${caBundle.trimEnd()}\n`;
  if (file === '-') process.stdout.write(text);
  else await writeFile(file, text);
}

async function untilSynced(index: ClusterIndex | undefined, signal: AbortSignal, clock: Clock): Promise<void> {
  const isWaiting = () => index !== undefined && !index.isSynced() && !signal.aborted;
  while (isWaiting()) await clock.sleep(50, signal);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

/** Ends listening and idle connections at once, waits for requests in flight, and for no client longer than `ms`. */
async function closeWithin(ms: number, app: ReturnType<typeof buildApp>): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), ms);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}
