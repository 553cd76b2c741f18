/** The recorder that Prometheus scrapes; the one file that knows a metrics library. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { IndexResource, Recorder } from './recorder.ts';

export type PrometheusRecorder = Recorder & {
  readonly contentType: string;
  /** The exposition text. */
  render(): Promise<string>;
};

/** Answers take well under a millisecond; the long ones are those the API server gives up on. */
const SECONDS = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Name, type and help of every metric of ours: the reference is made of it. */
export const METRICS = {
  buildInfo: { name: 'curfew_build_info', help: 'Always 1; the version is a label.' },
  reviews: { name: 'curfew_review_duration_seconds', help: 'Time from a whole request to its answer, by outcome.' },
  evaluations: {
    name: 'curfew_evaluations_total',
    help: 'Checks that found something, by what it led to; would_deny is a denial held back by dryRun.',
  },
  mutations: {
    name: 'curfew_mutations_total',
    help: 'Mutations applied (mutate), only reported (would_mutate), asked for in a way that is denied (deny), or left to a foreign webhook (stand_back).',
  },
  exemptions: { name: 'curfew_exemptions_total', help: 'Uses of an exemption: what a check found was removed.' },
  exemptionEnds: {
    name: 'curfew_exemption_expires_seconds',
    help: 'End of each exemption that is not permanent, in seconds since the epoch; from then on it does not work.',
  },
  faults: {
    name: 'curfew_faults_total',
    help: "Requests that could not be judged: the entry's failure policy applied.",
  },
  configurationReloads: { name: 'curfew_configuration_reloads_total', help: 'Changes of the configuration file read.' },
  indexErrors: { name: 'curfew_index_errors_total', help: 'Lists and watches of the index that ended in an error.' },
  indexAge: {
    name: 'curfew_index_age_seconds',
    help: 'Time since the index last heard from the API server; a bookmark comes about every minute.',
  },
  indexEntries: { name: 'curfew_index_entries', help: 'Objects in the index.' },
  liveReads: {
    name: 'curfew_live_reads_total',
    help: 'Lookups that went to the API server, by what came of them: what the index does not hold, and the service account and the namespace of each new pod.',
  },
  foreignWebhooks: {
    name: 'curfew_foreign_webhooks',
    help: 'Webhook configurations of others that serve the scheme of a preset: where it is triggered, it stands back.',
  },
  foreignWebhooksKnown: {
    name: 'curfew_foreign_webhooks_known',
    help: '1 if the webhook configurations of the cluster are known; 0 if they are not watched or were never listed.',
  },
  certificateNotAfter: {
    name: 'curfew_certificate_not_after_seconds',
    help: 'End of the serving certificate, in seconds since the epoch.',
  },
  authorityNotAfter: {
    name: 'curfew_authority_not_after_seconds',
    help: 'End of the CA that signs serving certificates, in seconds since the epoch; absent where Curfew is given its certificate without one.',
  },
  webhooksPublished: {
    name: 'curfew_webhooks_published',
    help: '1 if every entry of the webhook configurations was found with its rules and CA bundle; absent where somebody else publishes them.',
  },
} as const;

/** @param now - ms since the epoch, for the age of the index at the moment of a scrape */
export function createPrometheusRecorder(version: string, now: () => number): PrometheusRecorder {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  new Gauge({ ...METRICS.buildInfo, labelNames: ['version', 'node_version'], registers }).set(
    { version, node_version: process.versions.node },
    1,
  );
  const reviews = new Histogram({
    ...METRICS.reviews,
    labelNames: ['entry', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const evaluations = new Counter({
    ...METRICS.evaluations,
    labelNames: ['check', 'mode', 'decision', 'operation', 'resource'],
    registers,
  });
  const mutations = new Counter({
    ...METRICS.mutations,
    labelNames: ['mutation', 'decision', 'operation', 'resource'],
    registers,
  });
  const exemptions = new Counter({ ...METRICS.exemptions, labelNames: ['exemption', 'check'], registers });
  const exemptionEnds = new Gauge({ ...METRICS.exemptionEnds, labelNames: ['exemption'], registers });
  const faults = new Counter({ ...METRICS.faults, labelNames: ['entry', 'code'], registers });
  const reloads = new Counter({ ...METRICS.configurationReloads, labelNames: ['outcome'], registers });
  const indexErrors = new Counter({ ...METRICS.indexErrors, labelNames: ['resource'], registers });
  const contacts = new Map<IndexResource, number>();
  new Gauge({
    ...METRICS.indexAge,
    labelNames: ['resource'],
    registers,
    collect() {
      for (const [resource, at] of contacts) this.set({ resource }, Math.max(0, now() - at) / 1000);
    },
  });
  const indexEntries = new Gauge({ ...METRICS.indexEntries, labelNames: ['resource'], registers });
  const liveReads = new Counter({ ...METRICS.liveReads, labelNames: ['outcome'], registers });
  const foreignWebhooks = new Gauge({ ...METRICS.foreignWebhooks, labelNames: ['preset'], registers });
  const foreignWebhooksKnown = new Gauge({ ...METRICS.foreignWebhooksKnown, registers });
  const certificate = new Gauge({ ...METRICS.certificateNotAfter, registers });
  const authority = new Gauge({ ...METRICS.authorityNotAfter, registers });
  const published = new Gauge({ ...METRICS.webhooksPublished, registers });
  // A gauge without labels shows 0 before it is set, and a CA that ended in the year 1970 is an alarm.
  for (const gauge of [authority, published]) gauge.remove();

  return {
    contentType: registry.contentType,
    render: async () => await registry.metrics(),
    review: ({ entry, outcome, seconds }) => reviews.observe({ entry, outcome }, seconds),
    evaluation: (record) => evaluations.inc(record),
    mutation: (record) => mutations.inc(record),
    exemption: (record) => exemptions.inc(record),
    exemptionEnds: (ends) => {
      exemptionEnds.reset();
      for (const { name, end } of ends) exemptionEnds.set({ exemption: name }, end / 1000);
    },
    fault: (record) => faults.inc(record),
    configurationReload: (outcome) => reloads.inc({ outcome }),
    indexError: (resource) => indexErrors.inc({ resource }),
    indexContact: (resource, at) => {
      contacts.set(resource, at);
    },
    indexSize: (resource, entries) => indexEntries.set({ resource }, entries),
    foreignWebhooks: (counts) => {
      foreignWebhooksKnown.set(counts === undefined ? 0 : 1);
      foreignWebhooks.reset();
      for (const [preset, count] of counts ?? []) foreignWebhooks.set({ preset }, count);
    },
    liveRead: (outcome) => liveReads.inc({ outcome }),
    certificateNotAfter: (at) => certificate.set(at / 1000),
    authorityNotAfter: (at) => authority.set(at / 1000),
    webhooksPublished: (isPublished) => published.set(Number(isPublished)),
  };
}
