/**
 * What kubelets ask for, in CEL: the limits and audiences of the checks of pods, held against the token request that a pod
 * leads to. The webhook is never asked about it, since a kubelet that waits for a webhook starts no pods.
 */

import { asArray, isObject, member } from '../../objects/json.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../../objects/tokens.ts';
import { findingCel, listCel } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';
import { limitsCel } from './token-lifetime.ts';
import { isBoundToPodCel, MOST_AUDIENCES } from './token-requests.ts';

const AUDIENCES = 'object.spec.?audiences.orValue([])';
const SECONDS = 'object.spec.?expirationSeconds.orValue(0)';

const LONG = 'a token that lives too long';
const NOT_LISTED = 'an audience that is not on the list';

const bounds: CelForm['bounds'] = () => [{ count: `size(${AUDIENCES})`, most: MOST_AUDIENCES, noun: 'audiences' }];

/** With the options of `token-lifetime`; the default token of a pod, which asks for 3607 seconds, is not judged here either. */
const nodeTokenLifetime: CelForm = {
  reasons: [LONG],
  bounds,
  findings({ level }, { options, apiAudiences }) {
    const own = member(options, 'audiences');
    // Validation sees the audiences of the API server where the pod names none.
    const ofNone = limitsCel(level, {}, '""');
    const ofOne = limitsCel(level, isObject(own) ? own : {}, 'a');
    const each = `a in ${listCel(apiAudiences)} ? [${ofNone}, ${ofOne}].max() : ${ofOne}`;
    const limit = `(size(${AUDIENCES}) == 0 ? ${ofNone} : ${AUDIENCES}.map(a, ${each}).min())`;
    const isDefault = `(${SECONDS} == ${EXTENDED_EXPIRATION_SECONDS} && ${isBoundToPodCel('object', apiAudiences)})`;
    const finding = findingCel({
      key: '"lifetime"',
      path: '"/spec/expirationSeconds"',
      why: LONG,
      fix: `"write expirationSeconds: " + string(${limit}) + " or less in the pod"`,
    });
    return `${SECONDS} > ${limit} && !${isDefault} ? [[${finding}]] : []`;
  },
};

/** With the list of `token-audience`; without one there is nothing to find. */
const nodeTokenAudience: CelForm = {
  reasons: [NOT_LISTED],
  bounds,
  findings(_place, { options, apiAudiences }) {
    const allowed = asArray(member(options, 'allowed')).filter((one) => typeof one === 'string');
    if (allowed.length === 0) return undefined;
    const finding = findingCel({
      key: '"not-listed"',
      path: '"/spec/audiences"',
      why: NOT_LISTED,
      fix: '"write one that is on it in the pod"',
    });
    return `${AUDIENCES}.exists(a, !(a in ${listCel([...allowed, ...apiAudiences])})) ? [[${finding}]] : []`;
  },
};

/** By the check of pods whose limits they hold kubelets to. */
export const NODE_FORMS: ReadonlyMap<string, CelForm> = new Map([
  ['token-lifetime', nodeTokenLifetime],
  ['token-audience', nodeTokenAudience],
]);
