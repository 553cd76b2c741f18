import { BOOTSTRAP_TOKEN_TYPE, NAMESPACE } from '../bootstrap-token-expiration.ts';
import { findingCel, quoteCel, REQUEST_NAMESPACE } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';

const REASON = 'a bootstrap token that never expires';

export const bootstrapTokenExpiration: CelForm = {
  reasons: [REASON],
  left: 'what the expiration says, which the API server holds in base64 that CEL does not decode: one that is there is enough',
  findings({ object }) {
    const expiration = `${object}.?data[?"expiration"]`;
    const path = `(${expiration}.hasValue() ? "/data/expiration" : "/type")`;
    const isToken = `${REQUEST_NAMESPACE} == ${quoteCel(NAMESPACE)} && ${object}.?type.orValue("") == ${quoteCel(BOOTSTRAP_TOKEN_TYPE)}`;
    const isEmpty = `(!${expiration}.hasValue() || size(${expiration}.value()) == 0)`;
    return `${isToken} && ${isEmpty} ? [[${findingCel({ key: '"none"', path, why: REASON })}]] : []`;
  },
};
