/** The recorder that Prometheus scrapes: with `process-metrics.ts`, all that knows a metrics library. */

import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { FAULTS } from '../errors.ts';
import { bySeries, createBacklog } from './backlog.ts';
import { METRICS } from './metrics.ts';
import { collectProcessMetrics } from './process-metrics.ts';
import type { EvaluationRecord, IndexResource, MutationRecord, Recorder, ReviewRecord } from './recorder.ts';

export type PrometheusRecorder = Recorder & {
  readonly contentType: string;
  /** Asked at each scrape from now on whether this replica is ready. */
  watchReadiness(isReady: () => boolean): void;
  /** The same of whether it would be told of changes by all other replicas; true by default, as where there are none. */
  watchPeers(isTold: () => boolean): void;
  /** The exposition text. */
  render(): Promise<string>;
};

/**
 * Most answers take well under a millisecond; live reads take some; the entries' own timeouts are 2 and 3 s, and an API
 * server waits for 30 s at most.
 */
const SECONDS = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** What is waited for longer than the last is answered as a fault. */
const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5];

/**
 * @param monotonic - in ms, for the age of the index at the moment of a scrape
 * @param entries - paths of the webhook entries, whose reviews and faults begin with 0
 */
export function createPrometheusRecorder(
  version: string,
  monotonic: () => number,
  { entries = [] }: { readonly entries?: readonly string[] } = {},
): PrometheusRecorder {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  const describe = <Name extends string>(metric: {
    readonly name: string;
    readonly help: string;
    readonly labels: readonly Name[];
  }) => ({ name: metric.name, help: metric.help, labelNames: metric.labels, registers });

  new Gauge(describe(METRICS.buildInfo)).set({ version, node_version: process.versions.node }, 1);
  const readiness = { isReady: (): boolean => false };
  new Gauge({
    ...describe(METRICS.ready),
    collect() {
      this.set(Number(readiness.isReady()));
    },
  });
  const peers = { isTold: (): boolean => true };
  new Gauge({
    ...describe(METRICS.toldOfChanges),
    collect() {
      this.set(Number(peers.isTold()));
    },
  });
  const reviews = new Histogram({ ...describe(METRICS.reviews), buckets: SECONDS });
  const waits = new Histogram({ ...describe(METRICS.waits), buckets: WAIT_SECONDS });
  const evaluations = new Counter(describe(METRICS.evaluations));
  const mutations = new Counter(describe(METRICS.mutations));
  const exemptions = new Counter(describe(METRICS.exemptions));
  const exemptionEnds = new Gauge(describe(METRICS.exemptionEnds));
  const faults = new Counter(describe(METRICS.faults));
  const unauthenticatedCalls = new Counter(describe(METRICS.unauthenticatedCalls));
  const reloads = new Counter(describe(METRICS.configurationReloads));
  const configurationCurrent = new Gauge(describe(METRICS.configurationCurrent));
  const indexErrors = new Counter(describe(METRICS.indexErrors));
  const contacts = new Map<IndexResource, number>();
  new Gauge({
    ...describe(METRICS.indexAge),
    collect() {
      for (const [resource, at] of contacts) this.set({ resource }, Math.max(0, monotonic() - at) / 1000);
    },
  });
  const indexEntries = new Gauge(describe(METRICS.indexEntries));
  const liveReads = new Counter(describe(METRICS.liveReads));
  const changesTold = new Counter(describe(METRICS.changesTold));
  const foreignWebhooks = new Gauge(describe(METRICS.foreignWebhooks));
  const foreignWebhooksKnown = new Gauge(describe(METRICS.foreignWebhooksKnown));
  const certificate = {
    notBefore: new Gauge(describe(METRICS.certificateNotBefore)),
    notAfter: new Gauge(describe(METRICS.certificateNotAfter)),
  };
  const authority = {
    notBefore: new Gauge(describe(METRICS.authorityNotBefore)),
    notAfter: new Gauge(describe(METRICS.authorityNotAfter)),
  };
  const certificateSource = new Gauge(describe(METRICS.certificateSource));
  const ownerEvents = new Counter(describe(METRICS.ownerEvents));
  const logLinesLost = new Counter(describe(METRICS.logLinesLost));
  const published = new Gauge(describe(METRICS.webhooksPublished));
  // A gauge without labels shows 0 before it is set, and a CA that ended in the year 1970 is an alarm.
  const unknown = [certificate.notBefore, certificate.notAfter, authority.notBefore, authority.notAfter, published];
  for (const gauge of unknown) gauge.remove();
  // The same of a configuration that nobody has refused.
  configurationCurrent.set(1);

  // A counter that begins at 1 never grew, to Prometheus: these are there before the first is counted. Those with more
  // labels would be thousands of series that nobody ever needs.
  for (const entry of entries) {
    for (const outcome of ['allowed', 'denied', 'fault']) reviews.zero({ entry, outcome });
  }
  for (const entry of [...entries, 'none']) {
    for (const code of Object.keys(FAULTS)) faults.inc({ entry, code }, 0);
  }
  for (const outcome of ['accepted', 'refused']) reloads.inc({ outcome }, 0);
  for (const outcome of ['found', 'absent', 'unknown']) liveReads.inc({ outcome }, 0);
  for (const outcome of ['confirmed', 'missed']) changesTold.inc({ outcome }, 0);

  const backlog = createBacklog();
  const waited = backlog.histogram((seconds) => waits.observe(seconds));
  const reviewed = bySeries(
    ({ entry, outcome }: ReviewRecord) => [entry, outcome],
    ({ entry, outcome }) => backlog.histogram((seconds) => reviews.observe({ entry, outcome }, seconds)),
  );
  const evaluated = bySeries(
    ({ check, mode, decision, operation, resource }: EvaluationRecord) => [check, mode, decision, operation, resource],
    (labels) => backlog.counter((by) => evaluations.inc(labels, by)),
  );
  const mutated = bySeries(
    ({ mutation, decision, operation, resource }: MutationRecord) => [mutation, decision, operation, resource],
    (labels) => backlog.counter((by) => mutations.inc(labels, by)),
  );

  return {
    contentType: registry.contentType,
    render: async () => {
      backlog.settle();
      return await registry.metrics();
    },
    watchReadiness: (isReady) => {
      readiness.isReady = isReady;
    },
    watchPeers: (isTold) => {
      peers.isTold = isTold;
    },
    review: (record) => reviewed(record)(record.seconds),
    wait: waited,
    evaluation: (record) => evaluated(record)(),
    mutation: (record) => mutated(record)(),
    exemption: (record) => exemptions.inc(record),
    exemptionEnds: (ends) => {
      exemptionEnds.reset();
      for (const { name, end } of ends) exemptionEnds.set({ exemption: name }, end / 1000);
    },
    fault: (record) => faults.inc(record),
    ownerEvent: (outcome) => ownerEvents.inc({ outcome }),
    unauthenticatedCall: (record) => unauthenticatedCalls.inc(record),
    configurationReload: (outcome) => reloads.inc({ outcome }),
    configurationCurrent: (isCurrent) => configurationCurrent.set(Number(isCurrent)),
    indexError: (resource) => indexErrors.inc({ resource }),
    indexContact: (resource, at) => {
      contacts.set(resource, at);
    },
    indexSize: (resource, entries) => {
      indexEntries.set({ resource }, entries);
      // The first error is to be seen as one more than none.
      indexErrors.inc({ resource }, 0);
    },
    foreignWebhooks: (counts) => {
      foreignWebhooksKnown.set(counts === undefined ? 0 : 1);
      foreignWebhooks.reset();
      for (const [preset, count] of counts ?? []) foreignWebhooks.set({ preset }, count);
    },
    liveRead: (outcome) => liveReads.inc({ outcome }),
    changeTold: (outcome) => changesTold.inc({ outcome }),
    certificateLife: ({ notBefore, notAfter }) => {
      certificate.notBefore.set(notBefore / 1000);
      certificate.notAfter.set(notAfter / 1000);
    },
    authorityLife: ({ notBefore, notAfter }) => {
      authority.notBefore.set(notBefore / 1000);
      authority.notAfter.set(notAfter / 1000);
    },
    certificateSource: (source) => certificateSource.set({ source }, 1),
    logLinesLost: (lines) => logLinesLost.inc(lines),
    webhooksPublished: (isPublished) => published.set(Number(isPublished)),
  };
}
