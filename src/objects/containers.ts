/** The containers of a pod spec, of all three kinds, and what they mount. */

import type { JsonObject, JsonPath } from './json.ts';
import { asArray, asString, isObject, member } from './json.ts';

/** Members of a pod spec. */
export const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export type Container = {
  /** Path in the pod spec: `['containers', 0]`. */
  readonly path: readonly [list: string, index: number];
  readonly name: string;
  readonly container: JsonObject;
};

export type VolumeMount = {
  readonly container: string;
  /** Path in the pod spec: `['containers', 0, 'volumeMounts', 1]`. */
  readonly path: JsonPath;
  readonly mountPath: string;
  /** Its name. */
  readonly volume: string;
};

/** Init containers (native sidecars are among them), containers, ephemeral containers, in this order. */
export function listContainers(spec: JsonObject): readonly Container[] {
  const found: Container[] = [];
  for (const list of CONTAINER_LISTS) {
    const containers = asArray(member(spec, list));
    // Counted, here and wherever every review passes: `entries()` makes a pair of each element.
    for (let index = 0; index < containers.length; index += 1) {
      const container = containers[index];
      if (!isObject(container)) continue;
      found.push({ path: [list, index], name: asString(member(container, 'name')) ?? '', container });
    }
  }
  return found;
}

/**
 * Every mount, by the volume's name, in the order of the containers. Made once for a spec: an object of 1.5 MB has room
 * for thousands of volumes and mounts, and looking each volume's mounts up anew would cost their product.
 */
export function groupMounts(spec: JsonObject): ReadonlyMap<string, readonly VolumeMount[]> {
  const groups = new Map<string, VolumeMount[]>();
  for (const mount of listMounts(spec)) {
    const group = groups.get(mount.volume);
    if (group === undefined) groups.set(mount.volume, [mount]);
    else group.push(mount);
  }
  return groups;
}

/**
 * Mounts in the order of the containers.
 *
 * @param ofVolumes - names; by default every volume's
 */
export function listMounts(spec: JsonObject, ofVolumes?: ReadonlySet<string>): readonly VolumeMount[] {
  const found: VolumeMount[] = [];
  for (const { path, name, container } of listContainers(spec)) {
    // Its steps one by one: an array that another one is spread into has room for a dozen more.
    const [list, place] = path;
    const mounts = asArray(member(container, 'volumeMounts'));
    for (let index = 0; index < mounts.length; index += 1) {
      const mount = mounts[index];
      const volume = asString(member(mount, 'name'));
      if (volume === undefined || ofVolumes?.has(volume) === false) continue;
      const mountPath = asString(member(mount, 'mountPath')) ?? '';
      found.push({ container: name, path: [list, place, 'volumeMounts', index], mountPath, volume });
    }
  }
  return found;
}
