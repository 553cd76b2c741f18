/** What is at the place of a wanted mount in one container: nothing, the token already, or something that is in the way. */

import type { Container } from '../objects/containers.ts';
import { isSidecarContainer } from '../objects/foreign-tokens.ts';
import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import { quote } from '../objects/text.ts';
import { describeVolume, isNested, isSameToken, normalisePath } from './content.ts';
import type { Plan } from './plan.ts';

export type WantedMount = {
  /** The pod's, by name. */
  readonly volumes: ReadonlyMap<string, JsonValue>;
  readonly wanted: JsonObject & { readonly name: string };
  readonly mountPath: string;
  /** Of the plan. */
  readonly accepted: Plan['accepted'];
};

/** `this`: by the wanted volume; `other`: the same token by another one. */
export type FoundMount = { readonly state: 'missing' | 'this' | 'other' } | Obstacle;

export type Obstacle = {
  readonly state: 'conflict';
  /** In the container. */
  readonly path: JsonPath;
  /** `mounts volume "own" at "/x"`. */
  readonly does: string;
  /** The same with what the volume is; the sentence goes on with who puts what there. */
  readonly detail: string;
};

/** Volumes whose directories are written by the kubelet alone, so that no mount point can be made in them. */
const READ_ONLY_KINDS = ['projected', 'secret', 'configMap', 'downwardAPI', 'image'] as const;

export function findMount(container: JsonObject, wish: WantedMount): FoundMount {
  const { volumes, wanted, mountPath, accepted } = wish;
  for (const [index, mount] of asArray(member(container, 'volumeMounts')).entries()) {
    const there = asString(member(mount, 'mountPath')) ?? '';
    if (there === '' || !isNested(toRealPath(there), toRealPath(mountPath))) continue;
    const volume = asString(member(mount, 'name')) ?? '';
    const found = volumes.get(volume);
    const isWhole = ['subPath', 'subPathExpr'].every((key) => (member(mount, key) ?? '') === '');
    const isSamePlace = toRealPath(there) === toRealPath(mountPath);
    if (isSamePlace && isWhole && (volume === wanted.name || isSameToken(found, wanted, accepted))) {
      // By the directory's other name an image without the link would not find it, and in one with the link a second
      // mount hides the same file.
      if (normalisePath(there) !== normalisePath(mountPath)) continue;
      return { state: volume === wanted.name ? 'this' : 'other' };
    }
    // Runtimes mount the shorter path first, whatever the order in the pod, and make the directory of the longer one in it.
    const isAbove = !isSamePlace && toRealPath(there).length < toRealPath(mountPath).length;
    if (isAbove && !isReadOnly(mount, found)) continue;
    const place = isAbove ? ', which is read-only and above the place where' : ', where';
    return {
      state: 'conflict',
      path: ['volumeMounts', index],
      does: `mounts volume ${quote(volume)} at ${quote(there)}`,
      detail: `mounts volume ${quote(volume)} (${describeVolume(found)}) at ${quote(there)}${place}`,
    };
  }
  for (const [index, device] of asArray(member(container, 'volumeDevices')).entries()) {
    const there = asString(member(device, 'devicePath')) ?? '';
    if (there === '' || !isNested(toRealPath(there), toRealPath(mountPath))) continue;
    const does = `has a device at ${quote(there)}`;
    return { state: 'conflict', path: ['volumeDevices', index], does, detail: `${does}, where` };
  }
  return { state: 'missing' };
}

/**
 * What keeps the plan out of a container that a mesh put into the pod, whose author cannot move its mounts; undefined if
 * nothing does, if it is another container, or if containers are asked for by name.
 */
export function findSidecarObstacle({ name, container }: Container, spec: JsonObject, plan: Plan): string | undefined {
  if (plan.only !== undefined || !isSidecarContainer(name)) return undefined;
  const volumes = indexVolumes(asArray(member(spec, 'volumes')));
  for (const { volume: wanted, mountPath } of plan.mounts) {
    const found = findMount(container, { volumes, wanted, mountPath, accepted: plan.accepted });
    if (found.state === 'conflict') return found.does;
  }
  return undefined;
}

export function indexVolumes(volumes: readonly JsonValue[]): ReadonlyMap<string, JsonValue> {
  return new Map(volumes.map((volume) => [asString(member(volume, 'name')) ?? '', volume]));
}

/** In nearly every image `/var/run` is a link to `/run`. */
function toRealPath(path: string): string {
  return normalisePath(path).replace(/^\/var\/run(?=\/|$)/, '/run');
}

/** True if no directory can be made there for a mount; a volume that is not in the pod is none that can be written. */
function isReadOnly(mount: JsonValue, volume: JsonValue | undefined): boolean {
  if (!isObject(volume) || member(mount, 'readOnly') === true) return true;
  if (READ_ONLY_KINDS.some((kind) => member(volume, kind) !== undefined)) return true;
  return Object.values(volume).some((source) => member(source, 'readOnly') === true);
}
