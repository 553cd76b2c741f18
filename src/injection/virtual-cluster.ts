/**
 * Pods that a virtual cluster makes on its host. vCluster's syncer copies the annotations of the pod inside, ours among
 * them, and puts a token of the virtual cluster, from an annotation or a Secret, in the place of each
 * `serviceAccountToken` (pkg/controllers/resources/pods/translate). What Curfew finds there under its own names is then
 * another cluster's: to make it anew would swap the identity of the workload, and to take it out would leave it with none.
 */

import type { JsonObject, JsonValue } from '../objects/json.ts';
import { asArray, asString, isObject, member, stringMembers, valueAt } from '../objects/json.ts';
import type { Ask } from './asks.ts';
import { TRIGGERED } from './asks.ts';
import type { Recorded } from './record.ts';
import type { CompetitionNote } from './stand-back.ts';
import { toVolumeName } from './volume-name.ts';

/** The syncer writes the pod's name inside into one of these, by release. */
const MARKS = ['vcluster.loft.sh/name', 'vcluster.loft.sh/object-name'] as const;

/**
 * True if what the record has as ours is none of our making: we make volumes with a token in them, and those of the
 * downward API for credential files. So it is not ours any more, or never was, whoever wrote the record.
 */
export function isRewritten({ volumes }: Pick<Recorded, 'volumes'>, pod: JsonObject): boolean {
  return listVolumes(pod).some((volume) => {
    const isMade = isObject(member(volume, 'projected'))
      ? !isTokenless(volume)
      : isObject(member(volume, 'downwardAPI'));
    return !isMade && volumes.has(asString(member(volume, 'name')) ?? '');
  });
}

/**
 * Leaves out what the pod inside asked for and has. What the host's own account or namespace asks for is another token, of
 * another account, so that a volume in its way is a conflict as everywhere.
 */
export function leaveToVirtualCluster(
  asks: readonly Ask[],
  pod: JsonObject,
): { readonly asks: readonly Ask[]; readonly notes: readonly CompetitionNote[] } {
  const annotations = stringMembers(valueAt(pod, ['metadata', 'annotations']));
  if (!MARKS.some((mark) => annotations.has(mark))) return { asks, notes: [] };
  const rewritten = new Set(
    listVolumes(pod)
      .filter(isTokenless)
      .map((volume) => member(volume, 'name')),
  );
  const isServed = (ask: Ask) => ask.isOfPod && rewritten.has(toVolumeName(ask));
  const notes = asks.filter(isServed).map(({ name }) => {
    const note = `token ${name.replace(TRIGGERED, '')} is left as it is: its volume holds the one of the virtual cluster that the pod is from`;
    return { note, isWarning: true };
  });
  return { asks: asks.filter((ask) => !isServed(ask)), notes };
}

function listVolumes(pod: JsonObject): readonly JsonValue[] {
  return asArray(valueAt(pod, ['spec', 'volumes']));
}

function isTokenless(volume: JsonValue): boolean {
  const projected = member(volume, 'projected');
  const sources = asArray(member(projected, 'sources'));
  return isObject(projected) && sources.every((source) => member(source, 'serviceAccountToken') === undefined);
}
