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
/**
 * How long all have to be heard from before what is held is used, in ms: what they let in before they knew this one they did not tell it
 * of, and the API server may take 34 s to store it.
 */
const SETTLED_MS = 40_000;
/** So long after a replica was told that this one is there it may rely on being told of changes, in ms. */
const RELIES_MS = HEARD_MS + DEADLINE_MS;
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
  /** It is about to end, and others may not count on it any more. */
  readonly isStopping: () => boolean;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  readonly recorder: Pick<Recorder, 'changeTold'>;
};

const NEVER = new AbortController().signal;

/** The other ones that are ready; and why they cannot be relied upon to tell of changes. */
type Known = { readonly others: readonly Replica[]; readonly why?: string };

/** Where there are none. */
export const NO_PEERS: Pick<Peers, 'tell'> = { tell: () => Promise.resolve() };

export function createPeers(options: PeersOptions): Peers {
  const { self, replicas, send, onChanged, isStopping, clock, log, recorder } = options;
  const heardAt = new Map<string, number>();
  /** Those that may rely on this one, listed or not, and when they were last told that it is there. */
  const sentAt = new Map<string, { readonly replica: Replica; readonly at: number }>();
  let others: readonly Replica[] = [];
  let wasEverKnown = false;
  let known: Known | undefined;
  /** Since when nothing is missing. */
  let wholeSince: number | undefined;
  let wake = new AbortController();

  const look = (): Known => {
    if (known !== undefined) return known;
    const all = replicas();
    // Who was there when they were last known is told all the same.
    if (all.state !== 'found') return { others, why: all.state === 'unknown' ? all.why : 'replicas are not watched' };
    wasEverKnown = true;
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
  const greet = async (replica: Replica): Promise<void> => {
    sentAt.set(replica.pod, { replica, at: clock.monotonic() });
    await deliver(replica, { from: self });
  };
  const noteMissed = (fields: Readonly<Record<string, string>>, changed: IndexedObject): void => {
    recorder.changeTold('missed');
    log.warn({ ...fields, ...changed }, 'a replica could not be told of a change');
  };
  const tellOne = async (replica: Replica, changed: IndexedObject): Promise<void> => {
    const isListed = others.includes(replica);
    const why = await deliver(replica, { from: self, changed });
    if (why === undefined) recorder.changeTold('confirmed');
    // One that is listed no longer has most likely ended.
    else if (isListed) noteMissed({ replica: replica.pod, why }, changed);
  };
  /** Those that are listed, and those that were until a moment ago: they may not know yet that they are not. */
  const listReliant = (): readonly Replica[] => {
    const listed = look().others;
    const since = clock.monotonic() - RELIES_MS;
    for (const [pod, { at }] of sentAt) if (at < since) sentAt.delete(pod);
    const names = new Set(listed.map(({ pod }) => pod));
    const gone = [...sentAt.values()].flatMap(({ replica }) => (names.has(replica.pod) ? [] : [replica]));
    return [...listed, ...gone];
  };
  const findMissing = (): string | undefined => {
    if (isStopping()) return 'it is stopping';
    const { why } = look();
    if (why !== undefined) return why;
    const since = clock.monotonic() - HEARD_MS;
    const silent = others.find(({ pod }) => (heardAt.get(pod) ?? Number.NEGATIVE_INFINITY) < since);
    return silent === undefined ? undefined : `nothing is heard of replica ${silent.pod}`;
  };
  const missing = (): string | undefined => {
    const why = findMissing();
    if (why !== undefined) {
      wholeSince = undefined;
      return why;
    }
    // Alone it has nobody to be told by, and what it let in it knows itself.
    if (others.length === 0) return undefined;
    const now = clock.monotonic();
    wholeSince ??= now;
    return now - wholeSince < SETTLED_MS ? 'all replicas are heard of, but only since a moment ago' : undefined;
  };

  return {
    tell: async (changed) => {
      // One that has just started learns in a moment who is there.
      if (look().why !== undefined && !wasEverKnown) await clock.sleep(DEADLINE_MS, wake.signal);
      const { why = '' } = look();
      if (!wasEverKnown) return noteMissed({ why }, changed);
      await Promise.all(listReliant().map((replica) => tellOne(replica, changed)));
    },
    heard: ({ from, changed }) => {
      // A change is told for as long as its teller is relied on, and makes that no longer.
      if (changed !== undefined) return onChanged(changed);
      // Who was silent for too long has told nothing meanwhile, whether or not anybody asked.
      if (findMissing() !== undefined) wholeSince = undefined;
      heardAt.delete(from);
      heardAt.set(from, clock.monotonic());
      const [oldest] = heardAt.keys();
      if (heardAt.size > MAX_HEARD && oldest !== undefined) heardAt.delete(oldest);
    },
    missing,
    poke: () => {
      known = undefined;
      wake.abort();
    },
    run: async (signal) => {
      signal.addEventListener('abort', () => wake.abort(), { once: true });
      while (!signal.aborted) {
        wake = new AbortController();
        await Promise.all(look().others.map(greet));
        // So that time counts from now, and not from when the first pod is made.
        missing();
        await clock.sleep(EVERY_MS, wake.signal);
      }
    },
  };
}
