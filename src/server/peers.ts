/**
 * Keeps what replicas hold from being used when it is old. A change of a service account or a namespace passes one replica before it is
 * stored; that one tells the others, and lets it in once they know. Whoever has not heard from all others for a while cannot know that it
 * would be told: then it reads live, as for what it does not hold.
 */

import type { Clock } from '../kube/clock.ts';
import { runWithDeadline } from '../kube/clock.ts';
import type { Replica } from '../kube/replica-index.ts';
import { describeError } from '../kube/sentences.ts';
import type { Logger } from '../log/logger.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { IndexedObject } from '../objects/changed-view.ts';
import type { Lookup } from '../objects/views.ts';
import type { SendToPeer } from './peer-calls.ts';
import type { PeerMessage } from './peer-message.ts';

/** How often each replica says that it is there, in ms. */
const EVERY_MS = 5_000;
/** How long it counts as heard after that, in ms: two may be lost. */
const HEARD_MS = 17_500;
/** How long the one who makes a change waits for a replica that does not answer, in ms. */
const DEADLINE_MS = 500;
/** Of pods that say that they are there; a Service has a few, and names that nobody lists go first. */
const MAX_HEARD = 1_000;

export type Peers = {
  /** Resolves when all have confirmed it, or could not be reached in time; never rejects. */
  tell(changed: IndexedObject): Promise<void>;
  /** Another replica said something. */
  heard(message: PeerMessage): void;
  /** Undefined while every other replica would tell of a change; else a sentence that says why not. */
  missing(): string | undefined;
  /** The list of replicas may have changed. */
  poke(): void;
  /** Says again and again that this replica is there; resolves when `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
};

export type PeersOptions = {
  /** Name of this replica's pod. */
  readonly self: string;
  /** All that are ready. */
  readonly replicas: () => Lookup<readonly Replica[]>;
  /** Resolves when it was confirmed; rejects with an error whose message says why not. */
  readonly send: SendToPeer;
  /** What another replica tells of. */
  readonly onChanged: (changed: IndexedObject) => void;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly recorder: Pick<Recorder, 'changeTold'>;
};

const NEVER = new AbortController().signal;

/** The other ones that are ready; and why they cannot be relied upon to tell of changes. */
type Known = { readonly others: readonly Replica[]; readonly why?: string };

/** Where there are none. */
export const NO_PEERS: Pick<Peers, 'tell'> = { tell: () => Promise.resolve() };

export function createPeers(options: PeersOptions): Peers {
  const { self, replicas, send, onChanged, clock, log, recorder } = options;
  const heardAt = new Map<string, number>();
  let others: readonly Replica[] = [];
  let known: Known | undefined;
  let isStopping = false;
  let wake = new AbortController();

  const look = (): Known => {
    if (known !== undefined) return known;
    const all = replicas();
    // Who was there when they were last known is told all the same.
    if (all.state !== 'found') return { others, why: all.state === 'unknown' ? all.why : 'replicas are not watched' };
    others = all.value.filter(({ pod }) => pod !== self);
    // Who is not listed as ready is told nothing.
    const isListed = others.length < all.value.length;
    known = isListed ? { others } : { others, why: `${self} is not listed as ready` };
    return known;
  };
  const deliver = async (replica: Replica, message: PeerMessage): Promise<string | undefined> => {
    try {
      await runWithDeadline((end) => send(replica, message, end), { clock, ms: DEADLINE_MS, signal: NEVER });
      return undefined;
    } catch (error) {
      return describeError(error);
    }
  };
  const tellOne = async (replica: Replica, changed: IndexedObject): Promise<void> => {
    const why = await deliver(replica, { from: self, changed });
    recorder.changeTold(why === undefined ? 'confirmed' : 'missed');
    if (why !== undefined)
      log.warn({ replica: replica.pod, why, ...changed }, 'a replica could not be told of a change');
  };

  return {
    tell: async (changed) => {
      await Promise.all(look().others.map((replica) => tellOne(replica, changed)));
    },
    heard: ({ from, changed }) => {
      heardAt.delete(from);
      heardAt.set(from, clock.monotonic());
      const [oldest] = heardAt.keys();
      if (heardAt.size > MAX_HEARD && oldest !== undefined) heardAt.delete(oldest);
      if (changed !== undefined) onChanged(changed);
    },
    missing: () => {
      if (isStopping) return 'it is stopping';
      const { why } = look();
      if (why !== undefined) return why;
      const since = clock.monotonic() - HEARD_MS;
      const silent = others.find(({ pod }) => (heardAt.get(pod) ?? Number.NEGATIVE_INFINITY) < since);
      return silent === undefined ? undefined : `nothing is heard of replica ${silent.pod}`;
    },
    poke: () => {
      known = undefined;
      wake.abort();
    },
    run: async (signal) => {
      const stop = (): void => {
        isStopping = true;
        wake.abort();
      };
      signal.addEventListener('abort', stop, { once: true });
      while (!signal.aborted) {
        wake = new AbortController();
        await Promise.all(look().others.map((replica) => deliver(replica, { from: self })));
        await clock.sleep(EVERY_MS, wake.signal);
      }
    },
  };
}
