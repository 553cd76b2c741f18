/**
 * Changes of Curfew's own labels on a Namespace. Whoever may edit a namespace could otherwise switch off what holds in
 * it, so lowering a level is a right of its own: the RBAC verb `relax` on `levels.curfew.dev`. No such resource need
 * exist; the API server asks its authorizer before it calls us (the entry's match condition).
 */

import type { Finding } from '../checks/define-check.ts';
import { findClosest } from '../objects/closest.ts';
import { stringMembers, toPointer, valueAt } from '../objects/json.ts';
import type { ActiveLevel, Level } from '../objects/level.ts';
import { isAtLeast, LEVELS, parseLevel } from '../objects/level.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand, quote } from '../objects/text.ts';
import type { Configuration, Levels } from './configuration.ts';
import { describeGrant } from './grant.ts';
import { LEVEL_LABELS } from './labels.ts';
import type { EffectiveLevels } from './level.ts';
import { effectiveLevels } from './level.ts';

const LABELS = ['metadata', 'labels'];
const OUR_PREFIX = 'curfew.dev/';
const MODES = ['enforce', 'warn', 'audit', 'mutate'] as const satisfies readonly (keyof Levels)[];
const ALLOWED = `${LEVELS.slice(0, -1).join(', ')} or ${LEVELS.at(-1) ?? ''}`;

/** Longer keys are no typing mistakes; the comparison is quadratic. */
const MOST_COMPARED_CHARACTERS = 64;

type LabelChange = {
  readonly mode: keyof Levels;
  readonly label: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

/** What was set or changed to something that is no level. An old mistake that stays is not this author's. */
export function findWrongLevels(subject: Subject): readonly Finding[] {
  return listChanges(subject).flatMap(({ label, after }) => {
    if (after === undefined || parseLevel(after) !== undefined) return [];
    const closest = findClosest(after, LEVELS);
    const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
    const namespace = nameForCommand(subject.name, 'NAMESPACE');
    const command = `kubectl label namespace ${namespace} --overwrite ${label}=${closest ?? 'LEVEL'}`;
    return [
      {
        path: pointTo(subject, label),
        key: label,
        reason: `${label} is not ${ALLOWED}`,
        detail: `label ${label} is ${quote(after)}, which is no level${hint}; allowed: ${LEVELS.join(', ')}.`,
        fix: command,
        shortFix: 'it counts as not set',
      },
    ];
  });
}

/** Labels under `curfew.dev/` that were set or changed and that Curfew does not know: most likely a typing mistake. */
export function findUnknownLabels(subject: Subject): readonly Finding[] {
  const known: readonly string[] = Object.values(LEVEL_LABELS);
  const before = labelsOf(subject.oldObject);
  const unknown = [...labelsOf(subject.object)].filter(
    ([key, value]) => key.startsWith(OUR_PREFIX) && !known.includes(key) && before.get(key) !== value,
  );
  return unknown.map(([key], index) => {
    // One line tells them all, with the first one's hint; there may be thousands.
    const closest = index === 0 ? findClosest(key.slice(0, MOST_COMPARED_CHARACTERS), known) : undefined;
    return {
      path: pointTo(subject, key),
      key,
      reason: `label ${quote(key)} does nothing`,
      detail: `label ${quote(key)} is none that Curfew reads; it reads ${known.join(', ')}.`,
      shortFix: closest === undefined ? `known: ${known.join(', ')}` : `did you mean ${closest}?`,
    };
  });
}

/**
 * The modes whose level would be lower than it is, as labels, configuration and defaults together make it: removing a
 * label can lower it as well as writing one. A new namespace is compared with what it would have without labels.
 *
 * @param grantRole - the ClusterRole that allows it, for the message
 */
export function findRelaxations(
  subject: Subject,
  { configuration, grantRole }: { readonly configuration: Configuration; readonly grantRole: string },
): readonly Finding[] {
  const { before, after } = compareLevels(configuration, subject);
  return listChanges(subject).flatMap((change) => {
    const { mode, label } = change;
    const lowered = describeLowering(mode, { configuration, before, after });
    if (lowered === undefined) return [];
    return [
      {
        path: pointTo(subject, label),
        key: label,
        reason: `a lower level of ${mode}`,
        detail: `${describeChange(change)}, which ${lowered}: that takes the verb relax on levels.curfew.dev.`,
        fix: `leave the label as it is, or ${describeGrant(subject.caller, grantRole)}`,
      },
    ];
  });
}

/** The level that enforce is raised to by this change of an existing namespace; undefined if it is not raised. */
export function findRaisedLevel(subject: Subject, configuration: Configuration): ActiveLevel | undefined {
  if (subject.oldObject === undefined) return undefined;
  const { before, after } = compareLevels(configuration, subject);
  const { enforce } = after;
  return enforce === 'off' || isAtLeast(before.enforce, enforce) ? undefined : enforce;
}

function listChanges(subject: Subject): readonly LabelChange[] {
  const old = labelsOf(subject.oldObject);
  const now = labelsOf(subject.object);
  return MODES.map((mode) => {
    const label = LEVEL_LABELS[mode];
    return { mode, label, before: old.get(label), after: now.get(label) };
  }).filter(({ before, after }) => before !== after);
}

type Comparison = { readonly before: EffectiveLevels; readonly after: EffectiveLevels };

function compareLevels(configuration: Configuration, subject: Subject): Comparison {
  // Empty stands for cluster-scoped objects, and no namespace has this name.
  const name = subject.name === '' ? '?' : subject.name;
  const of = (object: unknown): EffectiveLevels =>
    effectiveLevels(configuration, name, {
      state: 'found',
      value: { name, labels: labelsOf(object), annotations: new Map() },
    });
  return { before: of(subject.oldObject), after: of(subject.object) };
}

/** In what way the mode is weaker afterwards, as the end of a sentence; undefined if it is not. */
function describeLowering(
  mode: keyof Levels,
  { configuration, before, after }: Comparison & { readonly configuration: Configuration },
): string | undefined {
  const lowered = isLower(after[mode], before[mode])
    ? `lowers the level of ${mode} from ${before[mode]} to ${after[mode]}`
    : undefined;
  if (mode !== 'mutate' || configuration.mutateMode === 'apply') return lowered;
  // The label means that mutations are applied, and without it they are only reported.
  if (before.mutateByLabel && !after.mutateByLabel && before.mutate !== 'off') {
    return lowered ?? 'means that mutations are only reported';
  }
  return after.mutateByLabel && !before.mutateByLabel && after.mutate !== 'off' ? undefined : lowered;
}

function isLower(level: Level, than: Level): boolean {
  return LEVELS.indexOf(level) < LEVELS.indexOf(than);
}

function describeChange({ label, before, after }: LabelChange): string {
  if (after === undefined) return `label ${label}=${quote(before ?? '')} is removed`;
  if (before === undefined) return `label ${label} is set to ${quote(after)}`;
  return `label ${label} goes from ${quote(before)} to ${quote(after)}`;
}

function labelsOf(object: unknown): ReadonlyMap<string, string> {
  return stringMembers(valueAt(object, LABELS));
}

/** A label that was removed is not there to be pointed at. */
function pointTo({ object }: Subject, label: string): string {
  const path = [...LABELS, label];
  while (path.length > 0 && valueAt(object, path) === undefined) path.pop();
  return toPointer(path);
}
