/**
 * Leaves a pod to the webhook of the scheme where one is registered: two that inject the same token overwrite each other,
 * or the second one refuses the pod (STACKIT's webhook does, since the volume is there already).
 */

import { matchesAny } from '../objects/glob.ts';
import { joinNames } from '../objects/text.ts';
import type { Preset } from '../presets/format.ts';
import type { Ask, InjectionSettings, World } from './asks.ts';
import { findTrigger, TRIGGERED } from './asks.ts';

export type Competition = {
  /** What is still to be injected. */
  readonly asks: readonly Ask[];
  readonly notes: readonly CompetitionNote[];
};

export type CompetitionNote = {
  readonly note: string;
  readonly isWarning?: boolean;
  /** Nothing was injected, because a foreign webhook does. */
  readonly standsBack?: boolean;
};

/** Those of `names` (webhook configurations) that serve the scheme of this preset. */
export function findForeignWebhooks(
  { foreignWebhooks = [] }: Pick<Preset, 'foreignWebhooks'>,
  names: readonly string[],
): readonly string[] {
  return names.filter((name) => matchesAny(foreignWebhooks, name));
}

/**
 * Drops what only the scheme's own annotations ask for where the scheme's own webhook does it. Our annotation is
 * somebody's explicit wish, and holds; if the foreign webhook is asked too, the author is told.
 *
 * @param injected - names of the tokens that the pod has from us already. They stay ours: a webhook that was registered
 * between the rounds of one request is not called for it any more
 */
export function leaveToForeignWebhooks(
  asks: readonly Ask[],
  world: World,
  { settings, injected }: { readonly settings: InjectionSettings; readonly injected: ReadonlySet<string> },
): Competition {
  const kept: Ask[] = [];
  const notes: CompetitionNote[] = [];
  for (const ask of asks) {
    const outcome = injected.has(ask.name) ? undefined : judge(ask, world, settings);
    if (outcome !== undefined) notes.push(outcome);
    if (outcome?.standsBack !== true) kept.push(ask);
  }
  return { asks: kept, notes };
}

function judge(ask: Ask, world: World, settings: InjectionSettings): CompetitionNote | undefined {
  const { name, origin, preset, token } = ask;
  const { mutatingWebhooks } = world;
  const id = token.preset ?? '';
  if (preset?.foreignWebhooks === undefined || settings.besideForeignWebhooks.includes(id)) return undefined;
  const isTriggered = name.startsWith(TRIGGERED);
  if (mutatingWebhooks.state !== 'found') {
    // Whoever asks by our annotation gets the token anyway, so for him nothing is open.
    if (!isTriggered) return undefined;
    const why = mutatingWebhooks.state === 'unknown' ? mutatingWebhooks.why : 'there is no such list';
    return { note: `preset ${id} injects, not knowing whether a webhook of its scheme is registered: ${why}` };
  }
  const webhooks = findForeignWebhooks(preset, mutatingWebhooks.value);
  if (webhooks.length === 0) return undefined;
  const servant = `is served by ${joinNames('MutatingWebhookConfiguration', webhooks)}`;
  if (isTriggered) return { note: `preset ${id} stands back: ${origin.name} ${servant}`, standsBack: true };
  const trigger = findTrigger(preset, world);
  if (trigger === undefined) return undefined;
  const note = `${origin.name} and ${trigger.name}, which ${servant}, ask for the same token; take one of them away`;
  return { note, isWarning: true };
}
