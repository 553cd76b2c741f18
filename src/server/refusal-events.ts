/**
 * Events on the owners of refused pods, written beside the way of a review and never on it: what is refused is noted and
 * forgotten. A controller tries again and again, so an owner is written about seldom; what comes in between is counted and
 * told with the next Event. Everything has a bound, and what is left out is counted.
 */

import type { Refusal } from '../engine/refusal.ts';
import type { KubeClient } from '../kube/api.ts';
import type { Clock } from '../kube/clock.ts';
import { runWithDeadline } from '../kube/clock.ts';
import { findTopOwner, writeOwnerEvent } from '../kube/owner-events.ts';
import { describeError } from '../kube/sentences.ts';
import { createTokenBucket, type TokenBucket } from '../kube/token-bucket.ts';
import { boundName, type Logger } from '../log/logger.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { Owner } from '../objects/owner.ts';

/** For one owner: all checks of a pod at once, and then one in half a minute. */
const PER_OWNER = { burst: 5, everyMs: 30_000 };
/** For all: a rollout of fifty Deployments at once, and then two a second. */
const OVERALL = { burst: 50, everyMs: 500 };
/** Owners that are remembered; of each as many rules as refuse its pods. */
const MOST_OWNERS = 1_000;
const MOST_RULES = 30;
/** Writes that wait while one is under way. */
const MOST_WAITING = 100;
const WRITE_MS = 5_000;

export type RefusalEvents = {
  /** Never waits, never throws. */
  refused(refusals: readonly Refusal[]): void;
  /** Gives up what waits, and resolves once nothing is under way. */
  stop(): Promise<void>;
};

export type RefusalEventsOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Clock;
  readonly recorder: Pick<Recorder, 'ownerEvent'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Who writes: the name of this pod. */
  readonly instance: string;
};

type Series = { refusal: Refusal; count: number; at: number; isWaiting: boolean };
type OwnerState = { readonly bucket: TokenBucket; readonly series: Map<string, Series>; top: Owner | undefined };

export function createRefusalEvents(options: RefusalEventsOptions): RefusalEvents {
  const { clock, recorder, log } = options;
  const owners = new Map<string, OwnerState>();
  const overall = createTokenBucket(OVERALL, clock);
  const waiting: Series[] = [];
  const stopping = new AbortController();
  let working: Promise<void> | undefined;
  let isFailing = false;

  function note(refusal: Refusal): void {
    const state = rememberOwner(refusal.owner.uid);
    const series = state.series.get(refusal.rule) ?? { refusal, count: 0, at: 0, isWaiting: false };
    if (!state.series.has(refusal.rule) && state.series.size >= MOST_RULES) return recorder.ownerEvent('dropped');
    state.series.set(refusal.rule, series);
    series.refusal = refusal;
    series.count += 1;
    series.at = clock.now();
    // Counted, and told with what waits already or with the next.
    if (series.isWaiting || !mayWrite(state)) return recorder.ownerEvent('held');
    if (waiting.length >= MOST_WAITING) return recorder.ownerEvent('dropped');
    series.isWaiting = true;
    waiting.push(series);
    working ??= work().finally(() => (working = undefined));
  }

  function mayWrite({ bucket }: OwnerState): boolean {
    if (!bucket.take()) return false;
    if (overall.take()) return true;
    bucket.putBack();
    return false;
  }

  /** The owner that was heard of longest ago is forgotten first. */
  function rememberOwner(uid: string): OwnerState {
    const bucket = () => createTokenBucket(PER_OWNER, clock);
    const state = owners.get(uid) ?? { bucket: bucket(), series: new Map<string, Series>(), top: undefined };
    owners.delete(uid);
    owners.set(uid, state);
    const [oldest] = owners.keys();
    if (owners.size > MOST_OWNERS && oldest !== undefined) owners.delete(oldest);
    return state;
  }

  async function work(): Promise<void> {
    // The review that asked for it is answered first.
    await Promise.resolve();
    for (let series = waiting.shift(); series !== undefined; series = waiting.shift()) {
      series.isWaiting = false;
      if (stopping.signal.aborted) continue;
      const { refusal, count, at } = series;
      series.count = 0;
      try {
        await runWithDeadline((signal) => write(refusal, { count, at, signal }), {
          clock,
          ms: WRITE_MS,
          signal: stopping.signal,
        });
        recorder.ownerEvent('written');
        if (isFailing) log.info({}, 'events are written again');
        isFailing = false;
      } catch (error) {
        series.count += count;
        recorder.ownerEvent('failed');
        const { namespace, owner } = refusal;
        const fields = { namespace: boundName(namespace), kind: boundName(owner.kind), name: boundName(owner.name) };
        // Once: a missing right fails for every pod that is refused.
        if (!isFailing) log.warn({ ...fields, why: describeError(error) }, 'an event could not be written');
        isFailing = true;
      }
    }
  }

  async function write(
    { namespace, owner, rule, note: text }: Refusal,
    { count, at, signal }: { readonly count: number; readonly at: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const api = { client: options.client, signal };
    const state = owners.get(owner.uid);
    const top = state?.top ?? (await findTopOwner(api, namespace, owner));
    if (state !== undefined) state.top = top;
    await writeOwnerEvent(api, { namespace, owner: top, about: rule, note: text, count, at }, options.instance);
  }

  return {
    refused: (refusals) => {
      if (stopping.signal.aborted) return;
      for (const refusal of refusals) note(refusal);
    },
    stop: async () => {
      stopping.abort(new Error('the server is stopping'));
      await working;
    },
  };
}
