/**
 * What the owner of a refused pod is told. Nobody reads the answer that a controller gets: the sentence has to stand where
 * people look, on the Deployment and not on the pod that never was.
 */

import { asString, valueAt } from '../objects/json.ts';
import type { Owner } from '../objects/owner.ts';
import { readController } from '../objects/owner.ts';
import { POD } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { formatSubject } from '../objects/subject.ts';
import { cutToBytes, joinNames, toOneLine } from '../objects/text.ts';
import type { Problem } from './message.ts';

/** Longest note of an Event, in bytes (kubernetes, pkg/apis/core/validation/events.go: NoteLengthLimit). */
export const MOST_NOTE_BYTES = 1_024;

/** That a pod was refused by one check or mutation. */
export type Refusal = {
  readonly namespace: string;
  /** The pod's controller: a ReplicaSet, a Job, a StatefulSet, anything. */
  readonly owner: Owner;
  /** Id of the check or mutation. */
  readonly rule: string;
  /** One line. It does not change from pod to pod of one owner, as far as the rule's words do not. */
  readonly note: string;
};

/** One refusal for each rule; none of what is no new pod, or was made by a person, who has read the answer. */
export function listRefusals(subject: Subject, problems: readonly Problem[]): readonly Refusal[] {
  const { operation, resource, namespace, object } = subject;
  if (operation !== 'CREATE' || resource.group !== POD.group || resource.name !== POD.resource) return [];
  if (resource.subresource !== '') return [];
  const owner = readController(object);
  if (owner === undefined) return [];
  return [...Map.groupBy(problems, ({ id }) => id)].map(([rule, [first, ...others]]) => {
    return { namespace, owner, rule, note: formatNote(subject, first, others.length) };
  });
}

/** What is wrong, what to do about it, and where to read more; of several problems the first. */
function formatNote(subject: Subject, problem: Problem | undefined, others: number): string {
  if (problem === undefined) return '';
  const { id, path, containers, detail, fix } = problem;
  // The name of the next pod is another one.
  const isGenerated = asString(valueAt(subject.object, ['metadata', 'generateName'])) !== undefined;
  const pods = formatSubject({ ...subject, name: isGenerated ? '' : subject.name });
  const where = containers.length === 0 ? '' : `${joinNames('container', containers)}: `;
  const more = others === 0 ? '' : ` And ${others} more of this.`;
  const end = ` (curfew explain ${id})`;
  const text = toOneLine(`${pods} is refused: ${id} at ${path}: ${where}${detail}${more} Fix: ${fix}`);
  return `${cutToBytes(text, MOST_NOTE_BYTES - end.length)}${end}`;
}
