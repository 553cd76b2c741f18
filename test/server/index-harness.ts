import { connect } from '../../src/kube/client.ts';
import { type ClusterIndex, type ClusterIndexOptions, createClusterIndex } from '../../src/kube/cluster-index.ts';
import type { JsonObject } from '../../src/objects/json.ts';
import type { Lookup, ServiceAccountView } from '../../src/objects/views.ts';
import { type FakeApiServer, startFakeApiServer } from './fake-api-server.ts';
import { createFakeClock, eventually, type FakeClock } from './fake-clock.ts';
import { createLineLog } from './line-log.ts';

export type Counts = {
  errors: number;
  contacts: number;
  readonly sizes: Map<string, number>;
  readonly live: string[];
  readonly lines: readonly string[];
  /** How often the webhook configurations were said to have changed. */
  webhookChanges: number;
};

/** An index that is not started, its API server, and what the index counted and said. */
export type IndexHarness = {
  readonly server: FakeApiServer;
  readonly clock: FakeClock;
  readonly index: ClusterIndex;
  readonly counts: Counts;
};

export async function createIndexHarness({
  withTokenSecrets = false,
  withMutatingWebhooks = false,
  schemeKeys = new Set<string>(),
  replicas = undefined as ClusterIndexOptions['replicas'],
  isToldOfChanges = (): boolean => true,
} = {}): Promise<IndexHarness> {
  const server = await startFakeApiServer();
  const clock = createFakeClock();
  const log = createLineLog();
  const counts: Counts = { errors: 0, contacts: 0, sizes: new Map(), live: [], lines: log.lines, webhookChanges: 0 };
  const index = createClusterIndex({
    client: await connect({ kubeconfig: server.kubeconfig }),
    clock,
    log,
    withTokenSecrets,
    ...(withMutatingWebhooks
      ? {
          mutatingWebhooks: {
            own: 'curfew',
            onChange: () => {
              counts.webhookChanges += 1;
            },
          },
        }
      : {}),
    schemeKeys,
    ...(replicas === undefined ? {} : { replicas }),
    isToldOfChanges,
    recorder: {
      indexError: () => {
        counts.errors += 1;
      },
      indexContact: () => {
        counts.contacts += 1;
      },
      indexSize: (resource, entries) => counts.sizes.set(resource, entries),
      liveRead: (outcome) => counts.live.push(outcome),
    },
  });
  return { server, clock, index, counts };
}

/** @param watches - one for each resource */
export async function startSynced({ index, server }: IndexHarness, watches = 2): Promise<void> {
  index.start();
  await eventually(() => index.isSynced() && server.watches() === watches);
}

export const NAMESPACES = '/api/v1/namespaces';
export const ACCOUNTS = '/api/v1/serviceaccounts';

export function namespacePath(name: string): string {
  return `${NAMESPACES}/${name}`;
}

export function accountPath(namespace: string, name: string): string {
  return `${NAMESPACES}/${namespace}/serviceaccounts/${name}`;
}

export function namespaceOf(name: string, labels: JsonObject = {}): JsonObject {
  return { kind: 'Namespace', metadata: { name, labels } };
}

export function accountOf(namespace: string, name: string, more: JsonObject = {}): JsonObject {
  return { kind: 'ServiceAccount', metadata: { namespace, name }, ...more };
}

/** With account `a/ci`, which the index holds. */
export async function startWithAccount(harness: IndexHarness): Promise<void> {
  const { server, index } = harness;
  await startSynced(harness);
  server.put(accountPath('a', 'ci'), accountOf('a', 'ci'));
  await eventually(() => index.status().serviceAccounts.entries === 1);
}

/** Changes account `a/ci`, and no watch says so. */
export function annotateUnseen({ server }: IndexHarness, key: string): void {
  server.isMute = true;
  const metadata = { namespace: 'a', name: 'ci', annotations: { [key]: 'x' } };
  server.put(accountPath('a', 'ci'), accountOf('a', 'ci', { metadata }));
}

export function annotationsOf(lookup: Lookup<ServiceAccountView>): readonly string[] {
  return lookup.state === 'found' ? [...lookup.value.annotations.keys()] : [lookup.state];
}
