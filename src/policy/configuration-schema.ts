/**
 * The JSON schema of the configuration file, and the TypeScript type that follows from it. Closed everywhere: a key
 * that Curfew does not know is an error, not a hope.
 */

import type { Static, TObject, TProperties } from 'typebox';
import { Type } from 'typebox';
import { CHECKS } from '../checks/registry.ts';
import { MUTATIONS } from '../mutations/registry.ts';
import { API_ACCESS_SOURCES } from '../objects/api-access.ts';
import { LEVELS } from '../objects/level.ts';
import { CallerAuthenticationSchema, TlsSchema } from './certificate-schema.ts';
import { ExemptionsSchema } from './exemption-schema.ts';
import { NAMESPACE_SETS } from './platform-namespaces.ts';

export const API_VERSION = 'curfew.dev/v1alpha1';
export const KIND = 'CurfewConfiguration';

/** Modes a check may be held down to, from nothing to everything. */
export const CHECK_MODES = ['off', 'audit', 'warn', 'enforce'] as const;
export type CheckMode = (typeof CHECK_MODES)[number];

const closed = { additionalProperties: false };

const CheckModeSchema = Type.Enum([...CHECK_MODES], {
  description: 'The most this check may do, whatever the levels say.',
});

const levelOf = (description: string) => Type.Optional(Type.Enum([...LEVELS], { description }));

const levelProperties = {
  enforce: levelOf('Deny what breaks the rules of this level. Default: baseline.'),
  warn: levelOf('Let kubectl print a warning. Default: restricted.'),
  audit: levelOf('Write an audit annotation, a log line and a metric. Default: restricted.'),
  mutate: levelOf('Run the mutations of this level. Default: baseline.'),
};

const clusterLevelProperties = {
  enforce: levelOf('Deny objects that are in no namespace, such as ClusterRoles. Default: off.'),
  warn: levelOf('Let kubectl print a warning about them. Default: restricted.'),
  audit: levelOf('Write an audit annotation, a log line and a metric about them. Default: restricted.'),
};

const NamespaceName = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';

export const ConfigurationSchema = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal(KIND),
    catalogue: Type.Optional(
      Type.String({
        pattern: '^0\\.[0-9]{1,4}$',
        description: 'Pins the rule set: a check that is newer than this version only warns. Default: not pinned.',
      }),
    ),
    dryRun: Type.Optional(
      Type.Boolean({
        description:
          'Audit mode of the whole product: nothing is denied, and nothing is patched but tokens that somebody asked for. Default: false.',
      }),
    ),
    dryRunInjection: Type.Optional(
      Type.Boolean({
        description:
          'With dryRun: tokens that somebody asked for are not injected either, only reported. Default: false.',
      }),
    ),
    levels: Type.Optional(
      Type.Object(
        { ...levelProperties, clusterScoped: Type.Optional(Type.Object(clusterLevelProperties, closed)) },
        { ...closed, description: 'Levels of every namespace.' },
      ),
    ),
    namespaces: Type.Optional(
      Type.Record(Type.String({ pattern: NamespaceName }), Type.Object(levelProperties, closed), {
        ...closed,
        description: 'Levels of single namespaces; a label on the namespace wins over them.',
      }),
    ),
    mutateMode: Type.Optional(
      Type.Enum(['report', 'apply'], {
        description:
          'report: say what would be patched; apply: patch it. The label curfew.dev/mutate means apply. Default: report.',
      }),
    ),
    enforceTemplates: Type.Optional(
      Type.Boolean({
        description: 'Deny workload templates too, instead of warning their authors. Default: false.',
      }),
    ),
    apiAccess: Type.Optional(
      Type.Object(
        {
          acceptFrom: Type.Optional(
            Type.Array(Type.Enum([...API_ACCESS_SOURCES]), {
              minItems: 1,
              uniqueItems: true,
              description:
                'Kinds on which the annotation curfew.dev/api-access documents the need of the API. Default: ServiceAccount.',
            }),
          ),
          approval: Type.Optional(
            Type.Boolean({
              description:
                'Setting that annotation takes the RBAC verb approve on apiaccess.curfew.dev. Not together with Pod in acceptFrom. Default: false.',
            }),
          ),
        },
        { ...closed, description: 'Documented access.' },
      ),
    ),
    secretIndex: Type.Optional(
      Type.Boolean({
        description:
          'Keep an index of the names of token Secrets, for long-lived-token-mount, service-account-secrets and ephemeral-container-token; from the start. It needs the right to list and watch all Secrets, which the chart grants with it. Default: false.',
      }),
    ),
    foreignWebhooks: Type.Optional(
      Type.Object(
        {
          watch: Type.Optional(
            Type.Boolean({
              description:
                'Notice the webhooks of other token schemes, by name, so that triggered presets stand back from them; from the start. Takes the right to list and watch mutating webhook configurations, which the chart gives or leaves out by this. Without it presets inject as if there were none. Default: true.',
            }),
          ),
        },
        closed,
      ),
    ),
    namespaceWarnings: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(
            Type.Boolean({
              description:
                'Say which pods of a namespace a raised level of enforce would refuse. Takes the right to list pods, which the chart gives or leaves out by this. Default: true.',
            }),
          ),
        },
        closed,
      ),
    ),
    events: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(
            Type.Boolean({
              description:
                'Write an Event on the owner of a refused pod, so that kubectl describe shows the sentence. Takes the rights to create and patch Events and to get ReplicaSets and Jobs, which the chart gives or leaves out by this. Not with dryRun. Default: false.',
            }),
          ),
        },
        closed,
      ),
    ),
    excludedNamespaces: Type.Optional(
      Type.Array(Type.String({ pattern: NamespaceName }), {
        maxItems: 1000,
        uniqueItems: true,
        description: 'Namespaces in which nothing is denied, patched or warned about.',
      }),
    ),
    excludedNamespaceSets: Type.Optional(
      Type.Array(Type.Enum([...NAMESPACE_SETS]), {
        uniqueItems: true,
        description:
          'Excludes the namespaces that a provider keeps, by exact name; kube-system is never one. Default: none.',
      }),
    ),
    cluster: Type.Optional(
      Type.Object(
        {
          apiAudiences: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
              maxItems: 20,
              description: "Audiences the API server accepts. Default: those of Curfew's own token.",
            }),
          ),
          issuers: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
              maxItems: 20,
              description: "Issuers of this cluster's tokens. Default: that of Curfew's own token.",
            }),
          ),
        },
        closed,
      ),
    ),
    checks: Type.Optional(
      Type.Object(
        Object.fromEntries(CHECKS.map((check) => [check.id, Type.Optional(withMode(check.options, CheckModeSchema))])),
        { ...closed, description: 'Settings of single checks.' },
      ),
    ),
    mutations: Type.Optional(
      Type.Object(
        Object.fromEntries(
          MUTATIONS.map((mutation) => [
            mutation.id,
            Type.Optional(
              withMode(
                mutation.options,
                Type.Enum(['off', 'report', 'apply'], {
                  description: 'The most this mutation may do, whatever the levels say.',
                }),
              ),
            ),
          ]),
        ),
        { ...closed, description: 'Settings of single mutations.' },
      ),
    ),
    exemptions: Type.Optional(ExemptionsSchema),
    server: Type.Optional(
      Type.Object(
        {
          bodyLimitBytes: Type.Optional(
            Type.Integer({
              minimum: 65_536,
              maximum: 67_108_864,
              description:
                'Largest review that is read; from the start. Default: 8388608 (8 MiB). Smaller ones make large objects a fault.',
            }),
          ),
          deadlineMs: Type.Optional(
            Type.Integer({
              minimum: 100,
              maximum: 30_000,
              description:
                'Longest time spent on one review, in ms; the timeout in the request wins if shorter. Default: 2500.',
            }),
          ),
          maxInFlight: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 100_000,
              description: 'Reviews that arrive or are judged at once; more are answered 429. Default: 1000.',
            }),
          ),
          maxBodyBytesInFlight: Type.Optional(
            Type.Integer({
              minimum: 65_536,
              maximum: 1_073_741_824,
              description:
                'Bytes of the reviews that arrive or are judged at once, at least bodyLimitBytes; from the start. One without a content-length counts as the largest. More are answered 429. Default: 33554432 (32 MiB).',
            }),
          ),
          drainSeconds: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 300,
              description: 'Time between "not ready" and the end of listening when stopped, in seconds. Default: 5.',
            }),
          ),
        },
        closed,
      ),
    ),
    callerAuthentication: Type.Optional(CallerAuthenticationSchema),
    tls: Type.Optional(TlsSchema),
  },
  { ...closed, $id: 'https://curfew.dev/schemas/configuration.v1alpha1.json', title: KIND },
);

export type ConfigurationFile = Static<typeof ConfigurationSchema>;

/** A rule's options with `mode` beside them. */
function withMode(options: TObject, mode: TProperties[string]) {
  return Type.Object({ mode: Type.Optional(mode), ...options.properties }, closed);
}
