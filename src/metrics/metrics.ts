/** Every metric of ours, and what its labels may be: the recorder, the reference and the published names are made of it. */

export type Metric = {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly LabelName[];
  readonly help: string;
};

/**
 * The values of each label. All are from tables in code, but for the names of exemptions and of presets of one's own,
 * which are from the configuration: none is from a request, so nobody who sends requests can make series.
 */
export const LABELS = {
  version: 'version of Curfew',
  node_version: 'version of Node.js',
  entry: 'path of a [webhook entry](webhook-entries.md); `none` in faults of a request that reached no entry',
  outcome:
    'of reviews `allowed`, `denied`, `fault`; of live reads `found`, `absent`, `unknown`; of the configuration `accepted`, `refused`; of Events on owners `written`, `held`, `dropped`, `failed`',
  check: 'id of a check or guard',
  mutation: 'id of a mutation',
  mode: '`enforce`, `warn`, `audit`',
  decision:
    'of checks `deny`, `would_deny`, `warn`, `audit`, `undecided`, `exempt`; of mutations `mutate`, `would_mutate`, `deny`, `would_deny`, `stand_back`; of calls without a certificate `refuse`, `would_refuse`',
  operation: '`CREATE`, `UPDATE`, `DELETE`, `CONNECT`',
  resource: 'a resource of the table of webhook entries, such as `pods` or `deployments.apps`; else `other`',
  exemption: 'name of an exemption in the configuration',
  code: '[code of a fault](errors.md)',
  preset: 'name of a preset, of ours or of the configuration',
  reason: '`no_certificate`, `untrusted`, `expired`, `name`',
  source: '`own` (a CA in a Secret), `process` (a CA of this process), `cert-manager`, `secret`, `files`',
} as const;

export type LabelName = keyof typeof LABELS;

export const METRICS = {
  buildInfo: {
    name: 'curfew_build_info',
    type: 'gauge',
    labels: ['version', 'node_version'],
    help: 'Always 1; the version is a label.',
  },
  ready: {
    name: 'curfew_ready',
    type: 'gauge',
    labels: [],
    help: '1 if this replica is ready, else 0: /readyz?verbose says what is missing.',
  },
  reviews: {
    name: 'curfew_review_duration_seconds',
    type: 'histogram',
    labels: ['entry', 'outcome'],
    help: 'Time from a whole request to its answer, by outcome.',
  },
  waits: {
    name: 'curfew_review_wait_seconds',
    type: 'histogram',
    labels: [],
    help: 'Longest time that a review can have waited before Curfew came to it: what the event loop is behind.',
  },
  evaluations: {
    name: 'curfew_evaluations_total',
    type: 'counter',
    labels: ['check', 'mode', 'decision', 'operation', 'resource'],
    help: 'Checks that found something, by what it led to; would_deny is a denial held back by dryRun.',
  },
  mutations: {
    name: 'curfew_mutations_total',
    type: 'counter',
    labels: ['mutation', 'decision', 'operation', 'resource'],
    help: 'Mutations applied (mutate), only reported (would_mutate), asked for in a way that is denied (deny), or left to a foreign webhook (stand_back).',
  },
  exemptions: {
    name: 'curfew_exemptions_total',
    type: 'counter',
    labels: ['exemption', 'check'],
    help: 'Uses of an exemption: what a check found was removed.',
  },
  exemptionEnds: {
    name: 'curfew_exemption_expires_seconds',
    type: 'gauge',
    labels: ['exemption'],
    help: 'End of each exemption that is not permanent, in seconds since the epoch; from then on it does not work.',
  },
  faults: {
    name: 'curfew_faults_total',
    type: 'counter',
    labels: ['entry', 'code'],
    help: "Requests that could not be judged: the entry's failure policy applied.",
  },
  unauthenticatedCalls: {
    name: 'curfew_unauthenticated_calls_total',
    type: 'counter',
    labels: ['reason', 'decision'],
    help: 'Calls without the certificate of an API server, by what is wrong with it, where callerAuthentication asks for one; would_refuse where enforce is false.',
  },
  configurationReloads: {
    name: 'curfew_configuration_reloads_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Changes of the configuration file read.',
  },
  configurationCurrent: {
    name: 'curfew_configuration_current',
    type: 'gauge',
    labels: [],
    help: '1 if the configuration in force is that of the file; 0 while what is in the file is refused, or cannot be read.',
  },
  indexErrors: {
    name: 'curfew_index_errors_total',
    type: 'counter',
    labels: ['resource'],
    help: 'Lists and watches of the index that ended in an error.',
  },
  indexAge: {
    name: 'curfew_index_age_seconds',
    type: 'gauge',
    labels: ['resource'],
    help: 'Time since the index last heard from the API server; a bookmark comes about every minute.',
  },
  indexEntries: {
    name: 'curfew_index_entries',
    type: 'gauge',
    labels: ['resource'],
    help: 'Objects in the index.',
  },
  liveReads: {
    name: 'curfew_live_reads_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Lookups that went to the API server, by what came of them: what the index does not hold, or may hold as it was before a change; with liveReads: always the service account and the namespace of each new pod.',
  },
  changesTold: {
    name: 'curfew_changes_told_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Changes of service accounts and namespaces that another replica was told of before they were let in: confirmed, or missed where it could not be reached.',
  },
  toldOfChanges: {
    name: 'curfew_told_of_changes',
    type: 'gauge',
    labels: [],
    help: '1 if every other replica would tell this one of a change, or there is none; 0 while it asks the API server about each new pod instead.',
  },
  foreignWebhooks: {
    name: 'curfew_foreign_webhooks',
    type: 'gauge',
    labels: ['preset'],
    help: 'Webhook configurations of others that serve the scheme of a preset: where it is triggered, it stands back.',
  },
  foreignWebhooksKnown: {
    name: 'curfew_foreign_webhooks_known',
    type: 'gauge',
    labels: [],
    help: '1 if the webhook configurations of the cluster are known; 0 if they are not watched or were never listed.',
  },
  certificateNotBefore: {
    name: 'curfew_certificate_not_before_seconds',
    type: 'gauge',
    labels: [],
    help: 'Beginning of the serving certificate, in seconds since the epoch: with its end, how much of its life is left.',
  },
  certificateNotAfter: {
    name: 'curfew_certificate_not_after_seconds',
    type: 'gauge',
    labels: [],
    help: 'End of the serving certificate, in seconds since the epoch.',
  },
  certificateSource: {
    name: 'curfew_certificate_source',
    type: 'gauge',
    labels: ['source'],
    help: 'Always 1; where the serving certificate comes from is a label.',
  },
  authorityNotBefore: {
    name: 'curfew_authority_not_before_seconds',
    type: 'gauge',
    labels: [],
    help: 'Beginning of the CA that signs serving certificates, in seconds since the epoch; absent where its end is.',
  },
  authorityNotAfter: {
    name: 'curfew_authority_not_after_seconds',
    type: 'gauge',
    labels: [],
    help: 'End of the CA that signs serving certificates, in seconds since the epoch; absent where Curfew is given its certificate without one.',
  },
  ownerEvents: {
    name: 'curfew_owner_events_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Events on owners of refused pods: written, held back to be told with the next one, dropped because too many wait, or failed.',
  },
  logLinesLost: {
    name: 'curfew_log_lines_lost_total',
    type: 'counter',
    labels: [],
    help: 'Lines of the log that could not be written and were given up: the disk is full, or nobody reads them.',
  },
  webhooksPublished: {
    name: 'curfew_webhooks_published',
    type: 'gauge',
    labels: [],
    help: '1 if every entry of the webhook configurations was found with its rules and CA bundle; absent where somebody else publishes them.',
  },
} as const satisfies Readonly<Record<string, Metric>>;
