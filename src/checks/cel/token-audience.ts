import { asArray, member } from '../../objects/json.ts';
import { listCel } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';
import { AUDIENCE, isDefaultCel, podBounds, tokenFindingsCel } from './pod-tokens.ts';

const REASON = 'an audience that is not on the list';

export const tokenAudience: CelForm = {
  isForPods: true,
  hasRepeats: true,
  reasons: [REASON],
  bounds: podBounds,
  left: 'a second token for the Kubernetes API, which is one only where the live service account documents the need of the first; with no list of allowed audiences (checks.token-audience.allowed) there is no policy',
  findings(place, { options, apiAudiences }) {
    const allowed = asArray(member(options, 'allowed')).filter((one) => typeof one === 'string');
    if (allowed.length === 0) return undefined;
    const condition = `!(${AUDIENCE} in ${listCel(['', ...apiAudiences, ...allowed])}) && !(${isDefaultCel(place)})`;
    return tokenFindingsCel(place, {
      condition,
      why: REASON,
      pathEnd: '"/audience"',
      fix: '"write one that is on it"',
    });
  },
};
