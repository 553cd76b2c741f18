/** What `curfew check` found, as data: the schema is published, and every other form is made of it. */

import type { Static } from 'typebox';
import { Type } from 'typebox';

const ACTIVE_LEVEL = Type.Union([Type.Literal('baseline'), Type.Literal('restricted')]);

const PLACE = {
  file: Type.String({
    description: 'As it was named on the command line, or found below a folder; "-" is standard input.',
  }),
  line: Type.Integer({ minimum: 1 }),
  column: Type.Integer({ minimum: 1 }),
};

const ObjectSchema = Type.Object(
  {
    apiVersion: Type.String(),
    kind: Type.String(),
    namespace: Type.String({ description: 'Empty for what is in no namespace.' }),
    name: Type.String({ description: 'Empty where only generateName is known.' }),
  },
  { additionalProperties: false },
);

const FINDING_START = {
  check: Type.String({ description: 'Id of the check, or of the mutation that cannot do what was asked for.' }),
  level: ACTIVE_LEVEL,
  mode: Type.Union([Type.Literal('enforce'), Type.Literal('warn'), Type.Literal('audit')], {
    description: 'The strongest mode that finds it. Of a template, enforce means that its pods are denied.',
  }),
  denied: Type.Boolean({ description: 'False in mode enforce where dryRun holds the denial back.' }),
};

const FINDING_END = {
  object: ObjectSchema,
  path: Type.String({ description: 'JSON pointer into the object.' }),
  container: Type.Optional(Type.String()),
  reason: Type.String({ description: 'A few stable words.' }),
  detail: Type.String({ description: 'One sentence.' }),
  fix: Type.String(),
};

const FindingSchema = Type.Object({ ...FINDING_START, ...PLACE, ...FINDING_END }, { additionalProperties: false });

/** Of a live object, which stands in no file. */
export const PlacelessFindingSchema = Type.Object(
  { ...FINDING_START, ...FINDING_END },
  { additionalProperties: false },
);

const UNDECIDED_END = {
  object: ObjectSchema,
  couldDeny: Type.Boolean({ description: 'True if a denial may follow where it is applied.' }),
  detail: Type.String(),
};

const UndecidedSchema = Type.Object(
  { check: Type.String(), ...PLACE, ...UNDECIDED_END },
  { additionalProperties: false },
);

export const PlacelessUndecidedSchema = Type.Object(
  { check: Type.String(), ...UNDECIDED_END },
  { additionalProperties: false },
);

const FaultSchema = Type.Object(
  { ...PLACE, message: Type.String() },
  { additionalProperties: false, description: 'What could not be read.' },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

const SummarySchema = Type.Object(
  {
    files: count('Files read.'),
    objects: count('Kubernetes objects found in them.'),
    judged: count('Objects of kinds that a rule reads.'),
    otherDocuments: count('Documents that are no Kubernetes objects.'),
    denied: count('Objects that would be denied, or whose pods would be.'),
    enforce: count('Findings in mode enforce.'),
    warn: count('Findings in mode warn.'),
    audit: count('Findings in mode audit.'),
    exempted: count('Checks that found something which an exemption removed.'),
    undecided: count('Checks that could not know and might have denied.'),
    faults: count('Files and documents that could not be read.'),
  },
  { additionalProperties: false },
);

export const CheckReportSchema = Type.Object(
  {
    apiVersion: Type.Literal('curfew.dev/v1alpha1'),
    kind: Type.Literal('CheckReport'),
    findings: Type.Array(FindingSchema),
    undecided: Type.Array(UndecidedSchema),
    faults: Type.Array(FaultSchema),
    summary: SummarySchema,
  },
  { additionalProperties: false, title: 'CheckReport' },
);

export type CheckReport = Static<typeof CheckReportSchema>;
export type ReportedFinding = Static<typeof FindingSchema>;
export type PlacelessFinding = Static<typeof PlacelessFindingSchema>;
export type ReportedUndecided = Static<typeof UndecidedSchema>;
export type PlacelessUndecided = Static<typeof PlacelessUndecidedSchema>;
export type ReportedFault = Static<typeof FaultSchema>;
export type ReportedObject = Static<typeof ObjectSchema>;

/** What a command's exit code says of a report: 0 clean, 1 something is denied, 2 something could not be judged. */
export function exitCodeOf({
  summary,
}: {
  readonly summary: Pick<CheckReport['summary'], 'denied' | 'undecided' | 'faults'>;
}): 0 | 1 | 2 {
  if (summary.faults > 0 || summary.undecided > 0) return 2;
  return summary.denied > 0 ? 1 : 0;
}
