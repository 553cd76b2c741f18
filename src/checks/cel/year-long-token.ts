import { EXTENDED_EXPIRATION_SECONDS } from '../../objects/tokens.ts';
import type { CelForm } from './define-cel.ts';
import { isDefaultCel, isForApiCel, podBounds, SECONDS, tokenFindingsCel } from './pod-tokens.ts';

const REASON = 'a token that is valid for a year';

export const yearLongToken: CelForm = {
  isForPods: true,
  hasRepeats: true,
  reasons: [REASON],
  bounds: podBounds,
  findings(place, { apiAudiences }) {
    const isExtended = `${SECONDS} == ${EXTENDED_EXPIRATION_SECONDS} && ${isForApiCel(apiAudiences)}`;
    const condition = `${isExtended} && !(${isDefaultCel(place)})`;
    return tokenFindingsCel(place, { condition, why: REASON, pathEnd: '"/expirationSeconds"' });
  },
};
