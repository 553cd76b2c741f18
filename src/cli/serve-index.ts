/** What `curfew serve` knows of the cluster, kept up to date by the API server and by the other replicas. */

import type { KubeClient } from '../kube/api.ts';
import type { Clock } from '../kube/clock.ts';
import type { ClusterIndex } from '../kube/cluster-index.ts';
import { createClusterIndex } from '../kube/cluster-index.ts';
import type { Logger } from '../log/logger.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { Configuration } from '../policy/configuration.ts';
import { listSchemeKeys } from '../policy/configuration.ts';
import type { Changes } from '../server/changes.ts';
import { createChanges } from '../server/changes.ts';
import { createPeerCalls } from '../server/peer-calls.ts';
import type { Peers } from '../server/peers.ts';
import { createPeers, NO_PEERS } from '../server/peers.ts';

export type ServedIndexOptions = {
  readonly client: KubeClient;
  readonly recorder: Recorder;
  readonly log: Logger;
  readonly clock: Clock;
  readonly configuration: Configuration;
  /** What Curfew's objects in the cluster are called, its Service among them. */
  readonly release: string;
  /** The webhook configurations of the cluster changed, or the API server was not heard. */
  readonly onWebhooksChange: () => void;
  /** `only`: there is no other one. `unnamed`: there may be others, and nobody can find this one. */
  readonly replica: NamedReplica | 'only' | 'unnamed';
  /** It is about to end. */
  readonly isStopping: () => boolean;
};

export type NamedReplica = { readonly pod: string; readonly namespace: string; readonly operationsPort: number };

export type ServedIndex = {
  readonly index: ClusterIndex;
  readonly changes: Changes;
  readonly peers: Peers | undefined;
  /** Whether each change that any replica lets in is told to this one. */
  readonly isToldOfChanges: () => boolean;
};

export function createServedIndex(options: ServedIndexOptions): ServedIndex {
  const { client, recorder, log, clock, configuration, release, onWebhooksChange } = options;
  const replica = typeof options.replica === 'string' ? undefined : options.replica;
  const schemeKeys = listSchemeKeys(configuration);
  const isToldOfChanges = () => options.replica !== 'unnamed' && peers?.missing() === undefined;
  const index = createClusterIndex({
    client,
    recorder,
    log,
    clock,
    withTokenSecrets: configuration.secretIndex,
    schemeKeys,
    ...(configuration.foreignWebhooks.watch ? { mutatingWebhooks: { own: release, onChange: onWebhooksChange } } : {}),
    ...(replica === undefined
      ? {}
      : { replicas: { namespace: replica.namespace, service: release, onChange: () => peers?.poke() } }),
    isToldOfChanges,
  });
  const peers =
    replica === undefined
      ? undefined
      : createPeers({
          self: replica.pod,
          replicas: index.replicas,
          send: createPeerCalls(replica.operationsPort),
          onChanged: index.invalidate,
          isStopping: options.isStopping,
          clock,
          log,
          recorder,
        });
  if (options.replica === 'unnamed') {
    log.warn(
      {},
      'without --replica-name other replicas tell this one nothing: the account of each new pod is read live',
    );
  }
  const changes = createChanges({ schemeKeys, index, peers: peers ?? NO_PEERS });
  return { index, peers, changes, isToldOfChanges };
}
