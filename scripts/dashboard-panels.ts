/** What the dashboard shows: rows of panels, each of queries over our metrics and a few of the API server's. */

import { METRICS } from '../src/metrics/metrics.ts';
import { count, OURS, quantile, RANGE, type Row, rate, series, stat } from './dashboard-queries.ts';

const M = METRICS;

export const ROWS: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      stat(
        { title: 'Replicas ready', unit: 'short', description: 'Those that the API server may call.' },
        `sum(${M.ready.name})`,
      ),
      stat(
        { title: 'Webhooks published', unit: 'bool_yes_no', description: 'Rules and CA bundle are there.' },
        `min(${M.webhooksPublished.name})`,
      ),
      stat(
        {
          title: 'Configuration in force is the file’s',
          unit: 'bool_yes_no',
          description: 'No: what is in the file is refused; the log says why.',
        },
        `min(${M.configurationCurrent.name})`,
      ),
      stat(
        {
          title: 'Serving certificate ends in',
          unit: 'dtdurations',
          description: 'Of the replica whose certificate ends first. Renewed when a third of its life is left.',
        },
        `min(${M.certificateNotAfter.name}) - time()`,
      ),
    ],
  },
  {
    title: 'Decisions',
    panels: [
      series({ title: 'Reviews', unit: 'reqps', description: 'Requests that the API server sent, by webhook entry.' }, [
        { expr: `${rate(`${M.reviews.name}_count`, 'entry, outcome')} > 0`, legend: '{{entry}} {{outcome}}' },
      ]),
      series({ title: 'Denials by check', unit: 'short', description: 'What was refused, and by which check.' }, [
        {
          expr: count(`${M.evaluations.name}{decision="deny"}`, 'check, resource'),
          legend: '{{check}} {{resource}}',
        },
      ]),
      series(
        {
          title: 'Would-decisions by check',
          unit: 'short',
          description: 'With dryRun: what would be refused without it.',
        },
        [
          {
            expr: count(`${M.evaluations.name}{decision="would_deny"}`, 'check, resource'),
            legend: '{{check}} {{resource}}',
          },
        ],
      ),
      series(
        {
          title: 'Warnings, audits and undecided by check',
          unit: 'short',
          description: 'What a higher level would refuse, and what could not be known.',
        },
        [
          {
            expr: count(`${M.evaluations.name}{decision=~"warn|audit|undecided"}`, 'check, decision'),
            legend: '{{check}} {{decision}}',
          },
        ],
      ),
      series(
        {
          title: 'Mutations',
          unit: 'short',
          description: 'Applied (mutate), only reported (would_mutate), refused, or left to a foreign webhook.',
        },
        [{ expr: count(M.mutations.name, 'mutation, decision'), legend: '{{mutation}} {{decision}}' }],
      ),
      series(
        {
          title: 'Time to an answer, median and 99th percentile',
          unit: 's',
          description: 'The API server waits for two or three seconds.',
        },
        [quantile(0.5), quantile(0.99)],
      ),
      series(
        {
          title: 'Wait before a review is begun, 99th percentile',
          unit: 's',
          description:
            'A replica that gets more than it can judge. Those whose answer would come too late are turned away.',
        },
        [
          {
            expr: `histogram_quantile(0.99, sum by (le) (rate(${M.waits.name}_bucket[${RANGE}]))) > 0`,
            legend: 'all replicas',
          },
        ],
      ),
    ],
  },
  {
    title: 'What went wrong',
    panels: [
      series(
        {
          title: 'Requests that could not be judged',
          unit: 'short',
          description: 'Faults: the failure policy of the entry applied.',
        },
        [{ expr: `${count(M.faults.name, 'entry, code')} > 0`, legend: '{{entry}} {{code}}' }],
      ),
      series(
        {
          title: 'The API server without a verdict',
          unit: 'short',
          description:
            'Counted by the API server: with Ignore it went past Curfew, with Fail it refused. Empty where it is not scraped.',
        },
        [
          {
            expr: count('apiserver_admission_webhook_fail_open_count{name=~".+[.]curfew[.]dev"}', 'name'),
            legend: '{{name}} went past',
          },
          {
            expr: count(
              'apiserver_admission_webhook_rejection_count{name=~".+[.]curfew[.]dev", error_type!="no_error"}',
              'name',
            ),
            legend: '{{name}} refused',
          },
        ],
      ),
      series(
        {
          title: 'Callers without the certificate of an API server',
          unit: 'short',
          description: 'Where callerAuthentication asks for one. Empty where nobody came without.',
        },
        [{ expr: count(M.unauthenticatedCalls.name, 'reason, decision'), legend: '{{reason}} {{decision}}' }],
      ),
      series(
        {
          title: 'Log lines lost, and Events on owners',
          unit: 'short',
          description:
            'Lines that a full disk did not take. Events of refused pods, where config.events.enabled has them written.',
        },
        [
          { expr: `sum(increase(${M.logLinesLost.name}[${RANGE}]))`, legend: 'lines lost' },
          { expr: count(M.ownerEvents.name, 'outcome'), legend: 'Events {{outcome}}' },
        ],
      ),
    ],
  },
  {
    title: 'Exemptions',
    panels: [
      series({ title: 'Uses of exemptions', unit: 'short', description: 'One that nobody uses can go.' }, [
        { expr: count(M.exemptions.name, 'exemption, check'), legend: '{{exemption}} {{check}}' },
      ]),
      series(
        {
          title: 'Time until an exemption ends',
          unit: 'dtdurations',
          description: 'Below zero it has ended, and does nothing.',
        },
        [{ expr: `min by (exemption) (${M.exemptionEnds.name}) - time()`, legend: '{{exemption}}' }],
      ),
    ],
  },
  {
    title: 'Certificates and index',
    panels: [
      series(
        {
          title: 'Life left of certificate and CA',
          unit: 'percentunit',
          description: 'A saw-tooth between 100 % and 33 %: both are renewed when a third is left.',
        },
        [
          {
            expr: `min((${M.certificateNotAfter.name} - time()) / (${M.certificateNotAfter.name} - ${M.certificateNotBefore.name}))`,
            legend: 'serving certificate',
          },
          {
            expr: `min((${M.authorityNotAfter.name} - time()) / (${M.authorityNotAfter.name} - ${M.authorityNotBefore.name}))`,
            legend: 'CA',
          },
        ],
      ),
      series(
        {
          title: 'Age of the index',
          unit: 's',
          description: 'Since the API server was last heard; it says something about once a minute.',
        },
        [{ expr: `max by (resource) (${M.indexAge.name})`, legend: '{{resource}}' }],
      ),
      series({ title: 'Objects in the index', unit: 'short', description: 'What a replica holds in memory.' }, [
        { expr: `max by (resource) (${M.indexEntries.name})`, legend: '{{resource}}' },
      ]),
      series(
        {
          title: 'Live reads and errors of the index',
          unit: 'reqps',
          description:
            'What goes to the API server; unknown: it gave no answer. Changes that other replicas were told of; missed: one was not. Replicas apart do not hear from all others, and read for each pod.',
        },
        [
          { expr: rate(M.liveReads.name, 'outcome'), legend: 'read: {{outcome}}' },
          { expr: rate(M.indexErrors.name, 'resource'), legend: 'error: {{resource}}' },
          { expr: rate(M.changesTold.name, 'outcome'), legend: 'change: {{outcome}}' },
          { expr: `count(${M.toldOfChanges.name}) - sum(${M.toldOfChanges.name})`, legend: 'replicas apart' },
        ],
      ),
    ],
  },
  {
    title: 'Tokens, as the API server counts them',
    panels: [
      series(
        {
          title: 'Tokens asked for',
          unit: 'reqps',
          description:
            'Most are asked for by kubelets, one for each new pod. Those by people and pipelines are what Curfew is asked about.',
        },
        [
          {
            expr: rate('apiserver_request_total{resource="serviceaccounts", subresource="token"}', 'code'),
            legend: 'all, {{code}}',
          },
          {
            expr: `sum(rate(${M.reviews.name}_count{entry="/validate/token-requests"}[${RANGE}]))`,
            legend: 'by people',
          },
        ],
      ),
      series(
        {
          title: 'Uses of stale and legacy tokens',
          unit: 'reqps',
          description:
            'Stale: used after the hour for which it was meant, by a client that does not read the file again.',
        },
        [
          { expr: `sum(rate(serviceaccount_stale_tokens_total[${RANGE}]))`, legend: 'stale' },
          {
            expr: `sum(rate(serviceaccount_legacy_manual_token_uses_total[${RANGE}]))`,
            legend: 'legacy, made by hand',
          },
          {
            expr: `sum(rate(serviceaccount_legacy_auto_token_uses_total[${RANGE}]))`,
            legend: 'legacy, made by Kubernetes',
          },
        ],
      ),
    ],
  },
  {
    title: 'Resources',
    panels: [
      series({ title: 'Memory', unit: 'bytes', description: 'Resident, by replica.' }, [
        { expr: `process_resident_memory_bytes ${OURS}`, legend: '{{instance}}' },
      ]),
      series({ title: 'CPU, in cores', unit: 'short', description: 'By replica.' }, [
        { expr: `rate(process_cpu_seconds_total[${RANGE}]) ${OURS}`, legend: '{{instance}}' },
      ]),
      series(
        {
          title: 'Lag of the event loop, 99th percentile',
          unit: 's',
          description: 'A replica that gets too little CPU shows here first.',
        },
        [{ expr: `nodejs_eventloop_lag_p99_seconds ${OURS}`, legend: '{{instance}}' }],
      ),
    ],
  },
];
