/** Which level is in force for a mode, in CEL: the same as `policy/level.ts`. */

import { listCel, mapCel, quoteCel, REQUEST_NAMESPACE } from '../checks/cel/cel-text.ts';
import { LEVELS } from '../objects/level.ts';
import type { Levels } from '../policy/configuration.ts';
import { LEVEL_LABELS } from '../policy/labels.ts';
import type { NativeOptions } from './native-options.ts';

/** A string: `off`, `baseline` or `restricted`. */
export function levelCel(mode: keyof Levels, { configuration, level }: NativeOptions): string {
  if (level !== undefined) return quoteCel(level);
  const ofCluster = mode === 'mutate' ? 'off' : configuration.clusterScoped[mode];
  const label = quoteCel(LEVEL_LABELS[mode]);
  const labelled = `namespaceObject.metadata.?labels[?${label}].orValue("")`;
  return `namespaceObject == null ? ${quoteCel(ofCluster)} : ${labelled} in ${listCel(LEVELS)} ? namespaceObject.metadata.labels[${label}] : ${configuredCel(mode, configuration)}`;
}

/** True, in CEL, where the namespace's own label says the level. */
export function isLabelledCel(mode: keyof Levels): string {
  return `(namespaceObject != null && namespaceObject.metadata.?labels[?${quoteCel(LEVEL_LABELS[mode])}].orValue("") in ${listCel(LEVELS)})`;
}

export function configuredCel(mode: keyof Levels, { levels, namespaces }: NativeOptions['configuration']): string {
  // Sorted, as Helm has the keys of a map.
  const own = [...namespaces].toSorted(compareNames).flatMap(([name, some]) => {
    const level = some[mode];
    return level === undefined ? [] : [[name, quoteCel(level)] as const];
  });
  if (own.length === 0) return quoteCel(levels[mode]);
  return `(${REQUEST_NAMESPACE} in ${mapCel(own)} ? ${mapCel(own)}[${REQUEST_NAMESPACE}] : ${quoteCel(levels[mode])})`;
}

function compareNames([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
