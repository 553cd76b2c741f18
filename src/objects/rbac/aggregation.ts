/** The labels by which the rules of a ClusterRole become rules of another one. */

import type { JsonObject } from '../json.ts';
import { asArray, isObject, member, stringMembers, toPointer, valueAt } from '../json.ts';

/** A label that adds the rules of the ClusterRole that carries it to another ClusterRole. */
export type Aggregation = {
  /** With its prefix. */
  readonly label: string;
  /** The same for the same labels, and for no others. */
  readonly key: string;
  /** JSON pointer to it. */
  readonly path: string;
  /** The other ClusterRole: `view`. */
  readonly role: string;
};

/**
 * The convention of the API's documentation and of the built-in roles: `PREFIX/aggregate-to-ROLE: "true"`. The
 * aggregation controller writes the union of all roles that carry it into ROLE, and everyone bound to ROLE has it. An
 * `aggregationRule` may select by any other label, which cannot be told from the object that carries it.
 */
const AGGREGATING = /^[^/]+\/aggregate-to-(.+)$/;

/** Hardly a role has more than three; of thousands each would be told by each check. */
const MOST_LABELS = 100;

/** What `object`, a ClusterRole, is added to: one by one for the first hundred labels, and the rest as one. */
export function listAggregations(object: JsonObject): readonly Aggregation[] {
  const found = [...stringMembers(valueAt(object, ['metadata', 'labels']))].flatMap(([label, value]) => {
    const role = value === 'true' ? AGGREGATING.exec(label)?.[1] : undefined;
    return role === undefined ? [] : [{ label, role }];
  });
  const sorted = found.toSorted((one, other) => (one.label < other.label ? -1 : 1));
  const rest = sorted.slice(MOST_LABELS).map(({ label }) => label);
  return sorted.slice(0, MOST_LABELS + 1).map(({ label, role }, index) => ({
    label,
    key: index < MOST_LABELS ? `label ${label}` : `labels ${rest.join(' ')}`,
    path: toPointer(['metadata', 'labels', label]),
    role,
  }));
}

/** True for a ClusterRole whose rules the aggregation controller writes: what stands in it now says little. */
export function isAggregated(object: JsonObject): boolean {
  return isObject(member(object, 'aggregationRule'));
}

/** JSON pointers to the selectors of `object` that select every ClusterRole: those without a requirement. */
export function listOpenSelectors(object: JsonObject): readonly string[] {
  const path = ['aggregationRule', 'clusterRoleSelectors'];
  return asArray(valueAt(object, path)).flatMap((selector, index) =>
    isObject(selector) && isEmpty(member(selector, 'matchLabels')) && isEmpty(member(selector, 'matchExpressions'))
      ? [toPointer([...path, index])]
      : [],
  );
}

function isEmpty(requirements: unknown): boolean {
  return (isObject(requirements) ? Object.keys(requirements) : asArray(requirements)).length === 0;
}
