/** Takes out what Curfew added in an earlier round and nobody asks for any more, or asks for in another form. */

import { listContainers } from '../objects/containers.ts';
import type { Draft } from '../objects/draft.ts';
import type { JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../objects/json.ts';
import type { Plan } from './plan.ts';
import type { Recorded } from './record.ts';
import { toRecorded } from './record.ts';
import type { Sink } from './sink.ts';

/** A preset has two; a record with more was written by somebody else. */
const MOST_PATHS = 4;

export type StaleState = {
  readonly plans: readonly Plan[];
  readonly record: ReadonlyMap<string, Recorded>;
  /** False if somebody who may ask could not be read: then a token that nobody seems to ask for stays. */
  readonly isComplete: boolean;
  readonly sink: Sink;
};

export function removeStale(draft: Draft, { plans, record, isComplete, sink }: StaleState): void {
  const wanted = new Map(plans.map((plan) => [plan.name, JSON.stringify(toRecorded(plan))]));
  const stale = [...record].filter(([name, { text }]) => wanted.get(name) !== text && (wanted.has(name) || isComplete));
  if (stale.length === 0) return;
  const parts = stale.map(([, recorded]) => recorded);
  removeFromContainers(draft, parts);
  removeVolumes(draft, parts);
  for (const recorded of parts) removeAnnotations(draft, recorded);
  for (const [name] of stale)
    sink.change('/spec/volumes', `token ${name.slice(0, 80)} of an earlier round is taken out`);
}

/** All parts in one pass: the pod may be large. */
function removeFromContainers(draft: Draft, parts: readonly Recorded[]): void {
  const mounts = new Set(
    parts.flatMap(({ volumes, mountPaths }) => [...volumes].flatMap((name) => pairs(name, mountPaths))),
  );
  const variables = new Set(parts.flatMap(({ env }) => [...env].map(([name, value]) => pair(name, value))));
  const isMount = (mount: JsonValue) => mounts.has(pair(member(mount, 'name'), member(mount, 'mountPath')));
  const isVariable = (entry: JsonValue) =>
    member(entry, 'valueFrom') === undefined && variables.has(pair(member(entry, 'name'), member(entry, 'value')));
  for (const { path } of listAllContainers(draft)) {
    if (path[0] === 'ephemeralContainers') continue;
    removeWhere(draft, ['spec', ...path, 'volumeMounts'], isMount);
    removeWhere(draft, ['spec', ...path, 'env'], isVariable);
  }
}

function pairs(name: string, others: ReadonlySet<string>): readonly string[] {
  return [...others].slice(0, MOST_PATHS).map((other) => pair(name, other));
}

/** One text of two, for a set; no name holds a line feed. */
function pair(name: unknown, other: unknown): string {
  return typeof name === 'string' && typeof other === 'string' ? `${name}\n${other}` : '';
}

function listAllContainers(draft: Draft) {
  const spec = member(draft.current(), 'spec');
  return isObject(spec) ? listContainers(spec) : [];
}

/** A volume that somebody else mounts too stays. */
function removeVolumes(draft: Draft, parts: readonly Recorded[]): void {
  const names = new Set(parts.flatMap(({ volumes }) => [...volumes]));
  const mounted = new Set(
    listAllContainers(draft).flatMap(({ container }) =>
      asArray(member(container, 'volumeMounts')).map((one) => member(one, 'name')),
    ),
  );
  removeWhere(draft, ['spec', 'volumes'], (volume) => {
    const name = asString(member(volume, 'name')) ?? '';
    return names.has(name) && !mounted.has(name);
  });
}

/** An empty value in the record means whatever we wrote there: the content of a file. */
function removeAnnotations(draft: Draft, { annotations }: Recorded): void {
  for (const [key, value] of annotations) {
    const path = ['metadata', 'annotations', key];
    const there = valueAt(draft.current(), path);
    if (there !== undefined && (value === '' || value === there)) draft.remove(path);
  }
}

/** From the last one to the first, so that the indexes of the others stay what they are. */
function removeWhere(draft: Draft, path: JsonPath, isRemoved: (entry: JsonValue) => boolean): void {
  const list = asArray(valueAt(draft.current(), path));
  for (let index = list.length - 1; index >= 0; index -= 1) {
    const entry = list[index];
    if (entry !== undefined && isRemoved(entry)) draft.remove([...path, index]);
  }
}
