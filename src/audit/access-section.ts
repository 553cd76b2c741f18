/** The key `access` of an audit, as its schema says it: what src/access finds. */

import { Type } from 'typebox';
import type { AccessReport } from '../access/access-report.ts';
import { closed, count, list, oneOf, perhaps, text } from './schema-parts.ts';

const AccountSchema = closed({ namespace: text(), name: text() });

const SubjectSchema = closed({
  kind: oneOf(['User', 'Group', 'ServiceAccount']),
  namespace: perhaps(text()),
  name: text(),
});

const GoalSchema = Type.Union([
  oneOf(['every-account', 'cluster-admin']),
  AccountSchema,
  closed({ everyAccountIn: text('A namespace.') }),
]);

const BindingSchema = closed({
  kind: oneOf(['RoleBinding', 'ClusterRoleBinding']),
  namespace: perhaps(text()),
  name: text(),
});

const ThroughSchema = closed({
  kind: oneOf(['Role', 'ClusterRole']),
  namespace: perhaps(text()),
  name: text(),
  binding: BindingSchema,
});

const StepSchema = closed({
  how: text('Which kind of right is used: `token-request`, `secret-read`, `pod-exec` …'),
  through: ThroughSchema,
  right: text('`create serviceaccounts/token in shop`.'),
  to: Type.Union([text(), SubjectSchema], { description: 'Whom one is then, or what one has.' }),
});

const PathSchema = closed({
  from: SubjectSchema,
  to: GoalSchema,
  others: perhaps(count('Accounts that the same steps lead to, beside the one that is named.')),
  steps: list(StepSchema),
  sentence: text('One line for people.'),
});

const RadiusSchema = closed({
  account: AccountSchema,
  reaches: count('Other accounts whose token or powers it can obtain.'),
  clusterAdmin: Type.Boolean(),
  reachedBy: count('Identities that can obtain its token or powers.'),
  namespaces: count('Namespaces of the accounts that it reaches.'),
  podsRunning: count('Pods that run as it.'),
});

const Closed = closed(
  {
    complete: Type.Boolean({ description: 'False if something could not be listed: then there may be more.' }),
    reason: perhaps(text('Why there is no graph at all.')),
    paths: list(PathSchema, 'The shortest from each identity to each goal, the most dangerous first.'),
    more: count('Paths that are left out.'),
    atLeast: perhaps(Type.Literal(true, { description: 'The search ended early: there are more than `more`.' })),
    blastRadius: list(RadiusSchema, 'Of accounts that reach others or run in pods; the most dangerous first.'),
    blastRadiusMore: count('Accounts that are left out there.'),
    subjects: count('Identities that were looked at.'),
    bindings: count('Bindings that were looked at.'),
    rules: count('Rules of roles that were looked at.'),
  },
  'Who can obtain a token of whom.',
);

/** The type is that of src/access, which knows nothing of schemas; a test validates reports of real clusters. */
export const AccessSectionSchema = Type.Unsafe<AccessReport>(Closed);
