/**
 * What a raised level would refuse of the pods that are there: one line a check, as Pod Security Admission does it, with
 * the pods of one controller taken together. Told to whoever raises the level, while they do.
 */

import type { JsonObject } from '../objects/json.ts';
import { asString, member, stringMembers, valueAt } from '../objects/json.ts';
import { findController } from '../objects/owner.ts';
import { POD } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { countOf, quote, toOneLine } from '../objects/text.ts';
import type { Judgement } from './evaluate.ts';

/** What the Kubernetes API advises for a warning. */
const MOST_CHARACTERS = 120;

/** Pods of one controller; a pod that nothing controls is alone in its group. */
type Group = { readonly controller: string | undefined; readonly firstPod: string; count: number };

type Groups = Map<string, Group>;

/** Counts pods by check; holds names and numbers, and no pod. */
export type PodTally = {
  /** By the check's id. */
  readonly refused: Map<string, Groups>;
  readonly undecided: Map<string, Groups>;
  seen: number;
};

export function createPodTally(): PodTally {
  return { refused: new Map(), undecided: new Map(), seen: 0 };
}

/** A pod that exists as the subject that its own creation would be. */
export function toPodSubject(namespace: string, pod: JsonObject): Subject {
  return {
    operation: 'CREATE',
    resource: { group: POD.group, name: POD.resource, subresource: '' },
    kind: POD.kind,
    namespace,
    name: asString(valueAt(pod, ['metadata', 'name'])) ?? '',
    object: pod,
  };
}

/** Adds what was said about one pod. */
export function addPod(tally: PodTally, subject: Subject, judgement: Judgement): void {
  tally.seen += 1;
  const refused = new Set(
    judgement.results.filter(({ effect }) => effect === 'deny' || effect === 'would_deny').map(({ check }) => check.id),
  );
  for (const id of refused) addTo(tally.refused, id, subject);
  for (const { check } of judgement.undecided) {
    if (!refused.has(check.id)) addTo(tally.undecided, check.id, subject);
  }
}

/** Why not every pod was judged. */
export type Shortfall =
  | { readonly reason: 'time' }
  | { readonly reason: 'number' }
  | { readonly reason: 'error'; readonly why: string };

/** The warnings, and one more if not every pod was judged. */
export function formatPodTally(tally: PodTally, shortfall: Shortfall | undefined): readonly string[] {
  return [
    ...[...tally.refused].map(([id, groups]) =>
      formatLine(groups, (pods) => `curfew ${id}: ${pods} would be refused: `),
    ),
    ...[...tally.undecided].map(([id, groups]) =>
      formatLine(groups, (pods) => `curfew ${id}: ${pods} could not be judged: `),
    ),
    ...(shortfall === undefined ? [] : [formatShortfall(tally.seen, shortfall)]),
  ];
}

function addTo(counts: Map<string, Groups>, id: string, { object, name }: Subject): void {
  const groups: Groups = counts.get(id) ?? new Map<string, Group>();
  counts.set(id, groups);
  const controller = nameController(object);
  const key = controller ?? `pod ${name}`;
  const group = groups.get(key);
  if (group === undefined) groups.set(key, { controller, firstPod: name, count: 1 });
  else group.count += 1;
}

/** `StatefulSet db`; a ReplicaSet that a Deployment made is called by the Deployment, which is what people know. */
function nameController(pod: JsonObject): string | undefined {
  const owner = findController(pod);
  const kind = asString(member(owner, 'kind'));
  const name = asString(member(owner, 'name'));
  if (kind === undefined || name === undefined) return undefined;
  // The Deployment controller ends the ReplicaSet's name with the hash that it labels the pods with.
  const hash = stringMembers(valueAt(pod, ['metadata', 'labels'])).get('pod-template-hash');
  const ending = `-${hash ?? ''}`;
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(ending)) {
    return `Deployment ${name.slice(0, -ending.length)}`;
  }
  return `${kind} ${name}`;
}

/** Names as many groups as fit, and at least one; the largest first. */
function formatLine(groups: Groups, head: (pods: string) => string): string {
  const sorted = [...groups.values()].toSorted((a, b) => b.count - a.count);
  const total = sorted.reduce((sum, { count }) => sum + count, 0);
  let line = head(countOf(total, 'existing pod'));
  let told = 0;
  for (const group of sorted) {
    const name = `${told === 0 ? '' : ', '}${describeGroup(group)}`;
    const rest = total - told - group.count;
    if (told > 0 && line.length + name.length + describeRest(rest).length > MOST_CHARACTERS) break;
    line += name;
    told += group.count;
  }
  return toOneLine(`${line}${describeRest(total - told)}`);
}

function describeGroup({ controller, firstPod, count }: Group): string {
  return controller === undefined || count === 1 ? firstPod : `${controller} (${countOf(count, 'pod')})`;
}

function describeRest(count: number): string {
  return count === 0 ? '' : ` (and ${count} more)`;
}

function formatShortfall(seen: number, shortfall: Shortfall): string {
  const judged = seen === 0 ? 'no existing pod was judged' : `only ${countOf(seen, 'existing pod')} judged`;
  return toOneLine(`curfew: ${judged}: ${describeReason(shortfall)}`);
}

function describeReason(shortfall: Shortfall): string {
  switch (shortfall.reason) {
    case 'time':
      return 'there was no time for more';
    case 'number':
      return 'there are more';
    case 'error':
      return quote(shortfall.why);
  }
}
