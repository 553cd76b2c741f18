import { Type } from 'typebox';
import { PARAMETER_PATTERN, TokenSchema } from '../injection/annotation.ts';
import { listTokenProblems } from '../injection/cluster-tokens.ts';
import { inject } from '../injection/inject.ts';
import { toSettings } from '../injection/settings.ts';
import { examplePod, exampleServiceAccount, exampleTokenVolume } from '../objects/example-objects.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { POD } from '../objects/pod-spec.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import { PresetSchema } from '../presets/format.ts';
import { listBesideProblems, listPresetProblems } from '../presets/problems.ts';
import { listSchemeKeys } from '../presets/scheme-keys.ts';
import { ASKED_FOR, defineMutation } from './define-mutation.ts';

const Options = Type.Object(
  {
    maxExpirationSeconds: Type.Optional(
      Type.Integer({
        minimum: 600,
        maximum: 4_294_967_296,
        not: { const: EXTENDED_EXPIRATION_SECONDS },
        description: 'Longest lifetime in seconds that may be asked for. Default: 86400.',
      }),
    ),
    jitterPercent: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 20,
        description:
          'Makes lifetimes that nobody asked for shorter by up to so many percent, always the same for one workload, so that pods which start at once do not renew their tokens at once. Default: 0.',
      }),
    ),
    liveReads: Type.Optional(
      Type.Enum(['always', 'onMiss'], {
        description:
          'When the API server is asked for the service account and the namespace of a new pod. `onMiss` (the default): where Curfew does not hold them, or they were changed within the last four minutes, which the replica that let the change in told the others (they find each other by `--replica-name`, as the chart gives it), or one of these was not heard of, or the API server was not. `always`: for every pod, which takes two GETs and some 2 ms of its creation, and relies on no other replica.',
      }),
    ),
    triggers: Type.Optional(
      Type.Array(Type.String({ maxLength: 40, description: 'Name of a preset.' }), {
        maxItems: 32,
        uniqueItems: true,
        description: "Presets that the scheme's own annotations and labels ask for too. Default: none.",
      }),
    ),
    besideForeignWebhooks: Type.Optional(
      Type.Array(Type.String({ maxLength: 40, description: 'Name of a preset.' }), {
        maxItems: 32,
        uniqueItems: true,
        description:
          'Triggered presets that inject although a webhook of their scheme is registered in the cluster. Default: none; they leave the pod to that webhook.',
      }),
    ),
    presetParameters: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$' }),
        Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' }), Type.String({ pattern: PARAMETER_PATTERN }), {
          additionalProperties: false,
          description: 'Values by parameter.',
        }),
        {
          additionalProperties: false,
          description:
            'Parameters of presets for the whole cluster, by preset: what a webhook gets by flags. A pod’s and its service account’s own win.',
        },
      ),
    ),
    tokens: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$' }),
        Type.Object(
          {},
          { description: 'As an annotation of that name would say it: {audience: vault}, or {preset: vault}.' },
        ),
        {
          additionalProperties: false,
          description:
            'Tokens for every pod, by name. What pod, service account or namespace say under that name wins; `off` takes it away.',
        },
      ),
    ),
    presets: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$' }), PresetSchema, {
        additionalProperties: false,
        description: 'Presets of your own, in the format of the built-in ones, which they may replace.',
      }),
    ),
  },
  { additionalProperties: false },
);

const VOLUMES = '/spec/volumes/0';

const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };

export default defineMutation({
  id: 'inject-token',
  since: '0.1',
  level: ASKED_FOR,
  options: Options,
  defaults: {
    maxExpirationSeconds: 86_400,
    jitterPercent: 0,
    liveReads: 'onMiss',
    triggers: [],
    besideForeignWebhooks: [],
    presetParameters: {},
    presets: {},
    tokens: {},
  },
  reads: [{ group: POD.group, resource: POD.resource, operations: ['CREATE'] }],
  needs: ['freshServiceAccount', 'freshNamespace', 'mutatingWebhooks'],
  title: 'a pod gets the short-lived tokens that it, its service account or its namespace asks for',
  why: `A token for Vault, a cloud or a service of one's own needs a projected volume, a mount in every container and often a
variable, in every manifest and chart. An annotation ${TOKEN_ANNOTATION_PREFIX}<name> says it once: on the pod, else on its
service account, else on its namespace. The token has an audience, so the Kubernetes API does not take it, and lives no
longer than the limit. A lifetime that nobody asked for keeps to what the check token-lifetime allows at the levels enforce
and mutate of the namespace; one that was asked for is refused where that check would deny it. What the author wrote is
kept; where both cannot be, or the annotation is wrong, the pod is refused, since it would start without the token it asked
for.`,
  injects: toSettings,
  mutate(subject, draft, { context, injection }) {
    if (injection === undefined) return [];
    const world = { settings: injection, context, namespace: subject.namespace };
    const { changes, refusals, notes } = inject(draft, world);
    return [...refusals.map((refusal) => ({ refused: true as const, ...refusal })), ...changes, ...notes];
  },
  listOptionProblems(options) {
    const settings = toSettings(options);
    const { presets, triggers, besideForeignWebhooks } = settings;
    const reserved = Object.keys(TokenSchema.properties);
    const given = options.presetParameters ?? {};
    return [
      ...listPresetProblems(options.presets ?? {}, { presets, triggers, reserved, given }),
      ...listBesideProblems(besideForeignWebhooks, presets),
      ...listTokenProblems(settings),
    ];
  },
  listSchemeKeys({ presets = {} }) {
    return Object.values(presets).flatMap(listSchemeKeys);
  },
  examples: [
    {
      title: 'A token for Vault',
      subject: {
        object: askingPod({ vault: '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}' }),
      },
      expect: {
        [`${VOLUMES}/name`]: 'curfew-token-vault',
        [`${VOLUMES}/projected/sources/0/serviceAccountToken/audience`]: 'vault',
        [`${VOLUMES}/projected/sources/0/serviceAccountToken/expirationSeconds`]: 600,
        '/spec/containers/0/volumeMounts/0/mountPath': '/var/run/curfew/vault',
        '/spec/containers/0/volumeMounts/0/readOnly': true,
        '/spec/containers/0/env/0/name': 'VAULT_TOKEN_PATH',
        '/spec/containers/0/env/0/value': '/var/run/curfew/vault/token',
      },
    },
    {
      title: 'Asked for by the service account, for init containers and native sidecars too',
      subject: {
        object: examplePod({
          automountServiceAccountToken: false,
          initContainers: [{ name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' }],
        }),
      },
      context: { serviceAccount: exampleServiceAccount({}, { 'tokens.curfew.dev/vault': '{audience: vault}' }) },
      expect: {
        [`${VOLUMES}/name`]: 'curfew-token-vault',
        '/spec/initContainers/0/volumeMounts/0/name': 'curfew-token-vault',
        '/spec/containers/0/volumeMounts/0/name': 'curfew-token-vault',
      },
    },
    {
      title: 'A role of AWS, by a preset and the annotation of its scheme',
      subject: { object: askingPod({ aws: '{preset: aws-irsa}' }) },
      context: {
        serviceAccount: exampleServiceAccount({}, ROLE),
      },
      expect: {
        [`${VOLUMES}/name`]: 'aws-iam-token',
        '/spec/containers/0/env/0/value': 'arn:aws:iam::111122223333:role/web',
      },
    },
    {
      title: 'The pod takes away what its service account asks for',
      subject: { object: askingPod({ vault: 'off' }) },
      context: { serviceAccount: exampleServiceAccount({}, { 'tokens.curfew.dev/vault': '{audience: vault}' }) },
      expect: 'unchanged',
    },
    {
      title: 'The annotation of AWS, where the configuration lets it ask, and its webhook is not there',
      subject: { object: examplePod({ automountServiceAccountToken: false }) },
      options: { triggers: ['aws-irsa'] },
      context: { serviceAccount: exampleServiceAccount({}, ROLE) },
      expect: { [`${VOLUMES}/name`]: 'aws-iam-token' },
    },
    {
      title: 'The same where its webhook is registered: the pod is left to it',
      subject: { object: examplePod({ automountServiceAccountToken: false }) },
      options: { triggers: ['aws-irsa'] },
      context: { serviceAccount: exampleServiceAccount({}, ROLE), mutatingWebhooks: ['pod-identity-webhook'] },
      expect: 'unchanged',
    },
    { title: 'A pod that asks for nothing', subject: { object: examplePod() }, expect: 'unchanged' },
    {
      title: 'A key that is spelt wrong',
      subject: { object: askingPod({ vault: '{audiance: vault}' }) },
      expect: 'refused',
    },
    {
      title: 'A preset whose parameter nobody gives',
      subject: { object: askingPod({ aws: '{preset: aws-irsa}' }) },
      expect: 'refused',
    },
    {
      title: 'A volume of that name which is something else',
      subject: {
        object: askingPod({ vault: '{audience: vault}' }, [
          { ...exampleTokenVolume({ audience: 'other' }), name: 'curfew-token-vault' },
        ]),
      },
      expect: 'refused',
    },
  ],
});

function askingPod(tokens: Readonly<Record<string, string>>, volumes?: readonly JsonObject[]): JsonObject {
  const entries = Object.entries(tokens).map(([name, value]) => [`${TOKEN_ANNOTATION_PREFIX}${name}`, value]);
  return {
    ...examplePod({ automountServiceAccountToken: false, ...(volumes === undefined ? {} : { volumes }) }),
    metadata: { name: 'web', namespace: 'shop', annotations: Object.fromEntries(entries) as JsonObject },
  };
}
