/** The index of one resource: its list and watch, the store they fill, and what is said about them. */

import type { IndexResource, Recorder } from '../metrics/recorder.ts';
import type { Lookup } from '../objects/views.ts';
import type { AbsenceBudget } from './absence-budget.ts';
import type { Eventual, KubeClient, Newness } from './api.ts';
import type { Clock } from './clock.ts';
import type { Gate } from './gate.ts';
import { createInvalidations } from './invalidations.ts';
import { type ListWatchOptions, runListWatch } from './list-watch.ts';
import { createLiveReads, type LiveRead } from './live-reads.ts';
import type { KubeLog } from './log.ts';
import { createViewStore } from './view-store.ts';

/** How long a lookup may wait for the API server when the index has no answer, in ms. */
const LIVE_READ_DEADLINE_MS = 500;
/** Longer, since a pod that goes without its token goes without it for good; well below the deadline of a review. */
const FRESH_READ_DEADLINE_MS = 1500;
/**
 * After the API server was lost and is heard again, what was missed comes as a backlog: for so long all is still read live, in ms.
 */
const BACKLOG_MS = 10_000;
/** A view with annotations beyond this is not kept but read live: annotations of one object may hold 256 KiB. */
const MAX_VIEW_BYTES = 16 * 1024;

export type IndexOptions = {
  readonly client: KubeClient;
  readonly recorder: Pick<Recorder, 'indexError' | 'indexContact' | 'indexSize' | 'liveRead'>;
  readonly log: KubeLog;
  readonly clock: Clock;
  /** Whether each change that any replica lets in is told to `invalidate`; where not, all that is held may be old. True by default. */
  readonly isToldOfChanges?: () => boolean;
};

export type ResourceStatus = {
  /** The first list is complete. */
  readonly synced: boolean;
  readonly entries: number;
  /** When the API server was last heard (list, event or bookmark), in ms of the monotonic clock. */
  readonly lastContact: number | undefined;
  /** Why the last list or watch ended, while it is not heard again. */
  readonly failure: string | undefined;
  /** What is held is what the API server has, but for what its watch has not told yet: not so while it is listed anew. */
  readonly isCurrent: boolean;
};

/** What all resources of an index share. */
export type Shared = IndexOptions & {
  readonly signal: AbortSignal;
  readonly gate: Gate;
  readonly absences: AbsenceBudget;
};

export type Resource<View> = Pick<
  ListWatchOptions<View>,
  'path' | 'query' | 'listAccept' | 'watchAccept' | 'project'
> & {
  readonly resource: IndexResource;
  sizeOf(view: View): number;
  readonly maxBytes: number;
  /** What is held here changed, or the API server was not heard. */
  onChange?(): void;
};

export type ResourceIndex<View> = {
  /** From the index, else by a live read. If that is not answered, what is held is the answer, marked as stale. */
  lookup(read: LiveRead<View> & { readonly newness: Newness }): Eventual<Lookup<View>>;
  /**
   * From the index alone: what it does not hold is absent only if it holds everything, and hears the API server.
   *
   * @param noun - what it is an index of, for people
   */
  peek(key: string, noun: string): Lookup<View>;
  /**
   * Everything, as of when the API server was last heard; `unknown` before the first list is complete.
   *
   * @param noun - what it is an index of, for people
   */
  list(noun: string): Lookup<readonly View[]>;
  /** A change of the object was let in: for a while what is held of it is no answer to `onMiss`. */
  invalidate(key: string): void;
  run(): Promise<void>;
  status(): ResourceStatus;
};

export function createResourceIndex<View>(shared: Shared, resource: Resource<View>): ResourceIndex<View> {
  const { client, recorder, log, clock, signal, gate, absences, isToldOfChanges = () => true } = shared;
  const store = createViewStore({ ...resource, maxEntryBytes: MAX_VIEW_BYTES });
  const reads = createLiveReads<View>({
    client,
    clock,
    signal,
    gate,
    absences,
    deadlineMs: LIVE_READ_DEADLINE_MS,
    freshDeadlineMs: FRESH_READ_DEADLINE_MS,
    onAnswer: (outcome) => recorder.liveRead(outcome),
  });
  const state = {
    synced: false,
    failure: undefined as string | undefined,
    full: false,
    isListing: false,
    /** Until then what is heard may be a backlog, in ms of the monotonic clock. */
    backlogUntil: Number.NEGATIVE_INFINITY,
    lastContact: undefined as number | undefined,
  };
  const onChange = () => {
    recorder.indexSize(resource.resource, store.size());
    if (store.isFull() && !state.full) {
      log.warn({ resource: resource.resource, entries: store.size() }, 'index is full: the rest is read live');
    }
    state.full = store.isFull();
    resource.onChange?.();
  };
  const sink: ListWatchOptions<View>['sink'] = {
    collect: () => {
      state.isListing = true;
      const collection = store.collect();
      return {
        add: collection.add,
        commit: () => {
          collection.commit();
          state.isListing = false;
          reads.forgetAll();
          if (!state.synced) log.info({ resource: resource.resource, entries: store.size() }, 'index is filled');
          state.synced = true;
          onChange();
        },
      };
    },
    set: (entry) => {
      store.set(entry);
      reads.forget(entry.key);
      onChange();
    },
    delete: (key) => {
      store.delete(key);
      reads.forget(key);
      onChange();
    },
    contact: () => {
      state.lastContact = clock.monotonic();
      recorder.indexContact(resource.resource, state.lastContact);
      if (state.failure === undefined) return;
      log.info({ resource: resource.resource }, 'index hears the API server again');
      state.failure = undefined;
      state.backlogUntil = state.lastContact + BACKLOG_MS;
    },
    failed: (why, failures) => {
      state.failure = why;
      recorder.indexError(resource.resource);
      log.warn({ resource: resource.resource, why, failures }, 'index lost the API server, will try again');
      resource.onChange?.();
    },
  };
  const recallFound = (key: string): View | undefined => {
    const recalled = reads.recall(key);
    return recalled?.state === 'found' ? recalled.value : store.get(key);
  };
  const invalid = createInvalidations(clock);
  /** While the API server is not heard, or is listed after that, what is held may be of long ago. */
  const isCurrent = (): boolean =>
    state.synced && !state.isListing && state.failure === undefined && clock.monotonic() >= state.backlogUntil;
  const isValid = (key: string): boolean => isCurrent() && isToldOfChanges() && !invalid.has(key);
  const readFresh = async (read: LiveRead<View>): Promise<Lookup<View>> => {
    const live = await reads.read(read, { fresh: true });
    if (live.state !== 'unknown') return live;
    const held = recallFound(read.key);
    return held === undefined ? live : { state: 'found', value: held, stale: live.why };
  };
  return {
    lookup: (read) => {
      if (read.newness === 'now') return readFresh(read);
      if (read.newness === 'onMiss') {
        const held = isValid(read.key) ? recallFound(read.key) : undefined;
        return held === undefined ? readFresh(read) : { state: 'found', value: held };
      }
      // What no event has overtaken yet is newer than what is held: a check sees what a mutation saw a moment before.
      const recalled = reads.recall(read.key);
      if (recalled !== undefined) return recalled;
      const value = store.get(read.key);
      return value === undefined ? reads.read(read) : { state: 'found', value };
    },
    peek: (key, noun) => {
      const value = store.get(key);
      if (value !== undefined) return { state: 'found', value };
      const unknown = (how: string): Lookup<View> => ({ state: 'unknown', why: `the index of ${noun} ${how}` });
      if (state.failure !== undefined) return unknown('does not hear the API server');
      if (!state.synced) return unknown('is not filled yet');
      return store.isFull() ? unknown('is full') : { state: 'absent' };
    },
    list: (noun) => {
      if (state.synced) return { state: 'found', value: [...store.views()] };
      const how = state.failure === undefined ? 'is not filled yet' : 'does not hear the API server';
      return { state: 'unknown', why: `the index of ${noun} ${how}` };
    },
    invalidate: invalid.add,
    run: () => runListWatch({ ...resource, client, clock, signal, sink }),
    status: () => ({
      synced: state.synced,
      entries: store.size(),
      lastContact: state.lastContact,
      failure: state.failure,
      isCurrent: isCurrent(),
    }),
  };
}
