/** How long a token of a plan lives, in seconds: what our annotation says, else the scheme's, else the preset. */

import { MIN_EXPIRATION_SECONDS } from '../objects/api-token-expiration.ts';
import { member } from '../objects/json.ts';
import { findController } from '../objects/owner.ts';
import { quote } from '../objects/text.ts';
import { limitOf } from '../objects/token-limits.ts';
import { EXTENDED_EXPIRATION_SECONDS } from '../objects/tokens.ts';
import type { Ask, InjectionSettings, World } from './asks.ts';
import { limitsOf, TRIGGERED } from './asks.ts';
import type { LifetimeRange } from './content.ts';
import type { PlanProblem } from './parameters.ts';
import { keyOf } from './parameters.ts';

const DEFAULT_SECONDS = 3600;

export type Lifetime = {
  readonly seconds: number;
  /** Nobody asked for one, so the pod may have another: whatever is not refused, a day of a scheme's webhook too. */
  readonly accepted?: LifetimeRange;
  /** What the author should know: another lifetime was asked for. */
  readonly notes: readonly string[];
};

/** What somebody asks for is bounded by what would be refused; what nobody asks for by all that is in force too. */
export function chooseLifetime(
  ask: Ask,
  world: World,
  { settings, audience }: { readonly settings: InjectionSettings; readonly audience: string },
): Lifetime | PlanProblem {
  const { preset, origin, isOfCluster } = ask;
  // What the configuration gives to every pod is nobody's wish there: it keeps to the limits, and refuses no pod.
  const asked = isOfCluster ? undefined : ask.token.expirationSeconds;
  const { token } = ask;
  const { minSeconds, maxSeconds: most } = limitsOf(preset, settings);
  if (minSeconds > settings.maxExpirationSeconds) {
    const problem = `preset ${token.preset} takes no less than ${minSeconds} s, and the administrator’s limit is ${settings.maxExpirationSeconds} s`;
    return { origin, problem, fix: 'ask the administrator to raise mutations.inject-token.maxExpirationSeconds' };
  }
  const { enforced, inForce } = settings.lifetimes;
  const enforcedSeconds = enforced === undefined ? most : limitOf({ audience }, enforced);
  const here = `for audience ${quote(audience)} here, by the check token-lifetime`;
  if (minSeconds > enforcedSeconds) {
    const problem = `preset ${token.preset} takes no less than ${minSeconds} s, and the limit ${here}, is ${enforcedSeconds} s`;
    return { origin, problem, fix: 'ask the administrator to raise the limit under checks.token-lifetime.audiences' };
  }
  const maxSeconds = Math.min(most, enforcedSeconds);
  if (asked !== undefined) {
    if (asked <= maxSeconds) return { seconds: asked, notes: [] };
    const problem = `expiration is ${asked} seconds; allowed ${here}: ${minSeconds} to ${maxSeconds} seconds`;
    return { origin, problem, fix: `write expiration: ${maxSeconds}, or less, in ${keyOf(ask)}` };
  }
  const clamp = (seconds: number, longest = maxSeconds) => {
    const within = Math.max(Math.min(seconds, longest), minSeconds);
    return within === EXTENDED_EXPIRATION_SECONDS ? DEFAULT_SECONDS : within;
  };
  // Shorter by jitter than what is clamped, so that the limit does not take the spreading away.
  const unasked = clamp(
    token.expirationSeconds ?? preset?.expirationSeconds ?? DEFAULT_SECONDS,
    Math.min(maxSeconds, ...inForce.map((one) => limitOf({ audience }, one))),
  );
  const usual: Lifetime = {
    seconds: clamp(spread(unasked, { ask, world, settings })),
    accepted: { least: MIN_EXPIRATION_SECONDS, most: maxSeconds },
    notes: [],
  };
  return readScheme(ask, world, { usual, clamp, minSeconds, maxSeconds });
}

type SchemeBounds = {
  readonly usual: Lifetime;
  readonly clamp: (seconds: number) => number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
};

/** What the annotation of the preset's own scheme asks for, if there is one; whoever gets another lifetime is told. */
function readScheme(
  { name, preset, origin }: Ask,
  world: World,
  { usual, clamp, minSeconds, maxSeconds }: SchemeBounds,
): Lifetime | PlanProblem {
  if (preset?.expiration === undefined) return usual;
  const { annotation, whenInvalid, whenOutOfRange } = preset.expiration;
  for (const text of listTexts(annotation, world)) {
    // As the schemes' webhooks parse it (strconv.ParseInt): a sign may be there.
    const isNumber = /^[+-]?[0-9]{1,15}$/.test(text);
    if (!isNumber && whenInvalid === 'ignore') continue;
    const isAllowed = isNumber && Number(text) >= minSeconds && Number(text) <= maxSeconds;
    const seen = `annotation ${annotation} is ${quote(text)}; allowed: ${minSeconds} to ${maxSeconds} seconds`;
    const instead = (seconds: number): Lifetime => ({
      seconds,
      notes: [`token ${name.replace(TRIGGERED, '')}: ${seen}; it lives ${seconds} s`],
    });
    if (isAllowed || (isNumber && whenOutOfRange === 'clamp')) {
      const seconds = clamp(Number(text));
      return seconds === Number(text) ? { seconds, notes: [] } : instead(seconds);
    }
    if ((isNumber ? whenOutOfRange : whenInvalid) === 'default') return instead(usual.seconds);
    const fix = `set ${annotation} to a number of seconds from ${minSeconds} to ${maxSeconds}`;
    return { origin, problem: seen, fix };
  }
  return usual;
}

/**
 * A little shorter, by a share that is always the same for one token of one workload: the kubelet renews at 80 % of the
 * lifetime, so pods that start at once, as after an outage, would ask for new tokens at once as well. Nothing of the pod's
 * own name counts: a pod that is made again must be the same (aws/amazon-eks-pod-identity-webhook's random lifetimes made
 * operators that compare pods restart them for ever).
 */
function spread(
  seconds: number,
  { ask, world, settings }: { readonly ask: Ask; readonly world: World; readonly settings: InjectionSettings },
): number {
  const most = Math.floor((seconds * settings.jitterPercent) / 100);
  if (most === 0) return seconds;
  const owner = findController(world.pod);
  const identity = [world.namespaceName, world.accountName, member(owner, 'kind'), member(owner, 'name'), ask.name];
  return seconds - (hash(JSON.stringify(identity)) % (most + 1));
}

/** FNV-1a of the UTF-16 code units, 32 bits: for spreading, and nothing that must be secret. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}

/** The pod's annotation wins over its account's; an empty one says nothing. */
function listTexts(annotation: string, { annotations, account }: World): readonly string[] {
  const ofAccount = account.state === 'found' ? account.value.annotations.get(annotation) : undefined;
  return [annotations.get(annotation) ?? '', ofAccount ?? ''].filter((text) => text !== '');
}
