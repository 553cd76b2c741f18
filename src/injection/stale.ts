/** Takes out what Curfew added in an earlier round and nobody asks for any more, or asks for in another form. */

import { listContainers } from '../objects/containers.ts';
import type { Draft } from '../objects/draft.ts';
import type { JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, member, valueAt } from '../objects/json.ts';
import { specOf } from '../objects/pod-spec.ts';
import type { Plan } from './plan.ts';
import type { Recorded } from './record.ts';
import { hasEntry } from './record.ts';
import type { Sink } from './sink.ts';

export type StaleState = {
  readonly plans: readonly Plan[];
  readonly record: ReadonlyMap<string, Recorded>;
  /** False if somebody who may ask could not be read: then a token that nobody seems to ask for stays. */
  readonly isComplete: boolean;
  readonly sink: Sink;
};

export function removeStale(draft: Draft, { plans, record, isComplete, sink }: StaleState): void {
  const wanted = new Map(plans.map((plan) => [plan.name, plan]));
  const stale = [...record].filter(([name, recorded]) => {
    const plan = wanted.get(name);
    return plan === undefined ? isComplete : !isStillWanted(recorded, plan);
  });
  if (stale.length === 0) return;
  const parts = stale.map(([, recorded]) => recorded);
  removeFromContainers(draft, parts);
  removeVolumes(draft, parts);
  for (const recorded of parts) removeAnnotations(draft, recorded);
  for (const [name] of stale)
    sink.change('/spec/volumes', `token ${name.slice(0, 80)} of an earlier round is taken out`);
}

/** What is missing is added later, and an annotation with another value is written anew. */
function isStillWanted({ volumes, mounts, env, annotations, containers }: Recorded, plan: Plan): boolean {
  const names = new Set(plan.mounts.map(({ volume }) => volume.name));
  const places = new Map(plan.mounts.map(({ volume, mountPath }) => [mountPath, volume.name]));
  const values = new Map(plan.env.map(({ name, value }) => [name, value]));
  return (
    [...volumes].every((name) => names.has(name)) &&
    [...mounts].every(([path, name]) => places.get(path) === name) &&
    [...env].every(([name, value]) => values.get(name) === value) &&
    [...annotations.keys()].every((key) => plan.annotations.has(key) || plan.contents.has(key)) &&
    [...containers].every((name) => (plan.only?.includes(name) ?? true) && !plan.except.includes(name))
  );
}

function removeFromContainers(draft: Draft, parts: readonly Recorded[]): void {
  for (const { path, name } of listAllContainers(draft)) {
    if (path[0] === 'ephemeralContainers') continue;
    const ofContainer = parts.filter(({ containers }) => containers.has(name));
    if (ofContainer.length === 0) continue;
    const isOurs = (key: unknown, value: unknown) =>
      typeof key === 'string' &&
      typeof value === 'string' &&
      ofContainer.some((recorded) => hasEntry(recorded, name, [key, value]));
    removeWhere(draft, ['spec', ...path, 'volumeMounts'], (mount) =>
      isOurs(member(mount, 'mountPath'), member(mount, 'name')),
    );
    removeWhere(
      draft,
      ['spec', ...path, 'env'],
      (entry) => member(entry, 'valueFrom') === undefined && isOurs(member(entry, 'name'), member(entry, 'value')),
    );
  }
}

function listAllContainers(draft: Draft) {
  return listContainers(specOf(draft.current()));
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
