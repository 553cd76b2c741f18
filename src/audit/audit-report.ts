/** What `curfew audit` found, as data: the schema is published, and every other form is made of it. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { PlacelessFindingSchema, PlacelessUndecidedSchema } from '../manifests/check-report.ts';
import { AccessSectionSchema } from './access-section.ts';
import { AccountAccessSchema } from './account-access.ts';
import { ForeignPartsSchema } from './foreign-parts.ts';
import { LongLivedSecretSchema } from './long-lived-secrets.ts';
import { MountedTokenSchema } from './mounted-tokens.ts';
import { PodSecuritySchema } from './pod-security.ts';
import { RestartStepSchema } from './restarts.ts';
import { closed, count, list, perhaps, text } from './schema-parts.ts';
import { ScoreLineSchema } from './scorecard.ts';
import { TokenLimitsSchema } from './token-limits.ts';

const SummarySchema = closed({
  namespaces: count('Namespaces that were looked at.'),
  judged: count('Objects that were judged; what controllers made is judged in its template.'),
  denied: count('Objects that would be refused if they were written anew, or whose pods would be.'),
  enforce: count('Findings in mode enforce.'),
  warn: count('Findings in mode warn.'),
  audit: count('Findings in mode audit.'),
  exempted: count('Checks that found something which an exemption removed.'),
  undecided: count('Checks that could not know and might have denied.'),
  longLivedSecrets: count('Secrets with a token that never expires.'),
  accounts: count('Service accounts that were looked at.'),
  pods: count('Pods that have not ended.'),
  podsWithToken: count('Pods that hold a token for the API.'),
  restarts: count('Workloads whose pods hold a token that a new pod would not.'),
  accessPaths: count('Paths of `access`, those that are left out among them.'),
  passed: count('Lines of the scorecard that pass.'),
  failed: count('Lines of the scorecard that fail.'),
  notVisible: count('Lines of the scorecard that cannot be told from here.'),
  faults: count('Lists that could not be read.'),
});

export const AuditReportSchema = Type.Object(
  {
    apiVersion: Type.Literal('curfew.dev/v1alpha1'),
    kind: Type.Literal('AuditReport'),
    cluster: text('Address of the API server.'),
    takenAt: text('When the lists were begun (RFC 3339).'),
    curfewVersion: text(),
    kubernetesVersion: perhaps(text('gitVersion of the API server.')),
    findings: list(PlacelessFindingSchema),
    undecided: list(PlacelessUndecidedSchema),
    longLivedSecrets: list(LongLivedSecretSchema),
    limits: TokenLimitsSchema,
    tokens: list(MountedTokenSchema, 'The longest-lived first.'),
    restarts: list(RestartStepSchema),
    accounts: list(AccountAccessSchema),
    access: AccessSectionSchema,
    podSecurity: list(PodSecuritySchema),
    foreign: ForeignPartsSchema,
    scorecard: list(ScoreLineSchema),
    faults: list(closed({ message: text() }), 'What could not be read.'),
    summary: SummarySchema,
  },
  { additionalProperties: false, title: 'AuditReport' },
);

export type AuditReport = Static<typeof AuditReportSchema>;
