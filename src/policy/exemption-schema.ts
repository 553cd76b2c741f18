/** The part of the configuration's schema that is about exemptions. */

import { Type } from 'typebox';
import { CHECKS } from '../checks/registry.ts';
import { EXEMPTION_KINDS } from './exemption.ts';
import { EXEMPTION_PRESETS } from './exemption-presets.ts';

const closed = { additionalProperties: false };

/** Visible characters and single spaces alone: these stand in warnings, audit annotations and logs. */
const ONE_LINE = '^[^\\s\\p{C}]+( [^\\s\\p{C}]+)*$';

const patterns = (pattern: string, example: string, description: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern, maxLength: 253, description: `like ${example}` }), {
      minItems: 1,
      maxItems: 100,
      uniqueItems: true,
      description,
    }),
  );

const MatchSchema = Type.Object(
  {
    namespaces: patterns(
      '^[-a-z0-9*?]+$',
      'team-*',
      'Namespaces of the object. Objects that are in no namespace never match.',
    ),
    names: patterns(
      '^[-a-z0-9.:*?]+$',
      'web-*',
      'Names of the object; pods have generated names, so end these with *.',
    ),
    kinds: Type.Optional(
      Type.Array(Type.Enum([...EXEMPTION_KINDS.keys()]), {
        minItems: 1,
        uniqueItems: true,
        description: 'Kinds of the object, in whatever API version it is written.',
      }),
    ),
    serviceAccounts: patterns(
      '^[-a-z0-9*?]+/[-a-z0-9.*?]+$',
      'team-a/deployer or team-*/deployer',
      'Service accounts as namespace/name: the one a pod or template runs as (of an object with several pods: all of them), the one a token is asked for, the one a token Secret names, all subjects of a binding, the ServiceAccount itself.',
    ),
    users: patterns('^[^\\s\\p{C}]+$', 'jane@example.com', 'Names of the users who make the request.'),
    groups: patterns(
      '^[^\\s\\p{C}]+$',
      'platform-admins',
      'Groups of the users who make the request; one of them is enough. Those that everybody or every service account is in rule nothing out.',
    ),
  },
  {
    ...closed,
    description:
      'What it is for. All keys given must match, of each list one entry. In entries * stands for any characters and ? for one; they are compared as a whole and case counts. At least one key beside kinds must rule something out.',
  },
);

const RuleSchema = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9-]{1,63}$',
      description: 'Name in audit annotations, logs and metrics: 1 to 63 of a-z, 0-9 and -; no two have the same.',
    }),
    match: MatchSchema,
    checks: Type.Optional(
      Type.Array(Type.Enum(CHECKS.map(({ id }) => id)), {
        minItems: 1,
        uniqueItems: true,
        description: 'The checks whose findings it removes. Default: all.',
      }),
    ),
    reason: Type.String({ pattern: ONE_LINE, maxLength: 500, description: 'Why it is right; one line.' }),
    owner: Type.String({ pattern: ONE_LINE, maxLength: 100, description: 'Who answers for it; one line.' }),
    expires: Type.Optional(
      Type.String({
        pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
        description:
          'Its last day, as "2027-03-01" in quotes: it works until midnight UTC at the end of that day. From 14 days before, each use is warned about. Required unless permanent.',
      }),
    ),
    permanent: Type.Optional(Type.Boolean({ description: 'It never ends. Default: false.' })),
    ticket: Type.Optional(Type.String({ pattern: ONE_LINE, maxLength: 200, description: 'Where it was decided.' })),
  },
  closed,
);

export const ExemptionsSchema = Type.Object(
  {
    presets: Type.Optional(
      Type.Array(Type.Enum(EXEMPTION_PRESETS.map(({ name }) => name)), {
        uniqueItems: true,
        description: 'Ready-made exemptions of known software that needs a token. Default: none.',
      }),
    ),
    rules: Type.Optional(
      Type.Array(RuleSchema, { maxItems: 500, description: 'Exemptions; the first one that matches is used.' }),
    ),
  },
  {
    ...closed,
    description:
      'Written exceptions: they remove findings, in every mode, and each use is audited and counted. They do not keep an object from being judged. A mutation that mends what a check finds leaves exempt objects as they are.',
  },
);
