/** The containers of a pod spec, of all three kinds, and what they mount. */

import type { JsonObject, JsonPath } from './json.ts';
import { asArray, asString, isObject, member } from './json.ts';

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export type Container = {
  /** Path in the pod spec: `['containers', 0]`. */
  readonly path: JsonPath;
  readonly name: string;
  readonly container: JsonObject;
};

export type VolumeMount = {
  readonly container: string;
  /** Path in the pod spec: `['containers', 0, 'volumeMounts', 1]`. */
  readonly path: JsonPath;
  readonly mountPath: string;
};

/** Init containers (native sidecars are among them), containers, ephemeral containers, in this order. */
export function listContainers(spec: JsonObject): readonly Container[] {
  return CONTAINER_LISTS.flatMap((list) =>
    asArray(member(spec, list)).flatMap((container, index) =>
      isObject(container) ? [{ path: [list, index], name: asString(member(container, 'name')) ?? '', container }] : [],
    ),
  );
}

/** Every mount of the volume `volume`, in the order of the containers. */
export function listMounts(spec: JsonObject, volume: string): readonly VolumeMount[] {
  return listContainers(spec).flatMap(({ path, name, container }) =>
    asArray(member(container, 'volumeMounts')).flatMap((mount, index) =>
      member(mount, 'name') === volume
        ? [
            {
              container: name,
              path: [...path, 'volumeMounts', index],
              mountPath: asString(member(mount, 'mountPath')) ?? '',
            },
          ]
        : [],
    ),
  );
}
