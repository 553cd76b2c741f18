/** Reference pages made of the tables in code. */

import { AuditReportSchema } from '../src/audit/audit-report.ts';
import { MARK_ANNOTATION } from '../src/cleanup/mark.ts';
import type { FaultRow } from '../src/errors.ts';
import { FAULTS } from '../src/errors.ts';
import { CheckReportSchema } from '../src/manifests/check-report.ts';
import { LABELS, METRICS } from '../src/metrics/metrics.ts';
import { API_ACCESS_ANNOTATION, MOST_REASON_CHARACTERS, REASON_PLACEHOLDER } from '../src/objects/api-access.ts';
import { API_TOKEN_EXPIRATION_ANNOTATION } from '../src/objects/api-token-expiration.ts';
import { INJECTED_ANNOTATION, TOKEN_ANNOTATION_PREFIX } from '../src/objects/injection-keys.ts';
import { LEVELS } from '../src/objects/level.ts';
import { NO_TOKEN_LABEL, NO_TOKEN_VALUE } from '../src/objects/no-token-label.ts';
import { formatResource } from '../src/objects/subject.ts';
import { ConfigurationSchema } from '../src/policy/configuration-schema.ts';
import { EXEMPTION_PRESETS, listPresetChecks } from '../src/policy/exemption-presets.ts';
import { AUDIT_KEYS, AUDIT_MEANINGS, LEVEL_LABELS, MUTATED_BY_ANNOTATION } from '../src/policy/labels.ts';
import { JOB_METRICS } from '../src/reports/job-metrics.ts';
import type { Entry } from '../src/review/entries.ts';
import { ENTRIES } from '../src/review/entries.ts';
import { GENERATED, listKeys, toPage, toTable, toYamlBlock } from './generate-markdown.ts';

export function renderErrors(): string {
  const rows = Object.entries<FaultRow>(FAULTS).map(([code, row]) => [
    `\`${code}\``,
    String(row.status),
    row.message.replace('%s', '…'),
    row.remedy,
  ]);
  return toPage('Faults', [
    'What kept Curfew from judging a request. A fault is never a verdict: it is answered with this HTTP status and a',
    '`Status` body, so that the API server applies the failure policy of the webhook entry and counts it.',
    '',
    toTable(['code', 'status', 'message', 'what to do'], rows),
  ]);
}

export function renderMetrics(): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  const labels = Object.entries(LABELS).map(([name, values]) => [`\`${name}\``, values]);
  return toPage('Metrics', [
    'At `/metrics` of the operations port, beside those of the Node.js process (`nodejs_…`, `process_…`; not the duration of',
    'each garbage collection, which would cost more than it tells). What to do with them: [monitoring](../guides/monitoring.md).',
    '',
    toTable(['metric', 'type', 'labels', 'what it says'], rows),
    'No value of a label comes from a request, so the number of series is bounded by the tables and the configuration:',
    '',
    toTable(['label', 'values'], labels),
    'Of the jobs `curfew audit` and `curfew cleanup`, with `--metrics`, all gauges ([how](../guides/tasks.md#metrics)):',
    '',
    toTable(
      ['metric', 'labels', 'what it says'],
      Object.values(JOB_METRICS).map(({ name, labels: of, help }) => [
        `\`${name}\``,
        of.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    ),
    'Times are in seconds, also those since the epoch. The buckets of the histogram go from 0.1 ms to 30 s, the longest that',
    'an API server waits for a webhook. Reviews, faults, live reads and reloads are there with 0 from the start, so that the',
    'first one is an increase; a series of `curfew_evaluations_total`, `curfew_mutations_total` and `curfew_exemptions_total`',
    'begins with its first event, as 1, which `increase` and `rate` do not see.',
    '',
  ]);
}

export function renderEntries(): string {
  const rows = ENTRIES.map((entry) => [
    `\`${entry.name}\``,
    entry.type,
    `\`${entry.path}\``,
    describeRules(entry),
    entry.failurePolicy,
    `${entry.timeoutSeconds} s`,
    entry.namespaces,
    entry.onlyIf === undefined ? entry.purpose : `${entry.purpose} Only with \`${entry.onlyIf}\`.`,
  ]);
  const head = ['name', 'type', 'path', 'matches', 'failure policy', 'timeout', 'namespaces', 'purpose'];
  const conditions = ENTRIES.flatMap(({ name, matchConditions }) =>
    matchConditions.map(({ expression }) => [`\`${name}\``, `\`${expression}\``]),
  );
  return toPage('Webhook entries', [
    'The chart renders these without rules, which match nothing; a ready replica publishes the rules and the CA bundle.',
    'With `config.dryRun` every entry fails open.',
    '',
    toTable(head, rows),
    'Match conditions, evaluated by the API server, so that they hold while Curfew is down:',
    '',
    toTable(['entry', 'called if'], conditions),
  ]);
}

/** `CREATE, UPDATE of deployments.apps, …`: resources as kubectl names them. */
function describeRules({ rules }: Entry): string {
  const groups = rules.map(({ apiGroups, resources, operations }) => {
    const names = resources.map((name) => formatResource({ group: apiGroups[0] ?? '', name, subresource: '' }));
    return `${operations.join(', ')} of ${names.join(', ')}`;
  });
  return groups.join('; ');
}

export function renderLabels(): string {
  const labels = Object.entries(LEVEL_LABELS).map(([mode, label]) => [
    `\`${label}\``,
    'Namespace',
    `level of mode ${mode}: ${LEVELS.join(', ')}`,
  ]);
  return toPage('Labels and annotations', [
    toTable(
      ['key', 'on', 'meaning'],
      [
        ...labels,
        [
          `\`${API_ACCESS_ANNOTATION}\``,
          'ServiceAccount; Pod, pod template and Namespace where `apiAccess.acceptFrom` says so',
          `why this identity needs the Kubernetes API; what is blank, still \`${REASON_PLACEHOLDER}\`, without a letter or longer than ${MOST_REASON_CHARACTERS} characters does not count`,
        ],
        [
          `\`${API_TOKEN_EXPIRATION_ANNOTATION}\``,
          'Pod, ServiceAccount, Namespace (the first that has it)',
          'lifetime of the default API token, in seconds or as a duration such as 24h, within the bounds of `mutations.short-lived-api-token`',
        ],
        [
          `\`${TOKEN_ANNOTATION_PREFIX}<name>\``,
          'Pod, ServiceAccount, Namespace (the first that has that name)',
          'asks for a short-lived token: [its keys](token-annotation.md)',
        ],
        [
          `\`${INJECTED_ANNOTATION}\``,
          'Pod',
          'written by Curfew: the volumes, mounts and variables of tokens that it added',
        ],
        [
          `\`${MARK_ANNOTATION}\``,
          'Secret with a token',
          'written by `curfew cleanup invalidate` beside the label `kubernetes.io/legacy-token-invalid-since`: when, and the last use noted until then; taken away by `restore`',
        ],
        [
          `\`${NO_TOKEN_LABEL}\``,
          'Pod',
          `a label, \`${NO_TOKEN_VALUE}\`: written by \`automount-opt-out\` with its option \`label\`, for pods without an API token; selected by \`curfew render network-policy\``,
        ],
        [`\`${MUTATED_BY_ANNOTATION}\``, 'what was patched', 'written by Curfew: the mutations that changed it'],
      ],
    ),
    'Audit annotations; the API server writes the name of the webhook entry and a slash before each:',
    '',
    toTable(
      ['key', 'what it says'],
      Object.entries(AUDIT_MEANINGS).map(([name, meaning]) => [
        `\`${AUDIT_KEYS[name as keyof typeof AUDIT_KEYS]}\``,
        meaning,
      ]),
    ),
  ]);
}

export function renderExemptionPresets(): string {
  const rows = EXEMPTION_PRESETS.map((preset) => [
    `\`${preset.name}\``,
    preset.serviceAccounts.map((account) => `\`${account}\``).join(', '),
    listPresetChecks(preset)
      .map((id) => `[\`${id}\`](checks/${id}.md)`)
      .join(', '),
    preset.reason,
  ]);
  return toPage('Exemption presets', [
    'Software that needs its token, as its own chart or manifests install it. All are off; a configuration names those',
    'that it wants:',
    '',
    toYamlBlock({ exemptions: { presets: EXEMPTION_PRESETS.slice(0, 1).map(({ name }) => name) } }),
    '',
    'A preset removes what these checks find about pods, templates, accounts, tokens and bindings of these accounts; each',
    'use is audited and counted under its name. It does not keep a mutation from taking the token of a pod; the annotation',
    `\`${API_ACCESS_ANNOTATION}\` on the service account does, and the check takes it too. Where the software is`,
    'installed under other names, write a rule:',
    '',
    toYamlBlock({
      exemptions: {
        rules: [
          {
            name: 'argo-cd-of-team-a',
            match: { serviceAccounts: ['team-a-argocd/argocd-*'] },
            checks: ['pod-automount'],
            reason: 'Argo CD reads and writes the objects that it deploys',
            owner: 'team-a',
            expires: '2027-03-01',
          },
        ],
      },
    }),
    '',
    toTable(['preset', 'service accounts', 'checks', 'reason'], rows),
  ]);
}

export function renderConfigurationSchema(): string {
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', $comment: GENERATED, ...ConfigurationSchema };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

export function renderCheckReportSchema(): string {
  return renderReportSchema('check-report', CheckReportSchema);
}

export function renderAuditReportSchema(): string {
  return renderReportSchema('audit-report', AuditReportSchema);
}

function renderReportSchema(name: string, report: object): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: `https://curfew.dev/schemas/${name}.v1alpha1.json`,
    $comment: GENERATED,
    ...report,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

export function renderConfiguration(): string {
  return toPage('Configuration', [
    'One YAML file, given by `--config`; in the chart it is the value `config`. It is read again when it changes; a version',
    'that is not valid is refused, counted and logged, and the old one stays in force.',
    '',
    toTable(['key', 'allowed', 'meaning'], listKeys(ConfigurationSchema, '')),
  ]);
}
