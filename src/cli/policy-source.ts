/**
 * The policy in force: the configuration file, read again when it changes. The kubelet swaps a ConfigMap's folder by a
 * symlink, which a watcher of the file does not see, so the text is compared every few seconds.
 */

import type { Clock } from '../kube/clock.ts';
import type { OwnToken } from '../kube/own-token.ts';
import type { Logger } from '../log/logger.ts';
import type { Recorder } from '../metrics/recorder.ts';
import { SCHEME_KEYS } from '../objects/injection-keys.ts';
import type { Configuration } from '../policy/configuration.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import { stateOf } from '../policy/exemption.ts';
import type { Policy } from '../server/judge-review.ts';
import { findClusterFacts } from './cluster-facts.ts';
import type { LoadedConfiguration } from './configuration-file.ts';
import { parseConfiguration, readText } from './configuration-file.ts';

const INTERVAL_MS = 5_000;

export type PolicySource = {
  current(): Policy;
  /** Reads the file again and again until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
};

export type PolicySourceOptions = {
  readonly file: string | undefined;
  readonly first: LoadedConfiguration;
  readonly ownToken: OwnToken | undefined;
  readonly ownNamespace: string;
  readonly release: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: Pick<Recorder, 'configurationReload' | 'configurationCurrent' | 'exemptionEnds'>;
  /** A new version is in force. */
  readonly onChange?: () => void;
  /** Called for a text that differs from the one before, since it takes a while. */
  readonly parse?: typeof parseConfiguration;
};

/** Starts with `first`; an invalid new version is refused, counted and logged once, and the old one stays. */
export function createPolicySource(options: PolicySourceOptions): PolicySource {
  const { file, clock, log, recorder, ownToken, ownNamespace, release, parse = parseConfiguration } = options;
  let { text } = options.first;
  let policy = toPolicy(options.first.configuration);
  /** What the index of this process keeps. */
  const keptKeys = listSchemeKeys(options.first.configuration);
  /**
   * Why the file is not in force, and its text if it could be read: the same text is not parsed again, which takes as long as a
   * hundred reviews, in which nobody is answered.
   */
  let refusal: { readonly text: string | undefined; readonly why: string } | undefined;
  /** Exemptions whose end was told already, with what was told of it. */
  let told = new Map<string, string>();

  /** Each once when it comes near its end, and once when it is there. */
  function watchExemptions(): void {
    const now = clock.now();
    const ends = policy.configuration.exemptions.filter(({ lastDay }) => lastDay !== undefined);
    recorder.exemptionEnds(ends);
    const telling = new Map<string, string>();
    for (const exemption of ends) {
      const { name: exemptionName, lastDay: until, owner } = exemption;
      const state = stateOf(exemption, now);
      if (state === 'in force') continue;
      telling.set(exemptionName, `${state} ${until}`);
      if (told.get(exemptionName) === telling.get(exemptionName)) continue;
      const fields = { exemption: exemptionName, owner, until };
      if (state === 'ending') log.warn(fields, 'an exemption ends soon');
      else log.warn(fields, 'an exemption has ended: what it removed is denied and warned about again');
    }
    told = telling;
  }

  function toPolicy(configuration: Configuration): Policy {
    return { configuration, ownNamespace, release, cluster: findClusterFacts(configuration, ownToken).facts };
  }

  async function reload(watched: string): Promise<void> {
    let read: string | undefined;
    try {
      read = await readText(watched);
      if (read === refusal?.text) {
        recorder.configurationCurrent(false);
        return;
      }
      const loaded = read === text ? undefined : parse(watched, read);
      // Also when the old text is back: the same mistake made once more is told once more.
      refusal = undefined;
      recorder.configurationCurrent(true);
      if (loaded === undefined) return;
      ({ text } = loaded);
      policy = toPolicy(loaded.configuration);
      recorder.configurationReload('accepted');
      log.info({ file }, 'the new configuration is in force');
      options.onChange?.();
      const keys = [...listSchemeKeys(loaded.configuration)].filter(
        (key) => !keptKeys.has(key) && !SCHEME_KEYS.has(key),
      );
      if (keys.length > 0)
        log.warn({ file, keys }, 'its presets read keys that are not kept until Curfew starts again');
    } catch (error) {
      recorder.configurationCurrent(false);
      const why = error instanceof Error ? error.message : 'unknown error';
      const isTold = why === refusal?.why;
      refusal = { text: read === text ? undefined : read, why };
      if (isTold) return;
      recorder.configurationReload('refused');
      log.error({ file, problem: why }, 'the new configuration is not valid; the old one stays in force');
    }
  }

  watchExemptions();
  return {
    current: () => policy,
    run: async (signal) => {
      if (file === undefined) return;
      while (!signal.aborted) {
        await clock.sleep(INTERVAL_MS, signal);
        if (signal.aborted) return;
        await reload(file);
        watchExemptions();
      }
    },
  };
}
