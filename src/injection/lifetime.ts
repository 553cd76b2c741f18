/** How long a token of a plan lives, in seconds: what our annotation says, else the scheme's, else the preset. */

import { quote } from '../objects/text.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { Ask, InjectionSettings, World } from './asks.ts';
import { limitsOf } from './asks.ts';
import type { PlanProblem } from './parameters.ts';

const DEFAULT_SECONDS = 3600;

export function chooseSeconds(ask: Ask, world: World, settings: InjectionSettings): number | PlanProblem {
  const { token, preset, origin } = ask;
  const { minSeconds, maxSeconds } = limitsOf(preset, settings);
  if (minSeconds > settings.maxExpirationSeconds) {
    const problem = `preset ${token.preset} takes no less than ${minSeconds} s, and the administrator’s limit is ${settings.maxExpirationSeconds} s`;
    return { origin, problem, fix: 'ask the administrator to raise mutations.inject-token.maxExpirationSeconds' };
  }
  const clamp = (seconds: number) => {
    const within = Math.min(Math.max(seconds, minSeconds), maxSeconds);
    return within === EXTENDED_EXPIRATION_SECONDS ? DEFAULT_SECONDS : within;
  };
  if (token.expirationSeconds !== undefined) return token.expirationSeconds;
  const usual = clamp(preset?.expirationSeconds ?? DEFAULT_SECONDS);
  if (preset?.expiration === undefined) return usual;
  const { annotation, whenInvalid, whenOutOfRange } = preset.expiration;
  for (const text of listTexts(annotation, world)) {
    // As the schemes' webhooks parse it (strconv.ParseInt): a sign may be there.
    const isNumber = /^[+-]?[0-9]{1,15}$/.test(text);
    if (!isNumber && whenInvalid === 'ignore') continue;
    const isAllowed = isNumber && Number(text) >= minSeconds && Number(text) <= maxSeconds;
    if (isAllowed || (isNumber && whenOutOfRange === 'clamp')) return clamp(Number(text));
    if ((isNumber ? whenOutOfRange : whenInvalid) === 'default') return usual;
    return {
      origin,
      problem: `annotation ${annotation} is ${quote(text)}; allowed: ${minSeconds} to ${maxSeconds} seconds`,
      fix: `set ${annotation} to a number of seconds from ${minSeconds} to ${maxSeconds}`,
    };
  }
  return usual;
}

/** The pod's annotation wins over its account's; an empty one says nothing. */
function listTexts(annotation: string, { annotations, account }: World): readonly string[] {
  const ofAccount = account.state === 'found' ? account.value.annotations.get(annotation) : undefined;
  return [annotations.get(annotation) ?? '', ofAccount ?? ''].filter((text) => text !== '');
}
