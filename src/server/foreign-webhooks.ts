/**
 * Says which presets a foreign webhook competes with, when that changes: by a log line and a metric. What one pod makes of
 * it is said in its audit annotation (`injection/stand-back.ts`).
 */

import { toSettings } from '../injection/settings.ts';
import { findForeignWebhooks } from '../injection/stand-back.ts';
import type { ClusterReader } from '../kube/api.ts';
import type { KubeLog } from '../kube/log.ts';
import type { Recorder } from '../metrics/recorder.ts';
import injectToken from '../mutations/inject-token.ts';
import type { Policy } from './judge-review.ts';

export type ForeignWebhookDeps = {
  readonly policy: () => Pick<Policy, 'configuration'>;
  readonly reader: Pick<ClusterReader, 'mutatingWebhooks'>;
  readonly recorder: Pick<Recorder, 'foreignWebhooks'>;
  readonly log: KubeLog;
};

/** Why a preset is, or is not, injected where a webhook of its scheme is registered. */
type Effect = 'stands back' | 'injects beside it' | 'is not triggered';

/** Returns what is to be called whenever the webhook configurations or the policy may have changed. */
export function createForeignWebhookReport({ policy, reader, recorder, log }: ForeignWebhookDeps): () => void {
  /** What was said last of each preset, and of not knowing. */
  let told = new Map<string, string>();
  let toldUnknown: string | undefined;

  return () => {
    const { presets, triggers, besideForeignWebhooks } = toSettings(
      policy().configuration.mutations.get(injectToken.id)?.options ?? {},
    );
    const able = [...presets].filter(([, { foreignWebhooks }]) => foreignWebhooks !== undefined);
    const effectOf = (preset: string): Effect => {
      if (!triggers.includes(preset)) return 'is not triggered';
      return besideForeignWebhooks.includes(preset) ? 'injects beside it' : 'stands back';
    };
    const names = reader.mutatingWebhooks();
    if (names.state !== 'found') {
      recorder.foreignWebhooks(undefined);
      const open = able.map(([preset]) => preset).filter((preset) => effectOf(preset) === 'stands back');
      const why = names.state === 'unknown' ? names.why : 'there is no such list';
      const unknown = open.length === 0 ? undefined : `${open.join(', ')}: ${why}`;
      if (unknown !== undefined && unknown !== toldUnknown) {
        log.warn(
          { presets: open, why },
          'not known which webhooks are registered: presets inject as if there were none',
        );
      }
      toldUnknown = unknown;
      return;
    }
    toldUnknown = undefined;
    const met = able.map(([name, preset]) => [name, findForeignWebhooks(preset, names.value)] as const);
    recorder.foreignWebhooks(new Map(met.map(([preset, webhooks]) => [preset, webhooks.length])));
    const telling = new Map<string, string>();
    for (const [preset, webhooks] of met) {
      const effect = effectOf(preset);
      if (webhooks.length > 0) telling.set(preset, `${effect}: ${webhooks.join(', ')}`);
      if (telling.get(preset) === told.get(preset)) continue;
      const fields = { preset, webhooks, effect };
      if (webhooks.length === 0) log.info(fields, 'no foreign webhook serves the scheme of this preset any more');
      else if (effect === 'is not triggered') log.info(fields, 'a foreign webhook serves the scheme of this preset');
      else log.warn(fields, 'a foreign webhook serves the scheme of this preset');
    }
    told = telling;
  };
}
