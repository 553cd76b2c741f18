/**
 * What the access graph takes of a cluster, page by page, as narrow projections: roles and bindings, accounts, running pods,
 * and the metadata of token Secrets. Nothing of a Secret's data leaves the API server.
 */

import type { AccessReport } from '../access/access-report.ts';
import { analyzeAccess } from '../access/analyze.ts';
import { buildGraph } from '../access/build-graph.ts';
import type { Graph } from '../access/graph.ts';
import type { AccessInput } from '../access/input.ts';
import { toAccessAccount, toAccessBinding, toAccessPod, toAccessRole, toAccessSecret } from '../access/input.ts';
import type { KubeClient } from '../kube/api.ts';
import { listAll } from '../kube/list-all.ts';
import { METADATA_LIST, TOKEN_SECRETS } from '../kube/metadata.ts';
import { describeError } from '../kube/sentences.ts';
import type { JsonObject } from '../objects/json.ts';
import { asArray, asString, isObject, member } from '../objects/json.ts';
import type { ClusterFault } from './read-cluster.ts';

/** Paths that a report writes out. */
export const MOST_PATHS = 200;

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export type ReadAccessOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly signal: AbortSignal;
};

export type ReadAccess = {
  readonly graph: Graph;
  /** False if something could not be listed. */
  readonly isComplete: boolean;
};

/** Reads and draws; what cannot be listed is a fault, once, and the graph is drawn of the rest. */
export async function readAccess(options: ReadAccessOptions, faults: ClusterFault[]): Promise<ReadAccess> {
  const { client, signal } = options;
  let isComplete = true;
  const told = new Set(faults.map(({ message }) => message));

  async function* read<T>(
    query: { readonly path: string; readonly query?: Readonly<Record<string, string>>; readonly accept?: string },
    project: (object: JsonObject) => T | undefined,
  ): AsyncIterable<T> {
    try {
      for await (const page of listAll(client, query, signal)) {
        yield* page.filter(isObject).flatMap((object) => project(object) ?? []);
      }
    } catch (error) {
      signal.throwIfAborted();
      isComplete = false;
      const message = describeError(error);
      if (!told.has(message)) faults.push({ message });
      told.add(message);
    }
  }
  const all = async <T>(...lists: readonly AsyncIterable<T>[]): Promise<T[]> => {
    const found: T[] = [];
    for (const list of lists) for await (const one of list) found.push(one);
    return found;
  };

  const roles = await all(
    read({ path: `${RBAC}/roles` }, (object) => toAccessRole(object, 'Role')),
    read({ path: `${RBAC}/clusterroles` }, (object) => toAccessRole(object, 'ClusterRole')),
  );
  const bindings = await all(
    read({ path: `${RBAC}/rolebindings` }, (object) => toAccessBinding(object, 'RoleBinding')),
    read({ path: `${RBAC}/clusterrolebindings` }, (object) => toAccessBinding(object, 'ClusterRoleBinding')),
  );
  const pods = await all(read({ path: '/api/v1/pods' }, toAccessPod));
  const secrets = await all(
    read({ path: TOKEN_SECRETS.path, query: TOKEN_SECRETS.query, accept: TOKEN_SECRETS.listAccept }, toAccessSecret),
  );
  const before = isComplete;
  isComplete = true;
  const accounts = await all(read({ path: '/api/v1/serviceaccounts', accept: METADATA_LIST }, toAccessAccount));
  const input: AccessInput = {
    roles,
    bindings,
    pods,
    secrets,
    accounts: isComplete ? accounts : undefined,
    ...(await readVersions(options)),
  };
  return { graph: buildGraph(input), isComplete: before && isComplete };
}

/** The same as a report. */
export async function reportAccess(options: ReadAccessOptions, faults: ClusterFault[]): Promise<AccessReport> {
  const { graph, isComplete } = await readAccess(options, faults);
  return analyzeAccess(graph, { withBuiltIn: false, mostPaths: MOST_PATHS, isComplete });
}

/** What is open to everybody who has a token; where it is not, any version and any API are assumed. */
async function readVersions({
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
  const minor = Number.parseInt(asString(member(await get('/version'), 'minor')) ?? '', 10);
  const groups = member(await get('/apis'), 'groups');
  return {
    minorVersion: Number.isNaN(minor) ? undefined : minor,
    apiGroups:
      groups === undefined
        ? undefined
        : new Set(asArray(groups).flatMap((group) => asString(member(group, 'name')) ?? [])),
  };
}
