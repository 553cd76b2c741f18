import { isObject, member } from '../../objects/json.ts';
import type { ActiveLevel } from '../../objects/level.ts';
import { DAPR_SENTRY, INJECTED_LIMITS } from '../../objects/token-limits.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../../objects/tokens.ts';
import { LEVEL_SECONDS } from '../token-lifetime.ts';
import { mapCel, quoteCel } from './cel-text.ts';
import type { CelForm } from './define-cel.ts';
import { AUDIENCE, isDefaultCel, isForApiCel, podBounds, SECONDS, tokenFindingsCel } from './pod-tokens.ts';

const REASON = 'a token that lives too long';

export const tokenLifetime: CelForm = {
  isForPods: true,
  hasRepeats: true,
  reasons: [REASON],
  bounds: podBounds,
  findings(place, { options, apiAudiences }) {
    const own = member(options, 'audiences');
    const limit = limitsCel(place.level, isObject(own) ? own : {});
    const isExtended = `(${SECONDS} == ${EXTENDED_EXPIRATION_SECONDS} && ${isForApiCel(apiAudiences)})`;
    const condition = `${SECONDS} > ${limit} && !${isExtended} && !(${isDefaultCel(place)})`;
    const pathEnd = '(has(s.serviceAccountToken.expirationSeconds) ? "/expirationSeconds" : "")';
    const fix = `"write expirationSeconds: " + string(${limit})`;
    return tokenFindingsCel(place, { condition, why: REASON, pathEnd, fix });
  },
};

/** The limit of an audience, by default that of the source `s`, at a level, as `limitOf` has it: the administrator's word, else the level's or a wider one. */
export function limitsCel(level: string, own: Readonly<Record<string, unknown>>, audience: string = AUDIENCE): string {
  const at = (name: ActiveLevel) => {
    const seconds = LEVEL_SECONDS[name];
    const wider = [...INJECTED_LIMITS].filter(([audience, most]) => most > seconds && !Object.hasOwn(own, audience));
    const limits = [...wider, ...Object.entries(own)].map(([key, value]) => [key, String(value)] as const);
    const dapr = Math.max(seconds, INJECTED_LIMITS.get('dapr.io/sentry') ?? 0);
    const rest =
      dapr === seconds
        ? String(seconds)
        : `(${audience}.matches(${quoteCel(DAPR_SENTRY.source)}) ? ${dapr} : ${seconds})`;
    if (limits.length === 0) return rest;
    return `(${audience} in ${mapCel(limits)} ? ${mapCel(limits)}[${audience}] : ${rest})`;
  };
  return `(${level} == "baseline" ? ${at('baseline')} : ${at('restricted')})`;
}
