/**
 * Match conditions of the guards, in CEL: the API server itself sees whether one of Curfew's own labels changes and
 * whether the caller holds the right for it, so every other change works while Curfew is down. `oldObject` is null on
 * CREATE, and labels that are empty are not there at all: a condition that fails under Fail refuses the request.
 */

import { API_ACCESS_ANNOTATION } from '../objects/api-access.ts';
import { LEVEL_LABELS } from '../policy/labels.ts';

export type MatchCondition = { readonly name: string; readonly expression: string };

type Side = 'object' | 'oldObject';

/** No label can have this value. */
const NOT_SET = '"/"';

const valueOn = (side: Side): string =>
  `(${side} != null && has(${side}.metadata.labels) && key in ${side}.metadata.labels ? ${side}.metadata.labels[key] : ${NOT_SET})`;

export const LEVEL_CHANGED: MatchCondition = {
  name: 'level-changed',
  expression: `${JSON.stringify(Object.values(LEVEL_LABELS))}.exists(key, ${valueOn('object')} != ${valueOn('oldObject')})`,
};

const entriesOn = (side: Side, of: 'labels' | 'annotations'): string =>
  `(has(${side}.metadata.${of}) ? ${side}.metadata.${of} : {})`;

/**
 * Of one that is there already any label or annotation may change what its pods get, and presets of one's own name keys that no
 * expression knows. A new one has them all anew, since one of its name may have been deleted a moment before; without annotations or
 * labels of ours, as nearly all are made, nobody is asked.
 */
export const METADATA_CHANGED: MatchCondition = {
  name: 'metadata-changed',
  expression: [
    'oldObject == null ? has(object.metadata.annotations) || (has(object.metadata.labels) && object.metadata.labels.exists(key, key.startsWith("curfew.dev/")))',
    `${entriesOn('object', 'labels')} != ${entriesOn('oldObject', 'labels')} || ${entriesOn('object', 'annotations')} != ${entriesOn('oldObject', 'annotations')}`,
  ].join(' : '),
};

/** A rule with `resourceNames` allows it for these namespaces alone. */
export const MAY_NOT_RELAX: MatchCondition = {
  name: 'may-not-relax',
  expression: '!authorizer.group("curfew.dev").resource("levels").name(object.metadata.name).check("relax").allowed()',
};

const KEY = JSON.stringify(API_ACCESS_ANNOTATION);

const hasReason = (side: Side): string =>
  `(${side} != null && has(${side}.metadata.annotations) && ${KEY} in ${side}.metadata.annotations)`;

/** Set or changed: what is removed or stays needs nobody's approval. */
export const API_ACCESS_SET: MatchCondition = {
  name: 'api-access-set',
  expression: `${hasReason('object')} && !(${hasReason('oldObject')} && oldObject.metadata.annotations[${KEY}] == object.metadata.annotations[${KEY}])`,
};

/** Here too `resourceNames` are names of namespaces. */
export const MAY_NOT_APPROVE: MatchCondition = {
  name: 'may-not-approve',
  expression:
    '!authorizer.group("curfew.dev").resource("apiaccess").name(request.resource.resource == "namespaces" ? object.metadata.name : request.namespace).check("approve").allowed()',
};
