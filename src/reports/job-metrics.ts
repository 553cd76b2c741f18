/** What an audit or a cleaning found, as gauges in the text format of Prometheus: for a job that is gone before it is scraped. */

import type { AuditReport } from '../audit/audit-report.ts';
import type { CleanupReport } from '../cleanup/report.ts';

type JobMetric = { readonly name: string; readonly labels: readonly string[]; readonly help: string };

/** All are gauges: each run says what is so now. */
export const JOB_METRICS = {
  auditFindings: {
    name: 'curfew_audit_findings',
    labels: ['mode'],
    help: 'What the last audit found, by the strongest mode that finds it.',
  },
  auditDenied: {
    name: 'curfew_audit_denied_objects',
    labels: [],
    help: 'Objects that would be refused if they were written anew.',
  },
  auditUndecided: { name: 'curfew_audit_undecided', labels: [], help: 'Checks that could not know and might deny.' },
  auditFaults: {
    name: 'curfew_audit_faults',
    labels: [],
    help: 'Lists that could not be read; then nothing here is complete.',
  },
  auditSecrets: {
    name: 'curfew_audit_long_lived_secrets',
    labels: [],
    help: 'Secrets with a token that never expires.',
  },
  auditTime: {
    name: 'curfew_audit_timestamp_seconds',
    labels: [],
    help: 'When the last audit ended, in seconds since the epoch.',
  },
  cleanupSecrets: {
    name: 'curfew_cleanup_secrets',
    labels: ['step', 'state'],
    help: 'Token Secrets as the last run of a step left them; remaining does not count the exempted.',
  },
  cleanupFaults: {
    name: 'curfew_cleanup_faults',
    labels: ['step'],
    help: 'Lists that could not be read; then nothing is changed.',
  },
  cleanupStopped: {
    name: 'curfew_cleanup_stopped',
    labels: ['step'],
    help: '1 if the last run of a step stopped before its end.',
  },
  cleanupTime: {
    name: 'curfew_cleanup_timestamp_seconds',
    labels: ['step'],
    help: 'When the last run of a step ended, in seconds since the epoch.',
  },
} as const satisfies Record<string, JobMetric>;

type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };

/** @param now - in ms since the epoch */
export function renderAuditMetrics({ summary }: Pick<AuditReport, 'summary'>, now: number): string {
  return [
    format(
      JOB_METRICS.auditFindings,
      (['enforce', 'warn', 'audit'] as const).map((mode) => ({ labels: { mode }, value: summary[mode] })),
    ),
    format(JOB_METRICS.auditDenied, [{ value: summary.denied }]),
    format(JOB_METRICS.auditUndecided, [{ value: summary.undecided }]),
    format(JOB_METRICS.auditFaults, [{ value: summary.faults }]),
    format(JOB_METRICS.auditSecrets, [{ value: summary.longLivedSecrets }]),
    format(JOB_METRICS.auditTime, [{ value: toSeconds(now) }]),
  ].join('');
}

/** @param now - in ms since the epoch */
export function renderCleanupMetrics({ step, summary, faults, stopped }: CleanupReport, now: number): string {
  const states = { remaining: summary.remaining, held: summary.held, done: summary.done };
  return [
    format(
      JOB_METRICS.cleanupSecrets,
      Object.entries(states).map(([state, value]) => ({ labels: { step, state }, value })),
    ),
    format(JOB_METRICS.cleanupFaults, [{ labels: { step }, value: faults.length }]),
    format(JOB_METRICS.cleanupStopped, [{ labels: { step }, value: stopped === undefined ? 0 : 1 }]),
    format(JOB_METRICS.cleanupTime, [{ labels: { step }, value: toSeconds(now) }]),
  ].join('');
}

/** Values of labels are words of our own: nothing in them has to be escaped. */
function format({ name, help }: JobMetric, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([key, word]) => `${key}="${word}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
