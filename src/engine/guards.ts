/**
 * Guards: rules about Curfew's own labels and annotations, by which it is steered. They speak as checks do, but are no
 * part of the catalogue: no level and no exemption applies to what sets the levels.
 */

import type { Finding, RuleWords } from '../checks/define-check.ts';
import { API_ACCESS_ANNOTATION } from '../objects/api-access.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand } from '../objects/text.ts';
import { findUnapprovedAccess } from '../policy/api-access-approval.ts';
import type { Configuration } from '../policy/configuration.ts';
import { LEVEL_LABELS } from '../policy/labels.ts';
import { findRelaxations, findUnknownLabels, findWrongLevels } from '../policy/namespace-labels.ts';
import { isLeftAlone, SYSTEM_NAMESPACE } from '../policy/scope.ts';
import type { Effect, Judgement, Result } from './evaluate.ts';
import { NO_JUDGEMENT } from './evaluate.ts';

export type Guard = RuleWords & {
  /** For tables: what it refuses, without a full stop. */
  readonly title: string;
  readonly why: string;
};

const RELAXED_LEVEL: Guard = {
  id: 'relaxed-level',
  title: 'a lower level of a namespace, by anyone without the RBAC verb relax on levels.curfew.dev',
  why: `The labels ${Object.values(LEVEL_LABELS).join(', ')} set what holds in a namespace, so the right to edit
a namespace would be the right to switch Curfew off in it. Raising a level is free; lowering one takes a right of its
own. What counts is the level in force before and after: label, then the configuration for this namespace, then its
default. Setting, changing and removing a label can all lower it. The chart brings the ClusterRole, bound to nobody.`,
  fix: () => 'leave the label as it is, or have an administrator bind the ClusterRole that allows it to you',
  shortFix: () => 'it takes the verb relax on levels.curfew.dev',
};

const LEVEL_LABEL: Guard = {
  id: 'level-label',
  title: 'labels under curfew.dev/ on a namespace that mean nothing',
  why: `A label with another value than off, baseline or restricted counts as not set, so a typing mistake leaves a
namespace with less than its owner believes. It is refused, also to administrators. A key that Curfew does not know is
only warned about.`,
  fix: (subject) =>
    `kubectl label namespace ${nameForCommand(subject.name, 'NAMESPACE')} --overwrite ${LEVEL_LABELS.enforce}=LEVEL`,
  shortFix: () => `known: ${Object.values(LEVEL_LABELS).join(', ')}`,
};

const UNAPPROVED_ACCESS: Guard = {
  id: 'unapproved-api-access',
  title: `with apiAccess.approval, the annotation ${API_ACCESS_ANNOTATION}, set by anyone without the RBAC verb approve on apiaccess.curfew.dev`,
  why: `A service account whose need of the Kubernetes API is documented may hold a token for it. With
apiAccess.approval in the configuration, whoever writes the service account does not decide that alone: setting or
changing the annotation takes a right of its own. Removing it is free, and so is every change that leaves it as it is, so
a manifest with the approved reason can be applied by anyone. The chart brings the ClusterRole, bound to nobody.`,
  fix: () => 'leave the annotation out, and let someone who may approve set it',
  shortFix: () => 'it takes the verb approve on apiaccess.curfew.dev',
};

export const GUARDS: readonly Guard[] = [RELAXED_LEVEL, LEVEL_LABEL, UNAPPROVED_ACCESS];

export type GuardOptions = {
  readonly configuration: Configuration;
  /** The namespace Curfew runs in; empty outside a cluster. */
  readonly ownNamespace: string;
  /** What the chart's objects are called. */
  readonly release: string;
};

/**
 * Of a caller who may not relax levels. Wrong values are refused here too, in the same words: both entries are asked at
 * once, and the API server shows whichever denial comes first.
 */
export function guardLevels(subject: Subject, options: GuardOptions): Judgement {
  if (isLeftAlone(options.configuration, subject.name, options.ownNamespace)) return NO_JUDGEMENT;
  const wrong = findWrongLevels(subject);
  const told = new Set(wrong.map(({ key }) => key));
  const grantRole = `${options.release}-relax`;
  const relaxed = findRelaxations(subject, { configuration: options.configuration, grantRole });
  return toJudgement([
    [LEVEL_LABEL, refusal(options), wrong],
    [RELAXED_LEVEL, refusal(options), relaxed.filter(({ key }) => !told.has(key))],
  ]);
}

/** Of any caller: wrong values are refused, unknown keys warned about. */
export function guardNamespaceLabels(subject: Subject, options: GuardOptions): Judgement {
  if (isLeftAlone(options.configuration, subject.name, options.ownNamespace)) return NO_JUDGEMENT;
  return toJudgement([
    [LEVEL_LABEL, refusal(options), findWrongLevels(subject)],
    [LEVEL_LABEL, 'warn', findUnknownLabels(subject)],
  ]);
}

/** Of a caller who may not approve: documented access is not theirs to write. */
export function guardApiAccess(subject: Subject, options: GuardOptions): Judgement {
  const { configuration, ownNamespace } = options;
  const namespace = subject.namespace === '' ? subject.name : subject.namespace;
  // In kube-system nothing is denied, so documenting access there gains nothing either.
  const isFree = namespace === SYSTEM_NAMESPACE || isLeftAlone(configuration, namespace, ownNamespace);
  if (isFree || !configuration.apiAccess.approval) return NO_JUDGEMENT;
  return toJudgement([[UNAPPROVED_ACCESS, refusal(options), findUnapprovedAccess(subject)]]);
}

function refusal({ configuration }: GuardOptions): Effect {
  return configuration.dryRun ? 'would_deny' : 'deny';
}

function toJudgement(parts: readonly (readonly [Guard, Effect, readonly Finding[]])[]): Judgement {
  const results: Result[] = [];
  for (const [check, effect, findings] of parts) {
    if (findings.length > 0) results.push({ check, effect, findings });
  }
  return { ...NO_JUDGEMENT, results };
}
