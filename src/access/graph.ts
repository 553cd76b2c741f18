/**
 * Identities, roles where they are bound, and sets of accounts, with what leads from one to the next. An edge without a step
 * costs nothing: to be bound to a role, to be in a group or a set. A step uses a right. Sets keep the graph linear in what it
 * is made of: who may make tokens in a namespace has one edge to `every account in it`, and not one an account.
 */

import type { AccessRole, AccessSubject } from './input.ts';

/** How a right yields a token, or the powers of an account. */
export type How =
  | 'token-request'
  | 'secret-read'
  | 'secret-create'
  | 'pod-create'
  | 'workload-create'
  | 'custom-resource'
  | 'pod-exec'
  | 'ephemeral-container'
  | 'impersonate'
  | 'bind'
  | 'escalate'
  | 'node-proxy'
  | 'webhook-configuration'
  | 'certificate'
  | 'everything'
  | 'is-account';

export type RoleRef = { readonly kind: AccessRole['kind']; readonly namespace?: string; readonly name: string };
export type BindingRef = {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
  readonly namespace?: string;
  readonly name: string;
};
export type Through = RoleRef & { readonly binding: BindingRef };

export type Step = {
  readonly how: How;
  /** `create serviceaccounts/token in shop`. */
  readonly right: string;
  /** Of a step that takes rights of several roles: one of them. Else it is the role that the edge leaves. */
  readonly through?: Through;
};

export type Edge = {
  readonly to: number;
  /** By which its subject is bound to the role that it leads to. */
  readonly binding?: BindingRef;
  readonly step?: Step;
};

export type GraphNode =
  | { readonly type: 'subject'; readonly subject: AccessSubject }
  | { readonly type: 'role'; readonly role: AccessRole; readonly scope: string }
  | { readonly type: 'everything' }
  | { readonly type: 'every-account' }
  | { readonly type: 'accounts-in'; readonly namespace: string }
  /** Some accounts, such as those of the pods of a node; `isLimited` if not all that they may do is had. */
  | { readonly type: 'some'; readonly text: string; readonly isLimited: boolean }
  /** Leads on, and is nothing that somebody reaches: all users, all roles of a namespace. */
  | { readonly type: 'link' };

export type Graph = {
  readonly nodes: readonly GraphNode[];
  /** What leads away from each node. */
  readonly edges: readonly (readonly Edge[])[];
  /** Accounts in each node of type `some` or `accounts-in`. */
  readonly members: ReadonlyMap<number, readonly number[]>;
  readonly everything: number;
  readonly everyAccount: number;
  readonly idOf: (key: string) => number | undefined;
  /** Numbers of the accounts that are there, by namespace. */
  readonly accountsIn: ReadonlyMap<string, readonly number[]>;
  /** Those whom somebody has bound to a role, and not Kubernetes itself. */
  readonly sources: ReadonlySet<number>;
  /** Of each account with pods that run: how many. */
  readonly podsOf: ReadonlyMap<number, number>;
  readonly subjects: number;
  readonly bindings: number;
  readonly rules: number;
};

export type GraphStore = {
  readonly nodes: GraphNode[];
  readonly edges: Edge[][];
  readonly members: Map<number, readonly number[]>;
  readonly idOf: (key: string) => number | undefined;
  /** The number of the node of this key; makes it if there is none yet. */
  readonly add: (key: string, node: () => GraphNode, made?: (id: number) => void) => number;
  readonly link: (from: number, edge: Edge) => void;
};

export function createStore(): GraphStore {
  const ids = new Map<string, number>();
  const nodes: GraphNode[] = [];
  const edges: Edge[][] = [];
  return {
    nodes,
    edges,
    members: new Map(),
    idOf: (key) => ids.get(key),
    add(key, node, made) {
      const known = ids.get(key);
      if (known !== undefined) return known;
      const id = nodes.length;
      ids.set(key, id);
      nodes.push(node());
      edges.push([]);
      made?.(id);
      return id;
    },
    link: (from, edge) => void edges[from]?.push(edge),
  };
}

export const EVERYTHING = 'everything';
export const EVERY_ACCOUNT = 'every-account';

/** The key of an identity, which people write too: `User:jane`, `ServiceAccount:shop/web`. */
export function subjectKey({ kind, namespace, name }: AccessSubject): string {
  return `${kind}:${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

export function accountKey(namespace: string, name: string): string {
  return `ServiceAccount:${namespace}/${name}`;
}

export function accountsInKey(namespace: string): string {
  return `accounts-in:${namespace}`;
}
