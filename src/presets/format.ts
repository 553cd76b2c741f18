/**
 * What a preset is: a token scheme as data, in the one format that administrators write too. Texts may hold `${name}` for
 * a parameter or for one of PLACEHOLDERS; they are filled in once, never again in what was filled in.
 */

import type { Static } from 'typebox';
import { Type } from 'typebox';

const closed = { additionalProperties: false };

/** What every preset may write without declaring a parameter of that name. */
export const PLACEHOLDERS = ['tokenFile', 'mountPath', 'volume', 'credentialFile'] as const;

const DnsLabel = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';
const AbsolutePath = '^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$';
const FileName = '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,3}$';
const QualifiedKey = '^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$';
const Template = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });
const Key = (description: string) => Type.String({ pattern: QualifiedKey, description });
const Seconds = (description: string) => Type.Integer({ minimum: 600, maximum: 4_294_967_296, description });

/** A glob of object names (`*`, `?`) with at least one letter or digit: a bare `*` would be every webhook of the cluster. */
const WebhookName = '^[a-z0-9.*?-]*[a-z0-9][a-z0-9.*?-]*$';

const ListAnnotation = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        annotation: Key('Annotation of the pod, else of its service account, else of its namespace.'),
        separator: Type.Enum([',', ';'], { description: 'Between names.' }),
      },
      { ...closed, description },
    ),
  );

const Label = (description: string) =>
  Type.Optional(
    Type.Object(
      { key: Key('Its key.'), value: Type.String({ maxLength: 63, description: 'Its value.' }) },
      { ...closed, description },
    ),
  );

const Parameter = Type.Object(
  {
    annotation: Type.Optional(Key('Annotation of the service account that gives it, if our annotation does not.')),
    annotationValues: Type.Optional(
      Type.Record(Type.String({ pattern: '^[\\x21-\\x7e]{1,64}$' }), Type.String({ maxLength: 512 }), {
        ...closed,
        description:
          'What the values of that annotation mean; empty: the parameter has no value. Others are as if it were not there.',
      }),
    ),
    default: Type.Optional(Template('Its value where nothing gives one; may name parameters before it.')),
    isOptional: Type.Optional(
      Type.Boolean({ description: 'Without a value, what is made of it is left out. By default it must have one.' }),
    ),
    isNumber: Type.Optional(
      Type.Boolean({
        description:
          'It has digits alone. A text of the credential file that is nothing but it is written as a number.',
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 1024, description: 'What it is.' })),
  },
  closed,
);

const Trigger = Type.Object(
  {
    accountAnnotation: Type.Optional(Key('The service account must have this annotation, not empty.')),
    podLabel: Label('The pod must have this label.'),
    namespaceLabel: Label('Its namespace must have this label; with podLabel too, where the pod has none of that key.'),
    skip: Type.Optional(
      Type.Array(Key('Key.'), {
        maxItems: 4,
        description:
          'A label or annotation of the pod, annotation of its service account or label of its namespace that, with any value, means no.',
      }),
    ),
  },
  { ...closed, description: "What on the pod and its account means that the scheme's token is wanted." },
);

const Expiration = Type.Object(
  {
    annotation: Key('Annotation of the pod or its service account (the pod wins), in seconds.'),
    whenInvalid: Type.Enum(['refuse', 'ignore', 'default'], {
      description: 'refuse: deny the pod; ignore: go on as if it were not there; default: take expirationSeconds.',
    }),
    whenOutOfRange: Type.Enum(['refuse', 'clamp', 'default'], {
      description: 'refuse: deny the pod; clamp: take the nearest lifetime allowed; default: take expirationSeconds.',
    }),
  },
  closed,
);

const Unsupported = Type.Object(
  {
    annotation: Key('Its annotation.'),
    on: Type.Enum(['Pod', 'ServiceAccount'], { description: 'Where the annotation is.' }),
    value: Type.Optional(Type.String({ maxLength: 200, description: 'Only with this value. By default any.' })),
    isRefused: Type.Optional(Type.Boolean({ description: 'Deny the pod. By default it is warned about.' })),
    why: Type.String({ maxLength: 200, description: 'What will not be there, for people.' }),
  },
  closed,
);

export const PresetSchema = Type.Object(
  {
    title: Type.Optional(Type.String({ maxLength: 200, description: 'For people.' })),
    volume: Type.String({ pattern: DnsLabel, description: 'Name of the volume.' }),
    mountPath: Type.String({ pattern: AbsolutePath, maxLength: 1024, description: 'Where it is mounted.' }),
    path: Type.Optional(Type.String({ pattern: FileName, description: 'File of the token. Default: token.' })),
    tokenFile: Type.Optional(
      Template('The file’s absolute path, in place of mountPath and path, where all that it names has a value.'),
    ),
    audience: Template('Audience of the token.'),
    mode: Type.Optional(Type.String({ pattern: '^0[0-7]{3}$', description: 'File mode. Default: 0644.' })),
    expirationSeconds: Type.Optional(Seconds('Lifetime. Default: 3600, or the limit if that is less.')),
    minExpirationSeconds: Type.Optional(Seconds('Shortest lifetime that the scheme takes. Default: 600.')),
    maxExpirationSeconds: Type.Optional(Seconds('Longest lifetime that the scheme takes. Default: the limit.')),
    expiration: Type.Optional(Expiration),
    parameters: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' }), Parameter, {
        ...closed,
        description: 'What differs between users of the scheme.',
      }),
    ),
    env: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$', description: 'Name of the variable.' }),
            value: Template('Its value.'),
            group: Type.Optional(
              Type.String({
                maxLength: 40,
                description: 'Variables that go together. By default all that name no group.',
              }),
            ),
          },
          closed,
        ),
        {
          maxItems: 16,
          description:
            'Variables of each container. Where it has one of a group with another value, none of that group is added.',
        },
      ),
    ),
    podAnnotations: Type.Optional(
      Type.Record(Type.String({ pattern: QualifiedKey }), Template('Its value.'), {
        ...closed,
        description: 'Annotations of the pod, where it has none of that key.',
      }),
    ),
    credential: Type.Optional(
      Type.Object(
        {
          annotation: Key('Annotation of the pod that holds the JSON.'),
          volume: Type.Optional(
            Type.String({
              pattern: DnsLabel,
              description: 'Name of its volume. Without volume and mountPath it is a file beside the token.',
            }),
          ),
          mountPath: Type.Optional(
            Type.String({ pattern: AbsolutePath, maxLength: 1024, description: 'Where that is mounted.' }),
          ),
          path: Type.String({ pattern: FileName, description: 'Its file.' }),
          content: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }), Type.Unknown(), {
            ...closed,
            description:
              'The JSON; texts in it are filled in, and members whose parameter has no value left out, with what has no member then.',
          }),
        },
        { ...closed, description: 'A file of JSON that tells a client how to use the token; it holds nothing secret.' },
      ),
    ),
    trigger: Type.Optional(Trigger),
    foreignWebhooks: Type.Optional(
      Type.Array(
        Type.String({ pattern: WebhookName, maxLength: 253, description: 'Name; `*` and `?` are wildcards.' }),
        {
          minItems: 1,
          maxItems: 8,
          description:
            "Names of the MutatingWebhookConfigurations that serve the scheme too. Where one is there, the scheme's own annotations make this preset inject nothing.",
        },
      ),
    ),
    skipContainers: ListAnnotation('Containers that the scheme leaves out.'),
    onlyContainers: ListAnnotation('The only containers that the scheme gives the token to.'),
    overrideEnv: Label(
      'An annotation of the pod, else a label of its namespace, that lets variables of the container be overwritten.',
    ),
    unsupported: Type.Optional(
      Type.Array(Unsupported, { maxItems: 8, description: 'What the scheme can be asked for and Curfew does not do.' }),
    ),
    differences: Type.Optional(
      Type.Array(Type.String({ maxLength: 400 }), {
        maxItems: 16,
        description: "What is different from the scheme's own webhook, and why.",
      }),
    ),
  },
  closed,
);

export type Preset = Static<typeof PresetSchema>;

/** Presets by name: the built-in ones and those of the configuration, which win. */
export type Presets = ReadonlyMap<string, Preset>;

/** What a parameter that is a number may be: as many digits as a number of JSON holds exactly. */
export const NUMBER = /^[0-9]{1,15}$/;

/** Everything in `text` that is to be filled in. */
export function listPlaceholders(text: string): readonly string[] {
  return [...text.matchAll(/\$\{([A-Za-z0-9]*)\}/g)].map(([, name = '']) => name);
}

/** `text` with every `${name}` filled in, once; undefined if one of them has no value. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string | undefined {
  if (listPlaceholders(text).some((name) => !values.has(name))) return undefined;
  return text.replaceAll(/\$\{([A-Za-z0-9]*)\}/g, (_, name: string) => values.get(name) ?? '');
}
