/** The other replicas: who of the Service's pods is ready, by its EndpointSlices. */

import { asArray, asString, member, valueAt } from '../objects/json.ts';
import type { Lookup } from '../objects/views.ts';
import { createResourceIndex, type ResourceIndex, type Shared } from './resource-index.ts';

/** A pod that API servers call. */
export type Replica = {
  /** Name of the pod. */
  readonly pod: string;
  /** IP address. */
  readonly address: string;
};

export type ReplicaIndexOptions = {
  readonly namespace: string;
  /** Name of the Service. */
  readonly service: string;
  /** They changed, or the API server was not heard. */
  onChange(): void;
};

export type ReplicaIndex = Pick<ResourceIndex<unknown>, 'run' | 'status'> & {
  /** Those that answer, each pod once; `unknown` while the API server is not heard. */
  replicas(): Lookup<readonly Replica[]>;
};

type Slice = { readonly name: string; readonly replicas: readonly Replica[] };

/** A slice has 100 endpoints by default and 1,000 at most; a Service of Curfew has a few. */
const MAX_BYTES = 4 * 1024 * 1024;
const NOUN = 'replicas';

export function createReplicaIndex(
  shared: Shared,
  { namespace, service, onChange }: ReplicaIndexOptions,
): ReplicaIndex {
  const index = createResourceIndex<Slice>(shared, {
    resource: 'endpointslices',
    path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    // The label that its controller gives to each slice of a Service.
    query: { labelSelector: `kubernetes.io/service-name=${service}` },
    project: (raw) => {
      const name = asString(valueAt(raw, ['metadata', 'name']));
      return name === undefined ? undefined : { key: name, view: { name, replicas: listReady(raw) } };
    },
    sizeOf: ({ replicas }) => 500 + 500 * replicas.length,
    maxBytes: MAX_BYTES,
    onChange,
  });
  return {
    run: index.run,
    status: index.status,
    replicas: () => {
      const { failure, synced, isCurrent } = index.status();
      if (failure !== undefined) return { state: 'unknown', why: `${NOUN} are not known: ${failure}` };
      if (synced && !isCurrent) return { state: 'unknown', why: `${NOUN} are listed anew` };
      const slices = index.list(NOUN);
      if (slices.state !== 'found') return slices;
      // A pod is in one slice for each family of addresses; the chart listens on IPv4 where there is that.
      const all = slices.value.flatMap(({ replicas }) => replicas);
      const ordered = [...all.filter(isIPv6), ...all.filter((replica) => !isIPv6(replica))];
      return { state: 'found', value: [...new Map(ordered.map((replica) => [replica.pod, replica])).values()] };
    },
  };
}

function isIPv6({ address }: Replica): boolean {
  return address.includes(':');
}

/**
 * One of which nothing is said is ready; one that still serves while it ends lets changes in too (discovery.k8s.io/v1,
 * EndpointConditions).
 */
function listReady(slice: unknown): readonly Replica[] {
  return asArray(member(slice, 'endpoints')).flatMap((endpoint) => {
    const pod = asString(valueAt(endpoint, ['targetRef', 'name']));
    const address = asString(asArray(member(endpoint, 'addresses'))[0]);
    const conditions = member(endpoint, 'conditions');
    const isReady = member(conditions, 'ready') !== false || member(conditions, 'serving') === true;
    return isReady && pod !== undefined && address !== undefined ? [{ pod, address }] : [];
  });
}
