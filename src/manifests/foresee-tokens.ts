/** What would become of the tokens of a live pod if it were made anew today: the same mutations, applied. */

import { mutate } from '../engine/mutate.ts';
import { effectiveAutomount } from '../objects/automount.ts';
import { serviceAccountOf, specOf } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import type { TokenSource } from '../objects/tokens.ts';
import { listTokenSources } from '../objects/tokens.ts';
import type { JudgeManifestOptions } from './judge-manifest.ts';
import { toWays } from './judge-manifest.ts';

export type ForeseenToken = {
  readonly source: TokenSource;
  /** In seconds, where it is shortened. `gone`: the new pod would not have it. */
  readonly becomes: 'same' | 'gone' | number;
  /** False where the configuration only reports the mutation that it takes. */
  readonly isApplied: boolean;
};

/** @param pod - as it is stored, with the volume that the API server added */
export function foreseeTokens(pod: Subject, options: JudgeManifestOptions): readonly ForeseenToken[] {
  const spec = specOf(pod.object);
  const sources = listTokenSources(spec);
  if (sources.length === 0) return [];
  const { configuration } = options;
  const ways = toWays(pod, {
    ...options,
    configuration: { ...configuration, mutateMode: 'apply', dryRun: false, dryRunInjection: false },
  });
  const { object } = mutate(pod, ways);
  const left = new Map(listTokenSources(specOf(object)).map((source) => [toKey(source), source.expirationSeconds]));
  // Whoever opted out since then is not asked by a pod that has its volume already.
  const account = ways.context.serviceAccount(serviceAccountOf(spec));
  const hasOptedOut = effectiveAutomount(spec, account).mounts === false;
  const isApplied = !configuration.dryRun && (configuration.mutateMode === 'apply' || ways.levels.mutateByLabel);
  return sources.map((source): ForeseenToken => {
    const seconds = left.get(toKey(source));
    if (source.isDefault && hasOptedOut) return { source, becomes: 'gone', isApplied: true };
    if (seconds === undefined) return { source, becomes: 'gone', isApplied };
    return { source, becomes: seconds < source.expirationSeconds ? seconds : 'same', isApplied };
  });
}

function toKey({ volume, file, audience }: TokenSource): string {
  return JSON.stringify([volume, file, audience]);
}
