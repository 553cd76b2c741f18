/** Where a cluster with a node keeps its files, and what it writes down about itself. */

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The one node. Its address is of TEST-NET-1 (RFC 5737) and exists in the cluster's own network namespace only. */
export const NODE = { name: 'curfew-node', address: '192.0.2.10' } as const;

export const POD_NETWORK = '10.88.0.0/16';
export const API_SERVER = `https://${NODE.address}:6443`;
/** containerd's socket, in the cluster's own mount namespace, as all of `node`. */
const SOCKET = 'containerd.sock';

export type Layout = {
  /** Everything is below it. */
  readonly folder: string;
  /** What the outside goes by: {@link ClusterRecord} as JSON. */
  readonly record: string;
  /** There once everything is ready. */
  readonly ready: string;
  /** What process 1 of the cluster prints: why it could not start. */
  readonly initLog: string;
  readonly kubeconfig: string;
  /** Requests to process 1 of the cluster, a line of JSON each. */
  readonly control: string;
  /** A file system in memory that nobody outside sees: containers, images, pods. */
  readonly node: string;
  readonly socket: string;
};

export function layoutOf(folder: string): Layout {
  const node = join(folder, 'node');
  return {
    folder,
    record: join(folder, 'cluster.json'),
    ready: join(folder, 'ready'),
    initLog: join(folder, 'init.log'),
    kubeconfig: join(folder, 'admin.kubeconfig'),
    control: join(folder, 'control.sock'),
    node,
    socket: join(node, SOCKET),
  };
}

/** CURFEW_CLUSTER_STATE, or a folder of the user's cache. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  const own = env['CURFEW_CLUSTER_STATE'];
  if (own) return resolve(own);
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'curfew', 'cluster');
}

/** A process that is told from a later one with the same id by when it started, in ticks since the machine did. */
export type ProcessRecord = { readonly pid: number; readonly startedAt: string };

export type ClusterRecord = {
  readonly kubernetes: string;
  /** `unshare`, which ends with its child. */
  readonly outer: ProcessRecord;
  /** Process 1 of the cluster as seen from outside; all others end with it. */
  readonly init: ProcessRecord;
  /** The cgroups of containers that were on the machine before. */
  readonly cgroups: readonly string[];
};

/** The record of a living process; undefined if there is none of this id. */
export async function recordOf(pid: number): Promise<ProcessRecord | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name stands in brackets and may hold blanks; proc(5): the start is field 22, two before it are name and id.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startedAt] = [fields[0], fields[19]];
  return startedAt === undefined || state === 'Z' ? undefined : { pid, startedAt };
}

export async function isAlive({ pid, startedAt }: ProcessRecord): Promise<boolean> {
  return (await recordOf(pid))?.startedAt === startedAt;
}
