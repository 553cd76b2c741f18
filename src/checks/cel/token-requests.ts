/** The three checks of token requests, in CEL. */

import { formatDuration } from '../../objects/duration.ts';
import { asArray, isObject, member } from '../../objects/json.ts';
import type { ActiveLevel } from '../../objects/level.ts';
import { EXTENDED_SECONDS } from '../../objects/token-request.ts';
import { DEFAULT_EXPIRATION_SECONDS, EXTENDED_EXPIRATION_SECONDS } from '../../objects/tokens.ts';
import { nameShort } from '../token-request-audience.ts';
import { UNBOUND_SECONDS } from '../token-request-binding.ts';
import { LEVEL_SECONDS } from '../token-request-lifetime.ts';
import { findingCel, listCel, mapCel, quoteCel } from './cel-text.ts';
import type { CelForm, CelPlace, CelSettings } from './define-cel.ts';

export const MOST_AUDIENCES = 100;

const audiencesOf = ({ object }: Pick<CelPlace, 'object'>) => `${object}.spec.?audiences.orValue([])`;
const secondsOf = ({ object }: CelPlace) => `${object}.spec.?expirationSeconds.orValue(${DEFAULT_EXPIRATION_SECONDS})`;
/** Null where nobody set it. */
const isBound = ({ object }: Pick<CelPlace, 'object'>) =>
  `(has(${object}.spec.boundObjectRef) && ${object}.spec.boundObjectRef != null)`;
const bounds: CelForm['bounds'] = (place) => [
  { count: `size(${audiencesOf(place)})`, most: MOST_AUDIENCES, noun: 'audiences' },
];

/** True for a token of a pod that is for the API alone; audiences are null where a mutation sees a request without any. */
export function isBoundToPodCel(object: string, apiAudiences: readonly string[]): string {
  const place = { object };
  const isForApi = `(!has(${object}.spec.audiences) || ${object}.spec.audiences == null || ${audiencesOf(place)}.all(a, a in ${listCel(apiAudiences)}))`;
  return `${isBound(place)} && ${object}.spec.boundObjectRef.?kind.orValue("") == "Pod" && ${isForApi}`;
}

const LIFETIME = { year: 'a token that is valid for a year', long: 'a token that lives too long' } as const;

export const tokenRequestLifetime: CelForm = {
  reasons: Object.values(LIFETIME),
  bounds,
  variables: (place, { apiAudiences }) => [
    [
      'extended',
      `${secondsOf(place)} == ${EXTENDED_EXPIRATION_SECONDS} && ${isBoundToPodCel(place.object, apiAudiences)}`,
    ],
  ],
  findings(place, settings) {
    const extended = place.own('extended');
    const limit = `(${place.level} == "baseline" ? ${limitCel(place, settings, 'baseline')} : ${limitCel(place, settings, 'restricted')})`;
    // The words of every limit that there may be: the policy knows them all when it is rendered.
    const limits = [...new Set(listLimits(settings))];
    const inWords = (most: (limit: number) => number, end: string) =>
      `{${limits.map((one) => `${one}: ${quoteCel(`ask for --duration ${formatDuration(most(one))}${end}`)}`).join(', ')}}[${limit}]`;
    const finding = (isYear: boolean) =>
      findingCel({
        key: '"lifetime"',
        path: '"/spec/expirationSeconds"',
        why: isYear ? LIFETIME.year : LIFETIME.long,
        fix: isYear
          ? inWords((one) => Math.min(one, DEFAULT_EXPIRATION_SECONDS), '')
          : inWords((one) => one, ' or less'),
      });
    return `(${extended} ? ${EXTENDED_SECONDS} : ${secondsOf(place)}) <= ${limit} ? [] : ${extended} ? [[${finding(true)}]] : [[${finding(false)}]]`;
  },
};

function levelSeconds({ options }: CelSettings, level: ActiveLevel): number {
  const own = member(member(options, 'maxSeconds'), level);
  return typeof own === 'number' ? own : LEVEL_SECONDS[level];
}

function ownLimits({ options }: CelSettings): readonly (readonly [string, number])[] {
  const own = member(options, 'audiences');
  return isObject(own)
    ? Object.entries(own).flatMap(([key, value]) => (typeof value === 'number' ? [[key, value] as const] : []))
    : [];
}

function listLimits(settings: CelSettings): readonly number[] {
  const levels = [levelSeconds(settings, 'baseline'), levelSeconds(settings, 'restricted')];
  return [...levels, ...ownLimits(settings).map(([, seconds]) => seconds)];
}

/** The shortest of the limits of the request's audiences; without one, of those of the API server. */
function limitCel(place: CelPlace, settings: CelSettings, level: ActiveLevel): string {
  const own = ownLimits(settings);
  const seconds = levelSeconds(settings, level);
  if (own.length === 0) return String(seconds);
  const table = mapCel(own.map(([audience, limit]) => [audience, String(limit)] as const));
  const ofApi = Math.min(...settings.apiAudiences.map((audience) => new Map(own).get(audience) ?? seconds));
  return `(size(${audiencesOf(place)}) == 0 ? ${settings.apiAudiences.length === 0 ? seconds : ofApi} : ${audiencesOf(place)}.map(a, a in ${table} ? ${table}[a] : ${seconds}).min())`;
}

const AUDIENCE = 'an audience that is not allowed';

export const tokenRequestAudience: CelForm = {
  reasons: [AUDIENCE],
  bounds,
  left: 'tokens for the Kubernetes API, which are right for an account whose live service account documents the need; with no list of allowed audiences (checks.token-request-audience.allowed) there is no policy',
  findings(place, { options, apiAudiences }) {
    const allowed = asArray(member(options, 'allowed')).filter((one) => typeof one === 'string');
    if (allowed.length === 0) return undefined;
    const finding = findingCel({
      key: '"not-listed"',
      path: '"/spec/audiences"',
      why: AUDIENCE,
      fix: quoteCel(`allowed: ${nameShort(allowed)}`),
    });
    return `${audiencesOf(place)}.exists(a, !(a in ${listCel([...allowed, ...apiAudiences])})) ? [[${finding}]] : []`;
  },
};

const UNBOUND = 'a long token bound to nothing';

export const tokenRequestBinding: CelForm = {
  reasons: [UNBOUND],
  findings(place, { options }) {
    const own = member(options, 'unboundMaxSeconds');
    const most = typeof own === 'number' ? own : UNBOUND_SECONDS;
    const finding = findingCel({
      key: '"unbound"',
      path: `(has(${place.object}.spec.boundObjectRef) ? "/spec/boundObjectRef" : "/spec")`,
      why: UNBOUND,
      fix: quoteCel(`ask for --duration ${formatDuration(most)} or less, or bind it`),
    });
    return `!${isBound(place)} && ${secondsOf(place)} > ${most} ? [[${finding}]] : []`;
  },
};
