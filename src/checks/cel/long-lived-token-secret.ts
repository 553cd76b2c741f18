import { ACCOUNT_NAME_ANNOTATION, TOKEN_SECRET_TYPE } from '../../objects/views.ts';
import { ACCOUNT_UID, TOKEN_CONTROLLERS } from '../long-lived-token-secret.ts';
import { findingCel, listCel, quoteCel } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';

const REASONS = {
  type: 'a token that never expires',
  account: 'a token minted for another account',
  again: 'a token minted again',
} as const;
const FIX = quoteCel('leave it as it is, or delete it');

export const longLivedTokenSecret: CelForm = {
  reasons: Object.values(REASONS),
  findings({ object, isOld }) {
    const type = findingCel({ key: '"type"', path: '"/type"', why: REASONS.type });
    const minting = [
      changed(ACCOUNT_NAME_ANNOTATION, '"account-name"'),
      changed(ACCOUNT_UID, '"account-uid"'),
      `(size(oldObject.?data[?"token"].orValue("")) > 0 && size(object.?data[?"token"].orValue("")) == 0 ? [${findingCel({ key: '"token-removed"', path: '"/type"', why: REASONS.again, fix: FIX })}] : [])`,
    ];
    const isByAnother = `request.operation == "UPDATE" && !(request.userInfo.username in ${listCel(TOKEN_CONTROLLERS)})`;
    const more = isOld ? '' : ` + (${isByAnother} ? ${minting.join(' + ')} : [])`;
    return `${object}.?type.orValue("") == ${quoteCel(TOKEN_SECRET_TYPE)} ? [[${type}]${more}] : []`;
  },
};

/** Found where the stored annotation has another value now, or none. */
function changed(annotation: string, key: string): string {
  const before = `oldObject.metadata.?annotations[?${quoteCel(annotation)}]`;
  const after = `object.metadata.?annotations[?${quoteCel(annotation)}]`;
  const path = `(size(object.metadata.?annotations.orValue({})) == 0 ? "/type" : "/metadata/annotations")`;
  const finding = findingCel({ key, path, why: REASONS.account, fix: FIX });
  return `(${before}.hasValue() && ${after} != ${before} ? [${finding}] : [])`;
}
