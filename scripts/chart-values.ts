/** The values of the chart: what each may be, from which its schema is made, and its README. */

import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { AUDIT_FILE_ENDINGS, AUDIT_OUTPUTS } from '../src/cli/audit-outputs.ts';
import { LOG_LEVELS } from '../src/log/logger.ts';
import { NODE_TOKEN_MODES, POLICY_ENGINES } from '../src/native/native-options.ts';
import { asArray, isObject, type JsonObject, member } from '../src/objects/json.ts';
import { ConfigurationSchema } from '../src/policy/configuration-schema.ts';
import { POLICY_REPORT_GROUPS } from '../src/reports/policy-report-groups.ts';
import { GENERATED, toPage, toTable } from './generate-markdown.ts';

const text = { type: 'string' };
const flag = { type: 'boolean' };
const replicas = { type: 'integer', minimum: 1, maximum: 100 };
const port = { type: 'integer', minimum: 1, maximum: 65_535 };
const anyObject = { type: 'object' };
const texts = { type: 'object', additionalProperties: { type: 'string' } };
/** PEM certificates, or none. */
const pems = {
  type: 'string',
  pattern: '^(\\s*-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\\s*)*$',
};
const duration = { type: 'string', pattern: '^([0-9]+(h|m|s))+$' };
/** Of a CronJob; the API server says what is wrong with it. */
const schedule = { type: 'string', minLength: 1 };
/** A day or more: the API server notes a use once a day. */
const pause = { type: 'string', pattern: '^[1-9][0-9]{0,3}d$' };
const interval = { type: 'string', pattern: '^[1-9][0-9]*(ms|s|m|h)$' };
const list = { type: 'array', items: anyObject };
const AUDIT_ENDINGS = Object.keys(AUDIT_FILE_ENDINGS)
  .map((ending) => ending.slice(1))
  .join('|');

/** What is known of each value; a key of values.yaml that is missing here fails the build. */
const VALUES: JsonObject = {
  engine: { enum: ['webhook', ...POLICY_ENGINES] },
  native: closed({ policies: text, nodeTokens: { enum: [...NODE_TOKEN_MODES] } }),
  // No `Fail`: an entry that fails open does so because what it sees must never wait, such as kube-system.
  failurePolicy: { enum: ['', 'Ignore'] },
  replicas,
  autoscaling: closed({
    enabled: flag,
    minReplicas: replicas,
    maxReplicas: replicas,
    targetCPUUtilizationPercentage: { type: 'integer', minimum: 1, maximum: 1000 },
    // The API server says what is wrong with it.
    behavior: anyObject,
  }),
  image: closed({
    repository: { type: 'string', minLength: 1 },
    tag: text,
    digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
    pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
  }),
  imagePullSecrets: list,
  nameOverride: text,
  fullnameOverride: { type: 'string', pattern: '^([a-z]([-a-z0-9]*[a-z0-9])?)?$' },
  commonLabels: texts,
  serviceAccount: closed({ create: flag, name: text, annotations: texts }),
  certificates: closed({
    mode: { enum: ['own', 'certManager', 'provided'] },
    own: closed({ certificateLifetime: duration, authorityLifetime: duration }),
    certManager: closed({
      issuerRef: closed({ name: text, kind: text, group: text }),
      duration,
      renewBefore: duration,
      authorityDuration: duration,
    }),
    provided: closed({ existingSecret: text }),
  }),
  callerAuthentication: closed({
    ca: pems,
    names: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
    enforce: flag,
  }),
  service: closed({ port }),
  webhook: closed({
    containerPort: port,
    annotations: texts,
    publishedBy: { enum: ['server', 'chart'] },
    caBundle: pems,
  }),
  operations: closed({ containerPort: port }),
  logLevel: { enum: [...LOG_LEVELS] },
  podSecurityContext: anyObject,
  securityContext: anyObject,
  resources: anyObject,
  podDisruptionBudget: closed({ enabled: flag, maxUnavailable: { type: 'integer', minimum: 1 } }),
  terminationGracePeriodSeconds: { type: 'integer', minimum: 1, maximum: 600 },
  nodeSelector: texts,
  tolerations: list,
  affinity: anyObject,
  priorityClassName: text,
  hostNetwork: flag,
  dnsPolicy: { enum: ['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] },
  podAnnotations: texts,
  podLabels: texts,
  serviceMonitor: closed({ enabled: flag, labels: texts, interval }),
  podMonitor: closed({ enabled: flag, labels: texts, interval }),
  prometheusRule: closed({
    enabled: flag,
    labels: texts,
    tokenUse: flag,
    runbookUrl: { type: 'string', minLength: 1, pattern: '^[^#\\s]+$' },
  }),
  dashboard: closed({ enabled: flag, labels: texts }),
  networkPolicy: closed({
    enabled: flag,
    webhookFrom: list,
    metricsFrom: list,
    apiServerTo: list,
    apiServerPorts: { type: 'array', items: port, minItems: 1 },
    dns: flag,
  }),
  tasks: closed({
    namespace: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$', minLength: 1 },
    createNamespace: flag,
    resources: anyObject,
    metrics: closed({ url: { type: 'string', pattern: '^(https?://[^\\s]+)?$' }, to: list, port }),
  }),
  audit: closed({
    enabled: flag,
    schedule,
    level: { enum: ['', 'baseline', 'restricted'] },
    report: closed({
      output: { enum: [...AUDIT_OUTPUTS] },
      policyReports: { enum: ['', ...POLICY_REPORT_GROUPS] },
      files: closed({
        existingClaim: text,
        // Nobody makes folders in the volume.
        names: {
          type: 'array',
          items: { type: 'string', pattern: `^[A-Za-z0-9][-A-Za-z0-9._]*\\.(${AUDIT_ENDINGS})$` },
          minItems: 1,
          uniqueItems: true,
        },
      }),
    }),
    extraArgs: { type: 'array', items: text },
  }),
  cleanup: closed({
    enabled: flag,
    schedule,
    steps: { type: 'array', items: { enum: ['plan', 'delete', 'invalidate'] }, minItems: 1, uniqueItems: true },
    unusedFor: pause,
    invalidFor: pause,
    includeListed: flag,
    output: { enum: ['json', 'table'] },
    backup: closed({ existingClaim: text }),
    extraArgs: { type: 'array', items: text },
  }),
  extraArgs: { type: 'array', items: text },
  extraEnv: list,
  extraVolumes: list,
  extraVolumeMounts: list,
};

/** Values that are no more: validate.yaml names the successor of each, where a closed schema would only say "not allowed". */
export const ENDED_VALUES: JsonObject = {
  tls: {
    type: 'object',
    description: 'Ended: certificates.mode and certificates.provided.existingSecret are its successors.',
    additionalProperties: false,
    properties: { existingSecret: text },
  },
};

/**
 * `values.schema.json`: closed everywhere; `config` is the schema of the configuration itself. Each of the other values
 * has the comment of values.yaml for its description, which editors show.
 */
export function renderValuesSchema(values: string): string {
  const described = new Map(readValues(values).map(({ name, comment }) => [name, comment]));
  const { $id: _id, ...configuration } = JSON.parse(JSON.stringify(ConfigurationSchema)) as Record<string, JsonObject>;
  const known = closed({ config: configuration, ...describeValues(VALUES, '', described), global: anyObject });
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: GENERATED,
    ...known,
    properties: { ...(known['properties'] as JsonObject), ...ENDED_VALUES },
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function closed(properties: JsonObject): JsonObject {
  const required = Object.keys(properties).filter((key) => isNeeded(properties[key]));
  return { type: 'object', additionalProperties: false, ...(required.length === 0 ? {} : { required }), properties };
}

/** A null takes a default away, which is good for lists and maps; a template without its port says "nil pointer". */
function isNeeded(schema: unknown): boolean {
  return (
    member(schema, 'additionalProperties') === false ||
    member(schema, 'type') === 'integer' ||
    member(schema, 'minLength') !== undefined ||
    (isObject(schema) && 'enum' in schema && !asArray(schema['enum']).includes(''))
  );
}

function describeValues(schemas: JsonObject, prefix: string, described: ReadonlyMap<string, string>): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => {
      const name = `${prefix}${key}`;
      const comment = described.get(name) ?? '';
      const properties = member(schema, 'properties');
      const below = isObject(properties) ? { properties: describeValues(properties, `${name}.`, described) } : {};
      return [key, { ...(comment === '' ? {} : { description: comment }), ...(schema as JsonObject), ...below }];
    }),
  );
}

/** The chart's README: every value with the comment above it and its default. */
export function renderChartReadme(values: string): string {
  return toPage('Curfew’s chart', [
    `Version ${packageJson.version}, for Kubernetes 1.30 and newer, Helm 3 and Helm 4.`,
    '',
    '```',
    'helm install curfew charts/curfew --namespace curfew-system --create-namespace --set config.dryRun=true',
    '```',
    '',
    '## Values',
    '',
    toTable(
      ['value', 'default', 'what it does'],
      readValues(values).map(({ name, value, comment }) => {
        return [`\`${name}\``, value === undefined ? '' : `\`${JSON.stringify(value)}\``, comment];
      }),
    ),
  ]);
}

/** One value of values.yaml; a group that is told key by key has none of its own. */
type Value = { readonly name: string; readonly value?: unknown; readonly comment: string };

function readValues(text: string): readonly Value[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error('values.yaml is not a map');
  return listValues(contents, '');
}

/** The comment above a map's first key belongs to the map itself in the YAML library. */
function listValues(map: YAMLMap, prefix: string): readonly Value[] {
  return map.items.flatMap((pair: Pair, index): readonly Value[] => {
    const { key, value } = pair;
    if (!isScalar(key)) return [];
    const name = `${prefix}${String(key.value)}`;
    const comment = toSentence(key.commentBefore ?? (index === 0 ? map.commentBefore : undefined));
    const isGroup = isMap(value) && value.items.length > 0 && !isFlow(value);
    const below = isGroup ? listValues(value, `${name}.`) : [];
    if (isGroup && below.every((each) => each.comment === '')) return [{ name, value: value.toJSON(), comment }];
    if (isGroup) return comment === '' ? below : [{ name, comment }, ...below];
    return [{ name, value: isScalar(value) ? value.value : value, comment }];
  });
}

function isFlow(map: YAMLMap): boolean {
  return map.flow === true;
}

function toSentence(comment: string | null | undefined): string {
  return (comment ?? '').replaceAll(/\s+/g, ' ').trim();
}
