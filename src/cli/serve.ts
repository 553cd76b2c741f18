/** `curfew serve`: puts the parts together, and takes them apart again without losing a request. */

import { hostname } from 'node:os';
import { findAuthorityLife } from '../certificates/authorities.ts';
import type { Publisher } from '../certificates/publish.ts';
import type { Clock } from '../kube/clock.ts';
import { createSystemClock } from '../kube/clock.ts';
import type { ClusterIndex } from '../kube/cluster-index.ts';
import { createUnknownReader } from '../kube/cluster-index.ts';
import { readOwnToken } from '../kube/own-token.ts';
import { createPodLister, createUnknownLister } from '../kube/pod-lister.ts';
import { describeError } from '../kube/sentences.ts';
import type { LogLevel } from '../log/logger.ts';
import { createLogger } from '../log/logger.ts';
import { openStandardOutput } from '../log/standard-output.ts';
import { createPrometheusRecorder } from '../metrics/prometheus.ts';
import { ENTRIES } from '../review/entries.ts';
import { createAfterTurn } from '../server/after-turn.ts';
import { buildApp } from '../server/app.ts';
import { createForeignWebhookReport } from '../server/foreign-webhooks.ts';
import {
  closeServer,
  endListening,
  listen,
  parseListenAddress,
  swapCertificate,
  watchRequests,
} from '../server/listen.ts';
import { buildOperationsApp } from '../server/operations-app.ts';
import { createRefusalEvents } from '../server/refusal-events.ts';
import { rehearse } from '../server/rehearsal.ts';
import { VERSION } from '../version.ts';
import { loadConfigurationFile } from './configuration-file.ts';
import { connectOnce } from './connect-cluster.ts';
import { createPolicySource } from './policy-source.ts';
import { DEFAULT_RELEASE } from './release.ts';
import type { CertificateOptions } from './serve-certificates.ts';
import {
  createCallersFor,
  createCertificates,
  createPublisherFor,
  describeOrigin,
  isBundleHeld,
  writeAuthority,
} from './serve-certificates.ts';
import { createServedIndex, type NamedReplica } from './serve-index.ts';
import { listNotes, listReadinessFacts } from './serve-readiness.ts';

export type ServeOptions = CertificateOptions & {
  readonly config?: string;
  readonly webhookListen: string;
  readonly operationsListen: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly withoutCluster: boolean;
  readonly namespace?: string;
  /** Name of the pod it runs in, where others may answer the same Service. */
  readonly replicaName?: string;
  readonly logLevel: LogLevel;
};

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
  const clock = createSystemClock();
  const recorder = createPrometheusRecorder(VERSION, clock.monotonic, { entries: ENTRIES.map(({ path }) => path) });
  const afterTurn = createAfterTurn();
  const log = createLogger(options.logLevel, openStandardOutput(recorder.logLinesLost, afterTurn.runLast));

  const client = options.withoutCluster ? undefined : await connectOnce(options);
  const release = options.publishWebhooks ?? options.compareWebhooks ?? DEFAULT_RELEASE;
  const onChange = () => reportForeignWebhooks();
  let isStopping = false;
  const served =
    client === undefined
      ? undefined
      : createServedIndex({
          client,
          recorder,
          log,
          clock,
          configuration: first.configuration,
          release,
          onWebhooksChange: onChange,
          replica: toReplica(options, operationsAddress.port),
          isStopping: () => isStopping,
        });
  const { index, changes, peers } = served ?? {};
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
  // While the API server is waited for. Without one the first review is slow, and no more.
  const rehearsal = rehearse({ policy: policies.current, clock }).catch((error: unknown) => {
    log.warn({ why: describeError(error) }, 'the rehearsal was broken off');
  });
  const reportForeignWebhooks = createForeignWebhookReport({ policy: policies.current, reader, recorder, log });
  const isBundleKnown = (bundle: string) => isBundleHeld(publisher, { bundle, options, now: clock.now() });
  const certificates = await createCertificates(options, first.configuration, {
    client,
    clock,
    log,
    signal,
    isBundleKnown,
  });
  const publisher: Publisher | undefined = createPublisherFor(options, certificates, {
    client,
    clock,
    log,
    onLook: recorder.webhooksPublished,
    configuration: () => policies.current().configuration,
  });

  const origin = describeOrigin(options, first.configuration);
  recorder.certificateSource(origin.source);

  const events =
    client === undefined ? undefined : createRefusalEvents({ client, clock, recorder, log, instance: hostname() });
  const callers = await createCallersFor(first.configuration, { clock, log });

  const app = buildApp({
    policy: policies.current,
    reader,
    listPods: client === undefined ? createUnknownLister(NO_CLUSTER) : createPodLister(client),
    recorder,
    log,
    clock,
    events,
    changes,
    tls: certificates.current(),
    callers: callers?.bundle,
    isDraining: () => isStopping,
    afterTurn,
  });
  const countRequests = watchRequests(app);
  let isRehearsed = false;
  const readiness = listReadinessFacts({
    index,
    publisher,
    origin: origin.description,
    isStopping: () => isStopping,
    isRehearsed: () => isRehearsed,
  });
  recorder.watchReadiness(() => readiness.every(({ missing }) => missing() === undefined));
  if (served !== undefined) recorder.watchPeers(served.isToldOfChanges);
  const operations = buildOperationsApp({
    readiness,
    notes: listNotes({ certificates, callers, publisher, index, peers }),
    metrics: recorder,
    onPeerMessage: peers?.heard,
  });

  const reportCertificate = () => {
    const certificate = certificates.current();
    recorder.certificateLife(certificate);
    const authority = findAuthorityLife(certificate.caBundle ?? '');
    if (authority !== undefined) recorder.authorityLife(authority);
  };
  reportCertificate();
  let inUse = certificates.current();
  certificates.onChange((certificate) => {
    // Only the bundle beside it may have changed.
    if (certificate.cert !== inUse.cert || certificate.key !== inUse.key) {
      swapCertificate(app, certificate, callers?.bundle());
      log.info({ notAfter: new Date(certificate.notAfter).toISOString() }, 'a new serving certificate is in use');
    }
    inUse = certificate;
    reportCertificate();
    publisher?.poke();
  });
  callers?.onChange(() => swapCertificate(app, certificates.current(), callers.bundle()));
  await writeAuthority(options.caOut, certificates);

  // Where they are watched, the first list says so, or its failure.
  if (index === undefined || !first.configuration.foreignWebhooks.watch) reportForeignWebhooks();
  index?.start();
  certificates.start();
  callers?.start();
  const reloading = policies.run(signal);
  const operationsUrl = await listen(operations, operationsAddress);
  const webhookUrl = await listen(app, webhookAddress);
  log.info({ version: VERSION, webhook: webhookUrl, operations: operationsUrl, cluster: client?.server }, 'listening');
  // Only a server that answers, and at once, tells the API server to call it.
  await untilSynced(index, signal, clock);
  // A replica that drains lets changes in to its last answer.
  const ending = new AbortController();
  const telling = peers?.run(ending.signal);
  await rehearsal;
  isRehearsed = true;
  publisher?.start();

  await untilAborted(signal);
  isStopping = true;
  const { drainSeconds } = policies.current().configuration.server;
  log.info({ drainSeconds }, 'stopping: no longer ready, still answering');
  // The Service takes this replica out only after some seconds; until then requests keep coming.
  await clock.sleep(drainSeconds * 1000, new AbortController().signal);
  await closeServer(app, { ms: CLOSE_MS, countRequests });
  ending.abort();
  await Promise.all([
    events?.stop(),
    publisher?.stop(),
    certificates.stop(),
    callers?.stop(),
    index?.stop(),
    reloading,
    telling,
  ]);
  await endListening(operations);
  log.info({}, 'stopped');
}

/** Outside a pod nothing else answers for a Service. */
function toReplica(
  { replicaName, namespace, kubeconfig }: ServeOptions,
  operationsPort: number,
): NamedReplica | 'only' | 'unnamed' {
  if (replicaName !== undefined && namespace !== undefined) return { pod: replicaName, namespace, operationsPort };
  return kubeconfig === undefined && process.env['KUBERNETES_SERVICE_HOST'] !== undefined ? 'unnamed' : 'only';
}

async function untilSynced(index: ClusterIndex | undefined, signal: AbortSignal, clock: Clock): Promise<void> {
  const isWaiting = () => index !== undefined && !index.isSynced() && !signal.aborted;
  while (isWaiting()) await clock.sleep(10, signal);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
