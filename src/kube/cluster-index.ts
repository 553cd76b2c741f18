/**
 * The index of namespaces and service accounts, and where that is asked for of token Secrets and of webhook
 * configurations: what rules look up while a request waits. Kept by list and watch; of namespaces and accounts, what it
 * does not hold is read live. Nothing but narrow views is kept (`objects/views.ts`).
 */

import type { IndexedObject } from '../objects/changed-view.ts';
import { asString, valueAt } from '../objects/json.ts';
import {
  type Lookup,
  type NamespaceView,
  type ServiceAccountView,
  type TokenSecretView,
  toNamespaceView,
  toServiceAccountView,
  toTokenSecretView,
} from '../objects/views.ts';
import { createAbsenceBudget } from './absence-budget.ts';
import type { ClusterReader } from './api.ts';
import { createGate } from './gate.ts';
import { METADATA, METADATA_LIST, TOKEN_SECRETS } from './metadata.ts';
import { createReplicaIndex, type Replica, type ReplicaIndexOptions } from './replica-index.ts';
import {
  createResourceIndex,
  type IndexOptions,
  type ResourceIndex,
  type ResourceStatus,
  type Shared,
} from './resource-index.ts';
import type { Entry } from './view-store.ts';

/** Each takes a few ms, so that many go through within their deadline. */
const LIVE_READS = { places: 32, waiting: 1024 };
const MAX_NAMESPACE_BYTES = 32 * 1024 * 1024;
const MAX_SERVICE_ACCOUNT_BYTES = 96 * 1024 * 1024;
/** Of namespaces only labels and annotations are needed: metadata only, with the whole object as the fallback. */
const NAMESPACE_LIST = `${METADATA_LIST},application/json`;
const NAMESPACE_WATCH = `${METADATA},application/json`;
const MAX_TOKEN_SECRET_BYTES = 32 * 1024 * 1024;
const MAX_MUTATING_WEBHOOK_BYTES = 4 * 1024 * 1024;
/** Of webhook configurations their names are needed: metadata only, with the whole object as the fallback. */
const MUTATING_WEBHOOKS = {
  path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  listAccept: NAMESPACE_LIST,
  watchAccept: NAMESPACE_WATCH,
} as const;

const WEBHOOKS_ARE_UNKNOWN = { state: 'unknown', why: 'foreignWebhooks.watch is false' } as const;
const SECRETS_ARE_UNKNOWN = { state: 'unknown', why: 'the index of token Secrets is off' } as const;

export type ClusterIndexOptions = IndexOptions & {
  /** List and watch the metadata of token Secrets too; needs the right to list and watch Secrets. */
  readonly withTokenSecrets: boolean;
  /** List and watch the names of mutating webhook configurations too; needs that right. */
  readonly mutatingWebhooks?: {
    /** The name of Curfew's own, which is left out. */
    readonly own: string;
    /** They changed, or the API server was not heard. */
    readonly onChange: () => void;
  };
  /** List and watch the replicas of this installation too; needs that right in its namespace. */
  readonly replicas?: ReplicaIndexOptions;
  /** Keys of service accounts and namespaces that are kept beside our own and those of built-in presets. */
  readonly schemeKeys: ReadonlySet<string>;
};

export type ClusterIndex = {
  readonly reader: ClusterReader;
  /** A change of the object was let in, here or by another replica: for a while a lookup `onMiss` reads it live. */
  invalidate(changed: IndexedObject): void;
  /** Those that are ready, this one among them; `absent` where they are not watched. */
  replicas(): Lookup<readonly Replica[]>;
  start(): void;
  /** Ends the watches and the live reads; resolves when they have ended. */
  stop(): Promise<void>;
  /**
   * Everything that is needed was listed. Token Secrets, webhook configurations and replicas are waited for until their first list
   * is complete or has failed: an optional right that is missing must not keep a replica, and the entries that fail
   * closed, from being ready.
   */
  isSynced(): boolean;
  status(): {
    readonly namespaces: ResourceStatus;
    readonly serviceAccounts: ResourceStatus;
    /** Undefined while this index is off. */
    readonly tokenSecrets: ResourceStatus | undefined;
    /** Undefined while this index is off. */
    readonly mutatingWebhooks: ResourceStatus | undefined;
  };
};

/**
 * Lookups are `found` from the index, else what a live read says: `found`, `absent` (404), or `unknown` for anything
 * else. A live answer is not put into the index, where nothing would remove it; it is used again for a second at most.
 */
export function createClusterIndex(options: ClusterIndexOptions): ClusterIndex {
  const stopping = new AbortController();
  const gate = createGate(LIVE_READS);
  const shared = { ...options, signal: stopping.signal, gate, absences: createAbsenceBudget(options.clock) };
  const { schemeKeys } = options;
  const projectNamespace = (raw: unknown) => toNamespaceView(raw, schemeKeys);
  const projectAccount = (raw: unknown) => toServiceAccountView(raw, schemeKeys);
  const namespaces = createResourceIndex<NamespaceView>(shared, {
    resource: 'namespaces',
    path: '/api/v1/namespaces',
    listAccept: NAMESPACE_LIST,
    watchAccept: NAMESPACE_WATCH,
    project: (raw) => toEntry(projectNamespace(raw), (view) => view.name),
    sizeOf: (view) => sizeOfStrings([view.name], new Map([...view.labels, ...view.annotations])),
    maxBytes: MAX_NAMESPACE_BYTES,
  });
  const serviceAccounts = createResourceIndex<ServiceAccountView>(shared, {
    resource: 'serviceaccounts',
    path: '/api/v1/serviceaccounts',
    project: (raw) => toEntry(projectAccount(raw), (view) => `${view.namespace}/${view.name}`),
    sizeOf: (view) => sizeOfStrings([view.namespace, view.name], view.annotations),
    maxBytes: MAX_SERVICE_ACCOUNT_BYTES,
  });
  const tokenSecrets = options.withTokenSecrets
    ? createResourceIndex<TokenSecretView>(shared, {
        ...TOKEN_SECRETS,
        resource: 'secrets',
        project: (raw) => toEntry(toTokenSecretView(raw), (view) => `${view.namespace}/${view.name}`),
        sizeOf: (view) => sizeOfStrings([view.namespace, view.name, view.account], new Map()),
        maxBytes: MAX_TOKEN_SECRET_BYTES,
      })
    : undefined;
  const mutatingWebhooks =
    options.mutatingWebhooks === undefined ? undefined : createWebhookNames(shared, options.mutatingWebhooks);
  const replicas = options.replicas === undefined ? undefined : createReplicaIndex(shared, options.replicas);
  const isSettled = (status: ResourceStatus | undefined) =>
    status === undefined || status.synced || status.failure !== undefined;
  let running: Promise<unknown> = Promise.resolve();
  return {
    reader: {
      namespace: (name, newness = 'held') =>
        isDnsName(name)
          ? namespaces.lookup({
              key: name,
              path: `/api/v1/namespaces/${name}`,
              accept: NAMESPACE_WATCH,
              project: projectNamespace,
              newness,
            })
          : { state: 'absent' },
      serviceAccount: (namespace, name, newness = 'held') =>
        isDnsName(namespace) && isDnsName(name)
          ? serviceAccounts.lookup({
              key: `${namespace}/${name}`,
              path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`,
              project: projectAccount,
              newness,
            })
          : { state: 'absent' },
      tokenSecret: (namespace, name) =>
        tokenSecrets?.peek(`${namespace}/${name}`, 'token Secrets') ?? SECRETS_ARE_UNKNOWN,
      mutatingWebhooks: () => mutatingWebhooks?.names() ?? WEBHOOKS_ARE_UNKNOWN,
    },
    invalidate: ({ resource, key }) => (resource === 'namespaces' ? namespaces : serviceAccounts).invalidate(key),
    replicas: () => replicas?.replicas() ?? { state: 'absent' },
    start: () => {
      running = Promise.all([
        namespaces.run(),
        serviceAccounts.run(),
        tokenSecrets?.run(),
        mutatingWebhooks?.run(),
        replicas?.run(),
      ]);
    },
    stop: async () => {
      stopping.abort(new Error('the index is stopped'));
      await running;
    },
    isSynced: () =>
      namespaces.status().synced &&
      serviceAccounts.status().synced &&
      isSettled(tokenSecrets?.status()) &&
      isSettled(mutatingWebhooks?.status()) &&
      isSettled(replicas?.status()),
    status: () => ({
      namespaces: namespaces.status(),
      serviceAccounts: serviceAccounts.status(),
      tokenSecrets: tokenSecrets?.status(),
      mutatingWebhooks: mutatingWebhooks?.status(),
    }),
  };
}

/** For `--without-cluster`: every lookup is unknown. */
export function createUnknownReader(why: string): ClusterReader {
  const unknown = { state: 'unknown', why, isFinal: true } as const;
  return {
    namespace: () => unknown,
    serviceAccount: () => unknown,
    tokenSecret: () => unknown,
    mutatingWebhooks: () => unknown,
  };
}

type WebhookNames = Pick<ResourceIndex<string>, 'run' | 'status'> & {
  /** But for our own; made anew on a change alone, since every pod asks for it. */
  names(): Lookup<readonly string[]>;
};

function createWebhookNames(
  shared: Shared,
  { own, onChange }: NonNullable<ClusterIndexOptions['mutatingWebhooks']>,
): WebhookNames {
  let kept: Lookup<readonly string[]> | undefined;
  const index = createResourceIndex<string>(shared, {
    ...MUTATING_WEBHOOKS,
    resource: 'mutatingwebhookconfigurations',
    project: (raw) => toEntry(asString(valueAt(raw, ['metadata', 'name'])), (name) => name),
    sizeOf: (name) => sizeOfStrings([name], new Map()),
    maxBytes: MAX_MUTATING_WEBHOOK_BYTES,
    onChange: () => {
      kept = undefined;
      onChange();
    },
  });
  const read = (): Lookup<readonly string[]> => {
    const all = index.list('webhook configurations');
    return all.state === 'found' ? { ...all, value: all.value.filter((name) => name !== own).toSorted() } : all;
  };
  return {
    run: index.run,
    status: index.status,
    names: () => {
      kept ??= read();
      return kept;
    },
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
