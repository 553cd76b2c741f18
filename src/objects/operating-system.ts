/** Whether a pod will run on Windows, as far as its spec says so. */

import type { JsonObject } from './json.ts';
import { asArray, member, valueAt } from './json.ts';

const LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'];
const WINDOWS = 'windows';

/** By `spec.os`, else by the node selector, else by a required node affinity that leaves nothing but Windows. */
export function isForWindows(spec: JsonObject): boolean {
  const os = valueAt(spec, ['os', 'name']);
  if (os !== undefined) return os === WINDOWS;
  const selected = LABELS.map((label) => member(member(spec, 'nodeSelector'), label)).find(
    (name) => name !== undefined,
  );
  if (selected !== undefined) return selected === WINDOWS;
  const required = ['affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution', 'nodeSelectorTerms'];
  // Terms are alternatives: each of them must say Windows.
  const terms = asArray(valueAt(spec, required));
  return terms.length > 0 && terms.every((term) => asArray(member(term, 'matchExpressions')).some(isWindowsAlone));
}

function isWindowsAlone(expression: unknown): boolean {
  const values = asArray(member(expression, 'values'));
  return (
    LABELS.some((label) => label === member(expression, 'key')) &&
    member(expression, 'operator') === 'In' &&
    values.length > 0 &&
    values.every((value) => value === WINDOWS)
  );
}
