/** What costs nothing: to be in a group that nobody is put into, and what the accounts of a set lead on to. */

import type { GraphStore } from './graph.ts';

const EVERYBODY = 'Group:system:authenticated';

/** From each identity to the groups it is always in, where something is bound to these. */
export function linkGroups(store: GraphStore): void {
  const leading = (key: string) => {
    const id = store.idOf(key);
    return id !== undefined && (store.edges[id]?.length ?? 0) > 0 ? id : undefined;
  };
  const [everybody, accounts] = [leading(EVERYBODY), leading('Group:system:serviceaccounts')];
  for (const [id, node] of store.nodes.entries()) {
    if (node.type !== 'subject') continue;
    const { kind, namespace, name } = node.subject;
    const groups =
      kind === 'ServiceAccount'
        ? [leading(`Group:system:serviceaccounts:${namespace}`), accounts, everybody]
        : [everybody];
    if (name === 'system:unauthenticated' || name === 'system:anonymous') continue;
    for (const to of groups) if (to !== undefined && to !== id) store.link(id, { to });
  }
}

/**
 * From each set to those of its accounts that lead anywhere the others do not: of a thousand accounts with the same role one
 * is enough to go on from. What leads back into the set is nothing new.
 */
export function linkSets(store: GraphStore): void {
  for (const [set, members] of store.members) {
    const node = store.nodes[set];
    if (node?.type === 'some' && node.isLimited) continue;
    const within = new Set(members).add(set);
    const seen = new Set<number>();
    for (const member of members) {
      const known = seen.size;
      for (const to of listNext(store, member).filter((to) => !within.has(to))) seen.add(to);
      if (seen.size > known) store.link(set, { to: member });
    }
  }
}

/** Where an account leads by one step, and the groups that it is in. */
function listNext(store: GraphStore, account: number): readonly number[] {
  return (store.edges[account] ?? []).flatMap(({ to }) =>
    store.nodes[to]?.type === 'role' ? (store.edges[to] ?? []).map((edge) => edge.to) : to,
  );
}
