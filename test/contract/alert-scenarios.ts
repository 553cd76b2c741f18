/** For each alert a run that raises it: what was recorded of a real one, with one thing changed. */

import { grow, hold, type Recorded } from './recorded-series.ts';

export type Scenario = {
  readonly alert: string;
  /** When it is looked at, in minutes from the start. */
  readonly minutes: number;
  /** Minutes from one sample to the next; 1 if it is not said. */
  readonly every?: number;
  /** Replicas that are scraped; 2 if it is not said. */
  readonly replicas?: number;
  /** Other values of a series, or undefined where it goes on as on an ordinary day. */
  readonly change: (series: Recorded, count: number) => string | undefined;
  /** The labels of the alert beside its severity. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
};

const DAY = 24 * 60;
const DAY_SECONDS = 86_400;

const named =
  (name: string, values: (series: Recorded, count: number) => string, labels = ''): Scenario['change'] =>
  (series, count) =>
    series.name === name && series.labels.includes(labels) ? values(series, count) : undefined;

/** Of what takes a day. */
const EVERY = 5;
const SAMPLES = DAY / EVERY;

/** `slow` more each five minutes for a day, then `fast` more. */
const jump = (slow: number, fast: number) => () => `${grow(0, slow, SAMPLES)} ${grow(slow * SAMPLES, fast, 12)}`;

/**
 * An ordinary day: the faults and refused tokens, which the recorded run made on purpose, are over, and the exemption has
 * its time.
 */
export const ORDINARY: Scenario['change'] = ({ name, labels, second }, count) => {
  if (name === 'curfew_faults_total') return hold(second, count);
  if (name === 'apiserver_request_total' && labels.includes('code="403"')) return hold(second, count);
  if (name === 'curfew_exemption_expires_seconds') return hold(30 * DAY_SECONDS, count);
  return undefined;
};

export const SCENARIOS: readonly Scenario[] = [
  {
    alert: 'CurfewDown',
    minutes: 10,
    replicas: 0,
    change: () => undefined,
    summary: 'No replica of Curfew is scraped.',
  },
  {
    alert: 'CurfewReplicaMissing',
    minutes: 20,
    replicas: 1,
    change: () => undefined,
    summary: 'Only 1 of the replicas of Curfew are scraped.',
  },
  {
    alert: 'CurfewNotReady',
    minutes: 15,
    change: named('curfew_ready', (_, count) => hold(0, count)),
    summary: 'Replicas of Curfew run and are not ready, 2 of them.',
  },
  {
    alert: 'CurfewNotPublished',
    minutes: 15,
    change: named('curfew_webhooks_published', (_, count) => hold(0, count)),
    summary: 'Entries of the webhook configurations have no rules, or not the CA bundle of Curfew.',
  },
  {
    alert: 'CurfewFaults',
    minutes: 20,
    // As they went on in the recorded run.
    change: named(
      'curfew_faults_total',
      ({ second }, count) => grow(second, 1, count),
      'entry="/validate/pods",code="CURFEW_E_NOT_A_REVIEW"',
    ),
    labels: { entry: '/validate/pods', code: 'CURFEW_E_NOT_A_REVIEW' },
    summary: 'Curfew cannot judge requests of /validate/pods, CURFEW_E_NOT_A_REVIEW.',
  },
  {
    alert: 'CurfewSlow',
    minutes: 20,
    // What takes 2.5 s is in none of the buckets below it.
    change: ({ name, labels, first }, count) => {
      if (name !== 'curfew_review_duration_seconds_bucket' || !labels.includes('entry="/validate/pods"'))
        return undefined;
      const le = /le="([^"]+)"/.exec(labels)?.[1] ?? '';
      return le === '+Inf' || Number(le) >= 2.5 ? grow(first, 10, count) : hold(0, count);
    },
    labels: { entry: '/validate/pods' },
    summary: 'One in a hundred answers of /validate/pods takes longer than 2.485s.',
  },
  {
    alert: 'CurfewIndexOld',
    minutes: 20,
    change: named('curfew_index_age_seconds', (_, count) => grow(0, 60, count), 'resource="namespaces"'),
    labels: { resource: 'namespaces' },
    summary: 'Curfew has not heard from the API server about namespaces for five minutes.',
  },
  {
    alert: 'CurfewLiveReadsFail',
    minutes: 20,
    change: named('curfew_live_reads_total', (_, count) => grow(0, 1, count), 'outcome="unknown"'),
    summary: 'Curfew asks the API server about service accounts or namespaces and gets no answer.',
  },
  {
    alert: 'CurfewReplicasApart',
    minutes: 20,
    change: named('curfew_told_of_changes', (_, count) => hold(0, count)),
    summary: 'Replicas of Curfew do not hear from each other.',
  },
  {
    alert: 'CurfewConfigurationRefused',
    minutes: 5,
    change: named('curfew_configuration_current', (_, count) => hold(0, count)),
    summary: 'Curfew refuses its new configuration and goes on with the old one.',
  },
  {
    alert: 'CurfewCertificateEnds',
    minutes: 20,
    // Of thirty days three are left, a little less after twenty minutes.
    change: ({ name }, count) => {
      if (name === 'curfew_certificate_not_before_seconds') return hold(-27 * DAY_SECONDS, count);
      return name === 'curfew_certificate_not_after_seconds' ? hold(3 * DAY_SECONDS, count) : undefined;
    },
    summary: "Only 9.954% of the life of Curfew's serving certificate is left.",
  },
  {
    alert: 'CurfewAuthorityEnds',
    minutes: 20,
    change: ({ name }, count) => {
      if (name === 'curfew_authority_not_before_seconds') return hold(-3_300 * DAY_SECONDS, count);
      return name === 'curfew_authority_not_after_seconds' ? hold(350 * DAY_SECONDS, count) : undefined;
    },
    summary: "Only 9.589% of the life of the CA of Curfew's certificates is left.",
  },
  {
    alert: 'CurfewExemptionEnds',
    minutes: 5,
    // As it was recorded: it ends in some days.
    change: named('curfew_exemption_expires_seconds', ({ second }, count) => hold(second, count)),
    labels: { exemption: 'build-server' },
    summary: 'The exemption build-server ends within a week, or has ended.',
  },
  {
    alert: 'CurfewDenialsJump',
    minutes: DAY + 30,
    every: EVERY,
    change: named('curfew_review_duration_seconds_count', jump(0.5, 20), 'entry="/validate/secrets",outcome="denied"'),
    summary: 'Curfew has denied 126 requests in 15 minutes, more than five times as many as on the day before.',
  },
  {
    alert: 'CurfewFailedOpen',
    minutes: 20,
    change: named('apiserver_admission_webhook_fail_open_count', ({ second }, count) => grow(second, 1, count)),
    labels: { name: 'review.curfew.dev' },
    summary: 'The API server went past review.curfew.dev without a verdict.',
  },
  {
    alert: 'CurfewFailedClosed',
    minutes: 10,
    change: named(
      'apiserver_admission_webhook_rejection_count',
      ({ second }, count) => grow(second, 1, count),
      'error_type="calling_webhook_error"',
    ),
    labels: { name: 'pods.curfew.dev' },
    summary: 'The API server refuses requests since it cannot call pods.curfew.dev.',
  },
  {
    alert: 'CurfewStaleTokens',
    minutes: 120,
    change: named('serviceaccount_stale_tokens_total', (_, count) => grow(0, 1, count)),
    summary: 'Tokens were used 60 times in an hour after the hour for which they were meant.',
  },
  {
    alert: 'CurfewLegacyTokens',
    minutes: 120,
    change: named('serviceaccount_legacy_manual_token_uses_total', ({ second }, count) => grow(second, 1, count)),
    summary: 'Tokens from Secrets, which never expire, were used 60 times in an hour.',
  },
  {
    alert: 'CurfewInvalidatedTokens',
    minutes: 120,
    change: named('serviceaccount_invalid_legacy_auto_token_uses_total', (_, count) => grow(0, 1, count)),
    summary: 'Tokens that were made invalid since nobody used them were tried 60 times in an hour.',
  },
  {
    alert: 'CurfewTokensIssuedJump',
    minutes: DAY + 40,
    every: EVERY,
    change: named('apiserver_request_total', jump(30, 600), 'code="201"'),
    summary:
      'The API server issues 2 service account tokens a second, more than five times as many as on the day before.',
  },
  {
    alert: 'CurfewTokenRequestsJump',
    minutes: DAY + 30,
    every: EVERY,
    change: named(
      'curfew_review_duration_seconds_count',
      jump(0.5, 20),
      'entry="/validate/token-requests",outcome="allowed"',
    ),
    summary:
      'People and pipelines asked for 126 service account tokens in 15 minutes, more than five times as many as on the day before.',
  },
  {
    alert: 'CurfewTokenRequestsRefused',
    minutes: 30,
    change: named('apiserver_request_total', ({ second }, count) => grow(second, 1, count), 'code="403"'),
    summary: 'The API server refused 15 requests for service account tokens in 15 minutes.',
  },
];
