/** The templates of the chart that follow from code: webhook configurations, sets of namespaces, rights of the CronJobs. */

import { LISTED_BESIDE } from '../src/audit/listed-beside.ts';
import type { Kind } from '../src/objects/kinds.ts';
import { KINDS } from '../src/objects/kinds.ts';
import { POD, TEMPLATE_KINDS } from '../src/objects/pod-spec.ts';
import { PLATFORM_NAMESPACES } from '../src/policy/platform-namespaces.ts';
import { SYSTEM_NAMESPACE } from '../src/policy/scope.ts';
import type { Entry } from '../src/review/entries.ts';
import { ENTRIES } from '../src/review/entries.ts';
import { GENERATED } from './generate-markdown.ts';

/** `templates/webhooks.yaml`: both configurations, from the table of entries, without rules and without a CA bundle. */
export function renderWebhooks(): string {
  return [
    `{{- /* ${GENERATED} From the table of webhook entries, src/review/entries.ts. */}}`,
    '{{- if ne .Values.engine "native" }}',
    '{{- /* No rules and no caBundle: a replica that is ready publishes both, so an image that never starts denies nothing,',
    '       and no upgrade fights with what was published. Where the server is to have no right to, webhook.publishedBy=chart. */}}',
    renderConfiguration('ValidatingWebhookConfiguration', 'validating'),
    '---',
    renderConfiguration('MutatingWebhookConfiguration', 'mutating'),
    '{{- end }}',
    '',
  ].join('\n');
}

/** `templates/_namespace-sets.tpl`: what `config.excludedNamespaceSets` stands for, as JSON. */
export function renderNamespaceSets(): string {
  return [
    `{{- /* ${GENERATED} From src/policy/platform-namespaces.ts. */}}`,
    '{{- define "curfew.namespaceSets" -}}',
    JSON.stringify(PLATFORM_NAMESPACES, undefined, 2),
    '{{- end }}',
    '',
  ].join('\n');
}

/** `templates/_task-rules.tpl`: what the CronJobs list, from the tables of kinds; a right for a kind that is new comes with it. */
export function renderTaskRules(): string {
  const named = [POD, ...TEMPLATE_KINDS];
  const accounts = KINDS.filter(({ kind }) => kind === 'ServiceAccount' || kind === 'Secret');
  return [
    `{{- /* ${GENERATED} From the kinds that rules read, src/objects/kinds.ts. */}}`,
    '{{- define "curfew.auditRules" -}}',
    ...renderLists([...KINDS, ...LISTED_BESIDE]),
    '{{- end }}',
    '{{- define "curfew.cleanupRules" -}}',
    ...renderLists([...accounts, ...named]),
    '{{- end }}',
    '',
  ].join('\n');
}

function renderLists(kinds: readonly Pick<Kind, 'group' | 'resource'>[]): readonly string[] {
  const groups = Map.groupBy(kinds, ({ group }) => group);
  return [...groups].flatMap(([group, all]) => [
    `- apiGroups: [${group === '' ? '""' : group}]`,
    `  resources: [${all.map(({ resource }) => resource).join(', ')}]`,
    '  verbs: [list]',
  ]);
}

function renderConfiguration(kind: string, type: Entry['type']): string {
  return [
    'apiVersion: admissionregistration.k8s.io/v1',
    `kind: ${kind}`,
    'metadata:',
    '  name: {{ include "curfew.fullname" . }}',
    '  labels:',
    '    {{- include "curfew.labels" . | nindent 4 }}',
    '  {{- with include "curfew.webhookAnnotations" . | fromYaml }}',
    '  annotations:',
    '    {{- toYaml . | nindent 4 }}',
    '  {{- end }}',
    'webhooks:',
    ...ENTRIES.filter((entry) => entry.type === type).map(renderEntry),
  ].join('\n');
}

function renderEntry(entry: Entry): string {
  const conditions = entry.matchConditions.flatMap(({ name, expression }) => [
    `      - name: ${name}`,
    `        expression: ${JSON.stringify(expression)}`,
  ]);
  return [
    ...(entry.onlyIf === undefined ? [] : [`  {{- if ${renderSwitch(entry.onlyIf)} }}`]),
    `  # ${entry.purpose}`,
    `  - name: ${entry.name}`,
    '    admissionReviewVersions: [v1]',
    `    sideEffects: ${renderSideEffects(entry)}`,
    '    matchPolicy: Equivalent',
    `    timeoutSeconds: ${entry.timeoutSeconds}`,
    `    failurePolicy: {{ include "curfew.failurePolicy" (dict "context" $ "policy" "${entry.failurePolicy}") }}`,
    ...(entry.reinvocationPolicy === undefined ? [] : [`    reinvocationPolicy: ${entry.reinvocationPolicy}`]),
    ...(conditions.length === 0 ? [] : ['    matchConditions:', ...conditions]),
    '    {{- if eq $.Values.webhook.publishedBy "chart" }}',
    '    rules:',
    ...entry.rules.map((rule) => `      - ${JSON.stringify(rule)}`),
    '    {{- end }}',
    '    namespaceSelector:',
    '      matchExpressions:',
    '        - key: kubernetes.io/metadata.name',
    ...renderNamespaces(entry),
    '    clientConfig:',
    '      {{- with $.Values.webhook.caBundle }}',
    '      caBundle: {{ . | b64enc }}',
    '      {{- end }}',
    '      service:',
    '        name: {{ include "curfew.fullname" $ }}',
    '        namespace: {{ $.Release.Namespace }}',
    `        path: ${entry.path}`,
    '        port: {{ $.Values.service.port }}',
    ...(entry.onlyIf === undefined ? [] : ['  {{- end }}']),
  ].join('\n');
}

/** Events are written for what will be stored alone, which the API server takes for "no side effect in a dry run". */
function renderSideEffects({ mayWriteEvents }: Entry): string {
  if (mayWriteEvents !== true) return 'None';
  return '{{ if dig "events" "enabled" false $.Values.config }}NoneOnDryRun{{ else }}None{{ end }}';
}

/** A switch that is off by default: `dig "apiAccess" "approval" false $.Values.config`. */
function renderSwitch(path: NonNullable<Entry['onlyIf']>): string {
  const keys = path.split('.').map((key) => JSON.stringify(key));
  return `dig ${keys.join(' ')} false $.Values.config`;
}

function renderNamespaces({ namespaces }: Entry): readonly string[] {
  if (namespaces === 'system') return ['          operator: In', `          values: [${SYSTEM_NAMESPACE}]`];
  const platform = 'include "curfew.platformNamespaces" $ | fromJsonArray';
  const values = namespaces === 'all but platform' ? platform : `append (${platform}) "${SYSTEM_NAMESPACE}" | uniq`;
  return ['          operator: NotIn', `          values: {{ toJson (${values}) }}`];
}
