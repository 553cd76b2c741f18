/** What `/readyz` of a running server says: what must be true before requests may come, and what is only worth knowing. */

import type { Publisher } from '../certificates/publish.ts';
import type { CertificateSource } from '../certificates/source.ts';
import type { TrustedCallers } from '../certificates/trusted-callers.ts';
import type { ClusterIndex } from '../kube/cluster-index.ts';
import type { ReadinessFact } from '../server/operations-app.ts';
import type { Peers } from '../server/peers.ts';

export function listReadinessFacts({
  index,
  publisher,
  origin,
  isStopping,
  isRehearsed,
}: {
  readonly index: ClusterIndex | undefined;
  readonly publisher: Publisher | undefined;
  readonly origin: string;
  readonly isStopping: () => boolean;
  readonly isRehearsed: () => boolean;
}): readonly ReadinessFact[] {
  const facts: ReadinessFact[] = [
    { name: 'not stopping', missing: () => (isStopping() ? 'the server is stopping' : undefined) },
    // Nothing of this begins without one.
    { name: `certificate held (${origin})`, missing: () => undefined },
    { name: 'rehearsed', missing: () => (isRehearsed() ? undefined : 'the first reviews are still being rehearsed') },
    {
      name: index === undefined ? 'index not needed (--without-cluster)' : 'index synced',
      missing: () =>
        index === undefined || index.isSynced() ? undefined : 'namespaces and service accounts are still being listed',
    },
  ];
  if (publisher === undefined) return facts;
  // Once: whoever deletes an entry later is not to take every replica out of service.
  const missing = () => (publisher.wasBundleHeld() ? undefined : publisher.status().join('; '));
  return [...facts, { name: 'CA bundle published', missing }];
}

/**
 * If readiness waited for these, whoever deletes an entry, or takes an optional right away, would take every replica away
 * from the entries that fail closed.
 */
export function listNotes({
  certificates,
  callers,
  publisher,
  index,
  peers,
}: {
  readonly certificates: Pick<CertificateSource, 'problem'>;
  readonly callers: Pick<TrustedCallers, 'problem'> | undefined;
  readonly publisher: Publisher | undefined;
  readonly index: ClusterIndex | undefined;
  readonly peers: Pick<Peers, 'missing'> | undefined;
}): readonly ReadinessFact[] {
  const notes: ReadinessFact[] = [{ name: 'certificate up to date', missing: certificates.problem }];
  if (callers !== undefined) notes.push({ name: 'CA of callers up to date', missing: callers.problem });
  if (publisher !== undefined) {
    const missing = () => (publisher.isPublished() ? undefined : publisher.status().join('; '));
    notes.push({ name: 'webhooks published', missing });
  }
  if (index?.status().tokenSecrets !== undefined) {
    notes.push({ name: 'token Secrets known', missing: () => index.status().tokenSecrets?.failure });
  }
  if (index?.status().mutatingWebhooks !== undefined) {
    notes.push({ name: 'foreign webhooks known', missing: () => index.status().mutatingWebhooks?.failure });
  }
  if (peers !== undefined) notes.push({ name: 'told of changes by the other replicas', missing: peers.missing });
  return notes;
}
