/** The access graph of a cluster and nothing else, for a question about it: an audit draws it of what it reads anyway. */

import type { AccessInput } from '../access/input.ts';
import type { KubeClient } from '../kube/api.ts';
import { asArray, asString, member } from '../objects/json.ts';
import type { DrawnAccess } from './access-book.ts';
import { ACCESS_KINDS, createAccessBook, drawAccess, noteAccess } from './access-book.ts';
import type { ClusterFault } from './read-cluster.ts';
import { listKinds } from './read-cluster.ts';

/** Paths that a report writes out. */
export const MOST_PATHS = 200;

export type ReadAccessOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly signal: AbortSignal;
};

/** Reads and draws; what cannot be listed is a fault, and the graph is drawn of the rest. */
export async function readAccess(options: ReadAccessOptions, faults: ClusterFault[]): Promise<DrawnAccess> {
  const book = createAccessBook();
  const everywhere = { ...options, namespace: undefined };
  for await (const subject of listKinds(ACCESS_KINDS, everywhere, faults)) noteAccess(book, subject);
  return drawAccess(book, { ...(await readServed(options)), unread: faults });
}

/** `v1.37.2` → 37; undefined of what is no such version. */
export function toMinorVersion(gitVersion: string | undefined): number | undefined {
  const [, minor] = /^v\d+\.(\d+)/.exec(gitVersion ?? '') ?? [];
  return minor === undefined ? undefined : Number(minor);
}

/** What is open to everybody who has a token; where it is not, any version and any API are assumed. */
async function readServed({
  client,
  signal,
}: ReadAccessOptions): Promise<Pick<AccessInput, 'minorVersion' | 'apiGroups'>> {
  const get = async (path: string): Promise<unknown> => {
    try {
      const { status, body } = await client.request({ method: 'GET', path, signal });
      return status === 200 ? body : undefined;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  const groups = member(await get('/apis'), 'groups');
  return {
    minorVersion: toMinorVersion(asString(member(await get('/version'), 'gitVersion'))),
    apiGroups:
      groups === undefined
        ? undefined
        : new Set(asArray(groups).flatMap((group) => asString(member(group, 'name')) ?? [])),
  };
}
