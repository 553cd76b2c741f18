/**
 * The index of namespaces and service accounts: what rules look up while a request waits. Kept by list and watch; what
 * it does not hold is read live. Nothing but narrow views is kept (`objects/views.ts`).
 */

import type { IndexResource, Recorder } from '../metrics/recorder.ts';
import {
  type Lookup,
  type NamespaceView,
  type ServiceAccountView,
  toNamespaceView,
  toServiceAccountView,
} from '../objects/views.ts';
import type { ClusterReader, KubeClient } from './api.ts';
import type { Clock } from './clock.ts';
import { type ListWatchOptions, runListWatch } from './list-watch.ts';
import { createLiveReads, type Gate, type LiveRead } from './live-reads.ts';
import type { KubeLog } from './log.ts';
import { createViewStore, type Entry } from './view-store.ts';

const LIVE_READ_DEADLINE_MS = 500;
const MAX_NAMESPACE_BYTES = 32 * 1024 * 1024;
const MAX_SERVICE_ACCOUNT_BYTES = 96 * 1024 * 1024;
/** A view with annotations beyond this is not kept but read live: annotations of one object may hold 256 KiB. */
const MAX_VIEW_BYTES = 16 * 1024;
/** Of namespaces only labels and annotations are needed: metadata only, with the whole object as the fallback. */
const NAMESPACE_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const NAMESPACE_WATCH = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

export type ClusterIndexOptions = {
  readonly client: KubeClient;
  readonly recorder: Pick<Recorder, 'indexError' | 'indexContact' | 'indexSize' | 'liveRead'>;
  readonly log: KubeLog;
  readonly clock: Clock;
  /** How long a request may wait for the API server when the index has no answer, in ms. */
  readonly liveReadDeadlineMs?: number;
};

export type ResourceStatus = {
  /** The first list is complete. */
  readonly synced: boolean;
  readonly entries: number;
  /** When the API server was last heard (list, event or bookmark), in ms since the epoch. */
  readonly lastContact: number | undefined;
};

export type ClusterIndex = {
  readonly reader: ClusterReader;
  start(): void;
  /** Ends the watches and the live reads; resolves when they have ended. */
  stop(): Promise<void>;
  isSynced(): boolean;
  status(): { readonly namespaces: ResourceStatus; readonly serviceAccounts: ResourceStatus };
};

/**
 * Lookups are `found` from the index, else what a live read says: `found`, `absent` (404), or `unknown` for anything
 * else. A live answer is not put into the index, where nothing would remove it; it is used again for a second at most.
 */
export function createClusterIndex(options: ClusterIndexOptions): ClusterIndex {
  const stopping = new AbortController();
  const gate: Gate = { inFlight: 0 };
  const shared = { ...options, signal: stopping.signal, gate };
  const namespaces = createResourceIndex<NamespaceView>(shared, {
    resource: 'namespaces',
    path: '/api/v1/namespaces',
    listAccept: NAMESPACE_LIST,
    watchAccept: NAMESPACE_WATCH,
    project: (raw) => toEntry(toNamespaceView(raw), (view) => view.name),
    sizeOf: (view) => sizeOfStrings([view.name], new Map([...view.labels, ...view.annotations])),
    maxBytes: MAX_NAMESPACE_BYTES,
  });
  const serviceAccounts = createResourceIndex<ServiceAccountView>(shared, {
    resource: 'serviceaccounts',
    path: '/api/v1/serviceaccounts',
    project: (raw) => toEntry(toServiceAccountView(raw), (view) => `${view.namespace}/${view.name}`),
    sizeOf: (view) => sizeOfStrings([view.namespace, view.name], view.annotations),
    maxBytes: MAX_SERVICE_ACCOUNT_BYTES,
  });
  let running: Promise<unknown> = Promise.resolve();
  return {
    reader: {
      namespace: async (name) =>
        isDnsName(name)
          ? namespaces.lookup({
              key: name,
              path: `/api/v1/namespaces/${name}`,
              accept: NAMESPACE_WATCH,
              project: toNamespaceView,
            })
          : { state: 'absent' },
      serviceAccount: async (namespace, name) =>
        isDnsName(namespace) && isDnsName(name)
          ? serviceAccounts.lookup({
              key: `${namespace}/${name}`,
              path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`,
              project: toServiceAccountView,
            })
          : { state: 'absent' },
      tokenSecret: () => ({ state: 'unknown', why: 'the index of token Secrets is off' }),
    },
    start: () => {
      running = Promise.all([namespaces.run(), serviceAccounts.run()]);
    },
    stop: async () => {
      stopping.abort(new Error('the index is stopped'));
      await running;
    },
    isSynced: () => namespaces.status().synced && serviceAccounts.status().synced,
    status: () => ({ namespaces: namespaces.status(), serviceAccounts: serviceAccounts.status() }),
  };
}

/** For `--without-cluster`: every lookup is unknown. */
export function createUnknownReader(why: string): ClusterReader {
  const unknown = { state: 'unknown', why } as const;
  return { namespace: async () => unknown, serviceAccount: async () => unknown, tokenSecret: () => unknown };
}

type Shared = ClusterIndexOptions & { readonly signal: AbortSignal; readonly gate: Gate };

type Resource<View> = Pick<ListWatchOptions<View>, 'path' | 'listAccept' | 'watchAccept' | 'project'> & {
  readonly resource: IndexResource;
  sizeOf(view: View): number;
  readonly maxBytes: number;
};

type ResourceIndex<View> = {
  lookup(read: LiveRead<View>): Promise<Lookup<View>>;
  run(): Promise<void>;
  status(): ResourceStatus;
};

function createResourceIndex<View>(shared: Shared, resource: Resource<View>): ResourceIndex<View> {
  const { client, recorder, log, clock, signal, gate } = shared;
  const store = createViewStore({ ...resource, maxEntryBytes: MAX_VIEW_BYTES });
  const reads = createLiveReads<View>({
    client,
    clock,
    signal,
    gate,
    deadlineMs: shared.liveReadDeadlineMs ?? LIVE_READ_DEADLINE_MS,
    onAnswer: (outcome) => recorder.liveRead(outcome),
  });
  const state = { synced: false, failing: false, full: false, lastContact: undefined as number | undefined };
  const onChange = () => {
    recorder.indexSize(resource.resource, store.size());
    if (store.isFull() && !state.full) {
      log.warn({ resource: resource.resource, entries: store.size() }, 'index is full: the rest is read live');
    }
    state.full = store.isFull();
  };
  const sink: ListWatchOptions<View>['sink'] = {
    collect: () => {
      const collection = store.collect();
      return {
        add: collection.add,
        commit: () => {
          collection.commit();
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
      state.lastContact = clock.now();
      recorder.indexContact(resource.resource, state.lastContact);
      if (state.failing) log.info({ resource: resource.resource }, 'index hears the API server again');
      state.failing = false;
    },
    failed: (why, failures) => {
      state.failing = true;
      recorder.indexError(resource.resource);
      log.warn({ resource: resource.resource, why, failures }, 'index lost the API server, will try again');
    },
  };
  return {
    lookup: async (read) => {
      const value = store.get(read.key);
      return value === undefined ? await reads.read(read) : { state: 'found', value };
    },
    run: () => runListWatch({ ...resource, client, clock, signal, sink }),
    status: () => ({ synced: state.synced, entries: store.size(), lastContact: state.lastContact }),
  };
}

function toEntry<View>(view: View | undefined, toKey: (view: View) => string): Entry<View> | undefined {
  return view === undefined ? undefined : { key: toKey(view), view };
}

/** Names of namespaces and service accounts (RFC 1123 subdomains): nothing else can exist, or belongs into a path. */
function isDnsName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name);
}

/** On the safe side of what was measured (`view-store.ts`): strings may take two bytes a character. */
function sizeOfStrings(names: readonly string[], entries: ReadonlyMap<string, string>): number {
  let bytes = 500;
  for (const name of names) bytes += 4 * name.length;
  for (const [key, value] of entries) bytes += 2 * (key.length + value.length) + 100;
  return bytes;
}
