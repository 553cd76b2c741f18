/** The pages of presets and of the annotation that asks for a token, made of their schemas and data. */

import { TokenSchema } from '../src/injection/annotation.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../src/objects/injection-keys.ts';
import { asString, member } from '../src/objects/json.ts';
import type { Preset } from '../src/presets/format.ts';
import { PLACEHOLDERS } from '../src/presets/format.ts';
import { BUILT_IN_PRESETS } from '../src/presets/registry.ts';
import { toPage, toTable, toYamlBlock } from './generate-markdown.ts';

const DEFAULTS: Readonly<Record<string, string>> = {
  expiration: '3600, or the limit if that is less',
  env: 'no variable',
  mountPath: '`/var/run/curfew/<name>`',
  path: 'token',
  mode: '0644, which the kubelet makes 0600 or 0640 where the pod has a common runAsUser or an fsGroup',
  containers: 'all containers and init containers; never debug containers',
  excludeContainers: 'none',
  overrideEnv: 'false: a variable that the container has is kept',
  preset: 'none',
};

/** The page of the annotation. */
export function renderTokenAnnotation(): string {
  const rows = Object.entries(TokenSchema.properties).map(([key, schema]) => [
    `\`${key}\``,
    asString(member(schema, 'description')) ?? '',
    DEFAULTS[key] ?? 'must be given, unless there is a preset',
  ]);
  const presets = [...BUILT_IN_PRESETS].map(([name, { title = '' }]) => [`[\`${name}\`](presets/${name}.md)`, title]);
  return toPage(`The annotation \`${TOKEN_ANNOTATION_PREFIX}<name>\``, [
    'Asks for a short-lived token, on a Pod, a ServiceAccount or a Namespace: the first of them that has this name, in this',
    'order. One annotation a token, at most 16 in a pod. The name is lower-case letters, digits and hyphens, at most 40. The',
    'value is YAML of at most 4096 bytes, without anchors, aliases and tags; `off` takes away what the service account or the',
    'namespace asks for, and under the name of a triggered preset (`aws-irsa`) what the annotations of its scheme ask for. A',
    'token by a preset takes the place of a triggered one of the same scheme.',
    '',
    toYamlBlock({
      metadata: {
        annotations: {
          [`${TOKEN_ANNOTATION_PREFIX}vault`]: '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}',
        },
      },
    }),
    '',
    toTable(['key', 'allowed', 'default'], rows),
    'A mistake is a denial of the pod, with the key, the value seen and what is allowed: without its token the pod would start',
    'and fail. So is a volume, a mount or a variable in the pod that leaves no room; above the token may be a mount that can',
    'be written, such as an emptyDir at `/var/run`. A sidecar of a mesh with a mount in the way is left out, with a warning,',
    'unless `containers` names it. The same token at the same place, written',
    'by hand, is enough, and nothing is added. The token is in a volume of its own, mounted read-only, never by `subPath`,',
    'which is never renewed. Variables come before those of the container, which may use them as `$(NAME)`.',
    '',
    'For each new pod its service account and its namespace are read from the API server, so that an annotation counts from',
    'the moment it was added. Where that is not answered, what Curfew knew of them a moment ago counts, and the author is',
    'warned. A pod is denied, with "try again", where nothing at all is known of one of them, since it may ask for a token; and',
    'where the pod names a preset whose value could only stand on the account.',
    '',
    'What was added is written into `curfew.dev/injected`. If the service account or its annotations change while the pod is',
    'admitted, it is made anew. A copy by `kubectl debug --copy-to` has it too; without `--keep-annotations` what the copy has',
    'counts as its author’s own.',
    '',
    'Warnings, not denials: a `terminationGracePeriodSeconds` of more than a fifth of the lifetime, since a token is not renewed',
    'while its pod stops; a variable that hides one of `envFrom`; the audience of the Kubernetes API; a container that the pod',
    'does not have.',
    '',
    '## For every pod',
    '',
    'What the configuration has under `mutations.inject-token.tokens` every pod gets, unless the pod, its service account or its',
    'namespace says something else under that name, or `off`:',
    '',
    toYamlBlock({ mutations: { 'inject-token': { tokens: { vault: { audience: 'vault', expiration: '10m' } } } } }),
    '',
    'Its lifetime keeps to what `token-lifetime` allows where the pod is. A configuration is refused whose token is wrong, needs',
    'what only some service accounts give, or is refused by the checks of the same configuration. A pod that has something in',
    'its way is refused, and told to say `off`.',
    '',
    '## Presets',
    '',
    toTable(['preset', ''], presets),
    'Your own are below `mutations.inject-token.presets` of the configuration, in the same format. Texts may have `${name}` for',
    `a parameter, and ${PLACEHOLDERS.map((name) => `\`\${${name}}\``).join(', ')}. The index keeps the keys of accounts and`,
    'namespaces that presets read; if a reload adds such a key, start Curfew again: the log says so.',
    '',
    'What a webhook gets by flags (region, tenant, account) is below `mutations.inject-token.presetParameters`:',
    '',
    toYamlBlock({
      mutations: {
        'inject-token': {
          triggers: ['aws-irsa', 'azure'],
          presetParameters: {
            'aws-irsa': { region: 'eu-west-1' },
            azure: { tenantId: '22222222-2222-4222-8222-222222222222' },
          },
        },
      },
    }),
    '',
    'Our annotation wins over the service account, that over `presetParameters`, and those over the default of the preset.',
    '',
  ]);
}

export function renderPreset(name: string, preset: Preset): string {
  const { title = '', volume, mountPath, path = 'token', audience, credential, trigger, differences = [] } = preset;
  const { tokenFile } = preset;
  const { expirationSeconds = 3600, minExpirationSeconds = 600, maxExpirationSeconds } = preset;
  const parameters = Object.entries(preset.parameters ?? {}).map(([key, parameter]) => [
    `\`${key}\``,
    parameter.description ?? '',
    parameter.annotation === undefined ? '' : `\`${parameter.annotation}\``,
    describeDefault(parameter),
  ]);
  const keys = listSchemeKeys(preset);
  return toPage(name, [
    title,
    '',
    toYamlBlock({ [`${TOKEN_ANNOTATION_PREFIX}${name}`]: `{preset: ${name}}` }),
    '',
    toTable(
      ['', ''],
      [
        ['volume', `\`${volume}\``],
        [
          'token file',
          `\`${mountPath}/${path}\`${tokenFile === undefined ? '' : `, or \`${tokenFile}\` where that has a value`}`,
        ],
        ['audience', `\`${audience}\``],
        [
          'lifetime',
          `${expirationSeconds} s; from ${minExpirationSeconds} s to ${maxExpirationSeconds === undefined ? 'the limit' : `${maxExpirationSeconds} s`}`,
        ],
        ...(credential === undefined
          ? []
          : [
              [
                'credential file',
                `\`${credential.mountPath ?? mountPath}/${credential.path}\`, from annotation \`${credential.annotation}\` of the pod`,
              ],
            ]),
        ...Object.entries(preset.podAnnotations ?? {}).map(([key, value]) => [
          'annotation of the pod',
          `\`${key}: ${value}\``,
        ]),
      ],
    ),
    ...(parameters.length === 0
      ? []
      : [
          '## Parameters',
          '',
          'In our annotation, else from the service account, else from the configuration (`presetParameters`).',
          '',
          toTable(['parameter', 'what', 'annotation of the service account', 'default'], parameters),
        ]),
    ...(preset.env === undefined
      ? []
      : [
          '## Variables',
          '',
          toTable(
            ['variable', 'value'],
            preset.env.map((one) => [`\`${one.name}\``, `\`${one.value}\``]),
          ),
        ]),
    ...(trigger === undefined ? [] : ['## Without our annotation', '', describeTrigger(name, trigger), '']),
    ...describeForeignWebhooks(name, preset),
    ...(keys.length === 0 ? [] : ['## Keys of the scheme', '', 'They count whoever asks.', '', ...keys, '']),
    ...(differences.length === 0
      ? []
      : ['## What is different from the original', '', ...differences.map((one) => `- ${one}`), '']),
  ]);
}

function describeForeignWebhooks(name: string, { foreignWebhooks, trigger }: Preset): readonly string[] {
  if (foreignWebhooks === undefined) return [];
  const names = foreignWebhooks.map((glob) => `\`${glob}\``).join(', ');
  const said = `A MutatingWebhookConfiguration called ${names} serves this scheme too. While one is registered, \`curfew_foreign_webhooks{preset="${name}"}\` and a line in the log say so`;
  const effect =
    trigger === undefined
      ? '.'
      : `, and without our annotation nothing is injected: the pod is left to that webhook, and the audit annotation \`note\` says so. With \`mutations.inject-token.besideForeignWebhooks: [${name}]\` it is injected all the same.`;
  return [
    '## Beside its own webhook',
    '',
    `${said}${effect} Our annotation is an explicit wish, and always holds. [More](../../guides/foreign-webhooks.md).`,
    '',
  ];
}

type Parameter = NonNullable<Preset['parameters']>[string];

function describeDefault({ default: value, isOptional = false }: Parameter): string {
  const otherwise = isOptional ? 'left out' : 'must be given';
  if (value === undefined) return otherwise;
  return value.includes('${') ? `\`${value}\`, else ${otherwise}` : value;
}

function describeTrigger(name: string, trigger: NonNullable<Preset['trigger']>): string {
  const { podLabel, namespaceLabel, accountAnnotation, skip = [] } = trigger;
  const label = ({ key, value }: { readonly key: string; readonly value: string }) => `\`${key}: "${value}"\``;
  const conditions = [
    podLabel === undefined ? '' : `the pod has the label ${label(podLabel)}`,
    namespaceLabel === undefined
      ? ''
      : `its namespace has the label ${label(namespaceLabel)}${podLabel === undefined ? '' : ' and the pod none of that key'}`,
  ].filter((text) => text !== '');
  const all = [
    conditions.join(', or '),
    accountAnnotation === undefined ? '' : `its service account has the annotation \`${accountAnnotation}\``,
  ].filter((text) => text !== '');
  const unless = skip.length === 0 ? '' : `, unless \`${skip.join('`, `')}\` is there`;
  return `With \`mutations.inject-token.triggers: [${name}]\` also where ${all.join(', and ')}${unless}.`;
}

const INVALID = { refuse: 'is refused', ignore: 'is as if it were not there', default: 'is as if nothing were asked' };
const OUT_OF_RANGE = { refuse: 'is refused', clamp: 'is taken to the nearest', default: 'is as if nothing were asked' };

/** What else is read of pod, account and namespace, one list item each. */
function listSchemeKeys({ expiration, skipContainers, onlyContainers, overrideEnv, unsupported = [] }: Preset) {
  const list = (keys: Preset['skipContainers'], what: string) =>
    keys === undefined ? [] : [`- \`${keys.annotation}\` of the pod: ${what}, separated by \`${keys.separator}\`.`];
  return [
    ...(expiration === undefined
      ? []
      : [
          `- \`${expiration.annotation}\` of the pod, else of the service account: the lifetime in seconds. What is no number ${INVALID[expiration.whenInvalid]}; what is out of range ${OUT_OF_RANGE[expiration.whenOutOfRange]}.`,
        ]),
    ...list(onlyContainers, 'the only containers that get the token'),
    ...list(skipContainers, 'containers that do not get it'),
    ...(overrideEnv === undefined
      ? []
      : [
          `- \`${overrideEnv.key}: "${overrideEnv.value}"\`, an annotation of the pod, else a label of its namespace: variables of the container are overwritten.`,
        ]),
    ...unsupported.map(({ annotation, on, value, isRefused = false, why }) => {
      const key = `\`${annotation}${value === undefined ? '' : `: "${value}"`}\``;
      const who = on === 'Pod' ? 'the pod' : 'the service account';
      return `- ${key} of ${who} is ${isRefused ? 'refused' : 'warned about'}: ${why}.`;
    }),
  ];
}
