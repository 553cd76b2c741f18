/** Puts planned tokens into a pod: adds what is missing, keeps what is there, and refuses where both cannot be. */

import { findClosest } from '../objects/closest.ts';
import type { Container } from '../objects/containers.ts';
import { listContainers } from '../objects/containers.ts';
import type { Draft } from '../objects/draft.ts';
import { INJECTED_ANNOTATION } from '../objects/injection-keys.ts';
import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, member, toPointer, valueAt } from '../objects/json.ts';
import { specOf } from '../objects/pod-spec.ts';
import { outlivesToken } from '../objects/termination.ts';
import { joinNames, quote } from '../objects/text.ts';
import { TRIGGERED } from './asks.ts';
import { describeVolume, isSameContent, isSameToken, renewVolume } from './content.ts';
import type { WantedMount } from './mounts.ts';
import { findMount, findSidecarObstacle, indexVolumes } from './mounts.ts';
import type { Plan } from './plan.ts';
import type { Added, Recorded } from './record.ts';
import { addEntry, createAdded, hasEntry, readRecord, toPart } from './record.ts';
import type { Sink } from './sink.ts';
import { createSink } from './sink.ts';
import { removeStale } from './stale.ts';
import { addVariables } from './variables.ts';
import { isRewritten } from './virtual-cluster.ts';

export type EmitFacts = {
  readonly apiAudiences: readonly string[];
  /** False if somebody who may ask could not be read. */
  readonly isComplete: boolean;
};

const ANNOTATIONS = ['metadata', 'annotations'];

/** Names compared with one that is not there. */
const MOST_SUGGESTED = 100;

/** Makes every plan true of the draft. If there are conflicts, the draft is in no state to be used. */
export function emit(draft: Draft, plans: readonly Plan[], { apiAudiences, isComplete }: EmitFacts): Sink {
  const sink = createSink();
  const all = [...readRecord(draft.current())];
  const ofOthers = all.filter(([, recorded]) => isRewritten(recorded, draft.current()));
  const record = new Map(all.filter((entry) => !ofOthers.includes(entry)));
  removeStale(draft, { plans, record, isComplete, sink });
  const state = { claimed: new Map<string, Plan>(), setters: new Map<string, Plan>(), sink, apiAudiences };
  const kept = isComplete ? [] : listKept(record, plans);
  const made = new Map<string, JsonValue>();
  for (const plan of plans) {
    const part = toPart(emitPlan(draft, plan, { ...state, sink: toSinkOf(plan, sink), ours: record.get(plan.name) }));
    if (part !== undefined) made.set(plan.name, part);
    for (const { volume } of plan.mounts) state.claimed.set(volume.name, plan);
  }
  const foreign = listKept(new Map(ofOthers.filter(([name]) => !made.has(name))), []);
  writeRecord(draft, [...kept, ...foreign, ...made], sink);
  return sink;
}

/** The author of a pod who never asked for the token has one way out. */
function toSinkOf({ isOfCluster, key }: Plan, sink: Sink): Sink {
  if (!isOfCluster) return sink;
  return { ...sink, conflict: (path, detail) => sink.conflict(path, detail, `annotate the pod with ${key}: "off"`) };
}

/** What of the record is left as it is, since nobody knows whether it is still asked for. */
function listKept(record: ReadonlyMap<string, Recorded>, plans: readonly Plan[]): [string, JsonValue][] {
  return [...record]
    .filter(([name]) => plans.every((plan) => plan.name !== name))
    .map(([name, { part }]) => [name, part]);
}

type PlanState = {
  readonly ours: Recorded | undefined;
  /** Volumes of earlier plans. */
  readonly claimed: ReadonlyMap<string, Plan>;
  readonly setters: Map<string, Plan>;
  readonly sink: Sink;
  readonly apiAudiences: readonly string[];
};

/** What of it is in the pod because we put it there, now or in an earlier round. */
function emitPlan(draft: Draft, plan: Plan, state: PlanState): Added {
  const { sink, ours } = state;
  const added = createAdded();
  noteUnknownContainers(specOf(draft.current()), plan, sink);
  noteSidecars(specOf(draft.current()), plan, sink);
  for (const note of plan.notes) sink.note(note);
  if (chooseContainers(specOf(draft.current()), plan).length === 0) return added;
  for (const { volume } of plan.mounts) {
    const other = state.claimed.get(volume.name);
    if (other === undefined) continue;
    const detail = `${plan.origin.name} and ${other.origin.name} both make the volume ${quote(volume.name)}`;
    sink.conflict(plan.origin.path, detail, 'ask for one of them');
    return added;
  }
  /** What holds the same in place of our volume, by the name of ours. */
  const substitutes = new Map<string, string>();
  for (const { volume: wanted, mountPath } of plan.mounts) {
    // Chosen anew: what is held of a draft may not show what was added since.
    const volumes = indexVolumes(listVolumes(draft));
    const containers = chooseContainers(specOf(draft.current()), plan).map(
      (container) =>
        [
          container,
          checkMount(container, { volumes, wanted, mountPath, accepted: plan.accepted }, { plan, sink }),
        ] as const,
    );
    const isThere = volumes.has(wanted.name);
    if (isThere && ours?.volumes.has(wanted.name) === true) added.volumes.add(wanted.name);
    // Where every container has the same token at the same place by another volume, there is nothing to add.
    if (!containers.some(([, found]) => found === 'missing' || found === 'this')) {
      const other = [...volumes].find(([, volume]) => isSameToken(volume, wanted, plan.accepted))?.[0];
      if (other !== undefined) substitutes.set(wanted.name, other);
      continue;
    }
    if (!putVolume(draft, wanted, { plan, state })) return added;
    if (!isThere) added.volumes.add(wanted.name);
    const mount = [mountPath, wanted.name] as const;
    for (const [{ path, name }, found] of containers) {
      if (found === 'missing' || (found === 'this' && hasEntry(ours, name, mount))) addEntry(added, name, mount);
      if (found !== 'missing') continue;
      const mounts = ['spec', ...path, 'volumeMounts'];
      append(draft, mounts, { name: wanted.name, mountPath, readOnly: true });
      sink.change(toPointer(mounts), `container ${name}: volume ${wanted.name} is mounted at ${mountPath}`);
    }
  }
  for (const container of chooseContainers(specOf(draft.current()), plan)) {
    addVariables(draft, container, { plan, sink, setters: state.setters, ours, added });
  }
  writeAnnotations(draft, plan, { sink, substitutes, ours, added });
  return added;
}

/** Init containers, native sidecars and containers; ephemeral ones come later, and may bring no volume. */
function listPossible(spec: JsonObject): readonly Container[] {
  return listContainers(spec).filter(({ path }) => path[0] !== 'ephemeralContainers');
}

function chooseContainers(spec: JsonObject, plan: Plan): readonly Container[] {
  const only = plan.only === undefined ? undefined : new Set(plan.only);
  const except = new Set(plan.except);
  return listPossible(spec)
    .filter(({ name }) => (only?.has(name) ?? true) && !except.has(name))
    .filter((container) => findSidecarObstacle(container, spec, plan) === undefined);
}

function noteSidecars(spec: JsonObject, plan: Plan, sink: Sink): void {
  for (const container of listPossible(spec).filter(({ name }) => !plan.except.includes(name))) {
    const does = findSidecarObstacle(container, spec, plan);
    if (does !== undefined)
      sink.note(`token ${plan.name.replace(TRIGGERED, '')} is not for container ${container.name}, which ${does}`);
  }
}

/** A webhook that runs after us may add the container; then the API server asks again, and it gets its token. */
function noteUnknownContainers(spec: JsonObject, { only, except, name, isOfCluster }: Plan, sink: Sink): void {
  if (isOfCluster) return;
  const known = new Set(listPossible(spec).map((container) => container.name));
  const unknown = [...(only ?? []), ...except].filter((one) => !known.has(one));
  if (unknown.length === 0) return;
  const [first = ''] = unknown;
  const near = findClosest(
    first,
    [...known].slice(0, MOST_SUGGESTED).map((one) => one.slice(0, 64)),
  );
  const hint = near === undefined ? '' : `; did you mean ${quote(near)}?`;
  sink.note(`token ${name} names ${joinNames('container', unknown)}, which the pod does not have${hint}`);
}

function listVolumes(draft: Draft) {
  return asArray(valueAt(draft.current(), ['spec', 'volumes']));
}

/** As findMount says, and a conflict is told. */
function checkMount({ path, name, container }: Container, wish: WantedMount, { plan, sink }: PlanSink) {
  const found = findMount(container, wish);
  if (found.state === 'conflict') {
    const fix = `set mountPath in ${plan.key}, or leave the container out by excludeContainers`;
    const detail = `container ${name} ${found.detail} ${plan.origin.name} puts a token, at ${quote(wish.mountPath)}`;
    sink.conflict(toPointer(['spec', ...path, ...found.path]), detail, fix);
  }
  return found.state;
}

type PlanSink = { readonly plan: Plan; readonly sink: Sink };

/** False if a volume of that name is somebody else's and holds something else. */
function putVolume(
  draft: Draft,
  wanted: JsonObject & { readonly name: string },
  { plan, state }: { readonly plan: Plan; readonly state: PlanState },
): boolean {
  const { sink, ours } = state;
  const volumes = listVolumes(draft);
  const index = volumes.findIndex((volume) => member(volume, 'name') === wanted.name);
  const what = `token ${plan.name} for audience ${quote(plan.audience)}, ${plan.expirationSeconds} s`;
  const isCredential = member(wanted, 'projected') === undefined;
  if (index === -1) {
    append(draft, ['spec', 'volumes'], wanted);
    const detail = isCredential
      ? `volume ${wanted.name} is added`
      : `volume ${wanted.name} is added: ${what}, by ${plan.origin.name}`;
    const warnings = isCredential ? [] : listWarnings(specOf(draft.current()), plan, state.apiAudiences);
    sink.change(toPointer(['spec', 'volumes', volumes.length]), detail, warnings);
    return true;
  }
  const path = ['spec', 'volumes', index];
  const existing = volumes[index];
  const isOurs = ours?.volumes.has(wanted.name) ?? false;
  if (isSameContent(existing, wanted, { isOurs, accepted: plan.accepted })) return true;
  if (isOurs) {
    draft.set(path, renewVolume(existing, wanted));
    sink.change(toPointer(path), `volume ${wanted.name} is made anew: ${what}`);
    return true;
  }
  // kubectl debug leaves the annotations out, and with them the record that the volume is ours (Kubernetes 1.36).
  const ofCopy =
    member(existing, 'projected') === undefined ? '' : '; a copy by kubectl debug needs --keep-annotations';
  sink.conflict(
    toPointer(path),
    `volume ${quote(wanted.name)} is ${describeVolume(existing)} of the pod’s own, and ${plan.origin.name} makes a volume of that name`,
    `rename that volume in the pod, or ask for the token under another name${ofCopy}`,
  );
  return false;
}

function append(draft: Draft, path: readonly (string | number)[], value: JsonObject): void {
  const list = valueAt(draft.current(), path);
  if (Array.isArray(list)) draft.insert([...path, list.length], value);
  else draft.set(path, [value]);
}

/** What the author should know about the token itself, said once: when it is added. */
function listWarnings(spec: JsonObject, plan: Plan, apiAudiences: readonly string[]): readonly string[] {
  const { name, audience, expirationSeconds } = plan;
  const stop = outlivesToken(spec, expirationSeconds);
  return [
    ...(stop === undefined
      ? []
      : [
          `token ${name} lives ${expirationSeconds} s and is not renewed while the pod stops, which may take ${stop} s`,
        ]),
    ...(apiAudiences.includes(audience)
      ? [`token ${name} has the audience of the Kubernetes API: whoever gets it can use it there`]
      : []),
  ];
}

type Writing = {
  readonly sink: Sink;
  readonly substitutes: ReadonlyMap<string, string>;
  readonly ours: Recorded | undefined;
  readonly added: Added;
};

/** An annotation that names our volume names the one that is there in its place. */
function writeAnnotations(draft: Draft, plan: Plan, { sink, substitutes, ours, added }: Writing): void {
  const write = (key: string, value: string, { isAlways }: { readonly isAlways: boolean }) => {
    const there = valueAt(draft.current(), [...ANNOTATIONS, key]);
    const before = ours?.annotations.get(key);
    const isOurs = there === undefined || (before !== undefined && (before === '' || before === there));
    if (isOurs || (isAlways && there !== value)) added.annotations.set(key, isAlways ? '' : value);
    if (there === value || !(isOurs || isAlways)) return;
    draft.set([...ANNOTATIONS, key], value);
    sink.change(toPointer([...ANNOTATIONS, key]), 'is written');
  };
  for (const [key, value] of plan.annotations) write(key, substitutes.get(value) ?? value, { isAlways: false });
  for (const [key, value] of plan.contents) write(key, value, { isAlways: true });
}

function writeRecord(draft: Draft, kept: readonly (readonly [string, JsonValue])[], sink: Sink): void {
  const path = [...ANNOTATIONS, INJECTED_ANNOTATION];
  const before = valueAt(draft.current(), path);
  if (kept.length === 0) {
    if (before === undefined) return;
    draft.remove(path);
    sink.change(toPointer(path), 'nothing of Curfew is left');
    return;
  }
  const text = JSON.stringify(Object.fromEntries(kept));
  if (before === text) return;
  draft.set(path, text);
}
