/** How many accounts each account reaches, and how many identities reach it. */

import type { BlastRadius } from './access-report.ts';
import type { Graph } from './graph.ts';
import type { Reached } from './search.ts';

export type Tally = {
  /** Of an identity that reaches every account; `isCounted` if it counts among those that reach others. */
  reachesAll(start: number, how: { readonly isAdmin: boolean; readonly isCounted: boolean }): void;
  reaches(start: number, reached: readonly Reached[], isCounted: boolean): void;
  /** Of every account that reaches another, or runs in pods; the most dangerous first. */
  list(): readonly BlastRadius[];
};

export function createTally(graph: Graph): Tally {
  const size = graph.nodes.length;
  const namespaces = [...graph.accountsIn.keys()];
  const numberOf = new Map(namespaces.map((namespace, number) => [namespace, number]));
  const counts = Array.from(graph.accountsIn.values(), ({ length }) => length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  /** The number of the namespace of each account, -1 of what is none. */
  const home = new Int32Array(size).fill(-1);
  for (const [namespace, accounts] of graph.accountsIn)
    for (const id of accounts) home[id] = numberOf.get(namespace) ?? -1;
  const all = new Map<number, boolean>();
  const some = new Map<number, { readonly reaches: number; readonly namespaces: number }>();
  const byAll = { count: 0, accounts: new Set<number>() };
  const byNamespace: Set<number>[] = namespaces.map(() => new Set());
  const byAccount = new Uint32Array(size);
  // What is noted of one identity is void for the next.
  const seen = new Uint32Array(size);
  const whole = new Uint32Array(namespaces.length);
  const touched = new Uint32Array(namespaces.length);
  let round = 0;
  let spaces = 0;

  function touch(number: number): void {
    if (touched[number] === round) return;
    touched[number] = round;
    spaces += 1;
  }

  /** Every account of a namespace. */
  function reachNamespace(namespace: string, start: number): number {
    const number = numberOf.get(namespace) ?? -1;
    if (number === -1 || whole[number] === round) return 0;
    whole[number] = round;
    const isOwn = home[start] === number;
    const count = (counts[number] ?? 0) - (isOwn ? 1 : 0);
    if (count > 0) touch(number);
    return count;
  }

  /** One account, that is in none of those namespaces; true if it is new. */
  function reachAccount(id: number, start: number): boolean {
    const number = home[id] ?? -1;
    if (number === -1 || id === start || seen[id] === round || whole[number] === round) return false;
    seen[id] = round;
    touch(number);
    return true;
  }

  return {
    reachesAll(start, { isAdmin, isCounted }) {
      all.set(start, isAdmin);
      if (!isCounted) return;
      byAll.count += 1;
      byAll.accounts.add(start);
    },
    reaches(start, reached, isCounted) {
      round += 1;
      spaces = 0;
      let reaches = 0;
      for (const { id } of reached) {
        const node = graph.nodes[id];
        if (node?.type !== 'accounts-in') continue;
        reaches += reachNamespace(node.namespace, start);
        if (isCounted) byNamespace[numberOf.get(node.namespace) ?? -1]?.add(start);
      }
      const add = (id: number) => {
        if (!reachAccount(id, start)) return;
        reaches += 1;
        if (isCounted) byAccount[id] = (byAccount[id] ?? 0) + 1;
      };
      for (const { id } of reached) {
        add(id);
        if (graph.nodes[id]?.type === 'some') for (const member of graph.members.get(id) ?? []) add(member);
      }
      if (home[start] === -1) return;
      some.set(start, { reaches, namespaces: spaces });
    },
    list() {
      const rows: BlastRadius[] = [];
      for (const [number, namespace] of namespaces.entries()) {
        for (const id of graph.accountsIn.get(namespace) ?? []) {
          const row = describe(id, { number, namespace });
          if (row.reaches > 0 || row.podsRunning > 0 || row.clusterAdmin) rows.push(row);
        }
      }
      return rows.toSorted(compareRadius);
    },
  };

  function describe(
    id: number,
    { number, namespace }: { readonly number: number; readonly namespace: string },
  ): BlastRadius {
    const node = graph.nodes[id];
    const reachers = byNamespace[number];
    const reach = all.has(id)
      ? { reaches: total - 1, namespaces: namespaces.length }
      : (some.get(id) ?? { reaches: 0, namespaces: 0 });
    return {
      account: { namespace, name: node?.type === 'subject' ? node.subject.name : '' },
      ...reach,
      clusterAdmin: all.get(id) === true,
      reachedBy:
        byAll.count -
        Number(byAll.accounts.has(id)) +
        (reachers?.size ?? 0) -
        Number(reachers?.has(id) === true) +
        (byAccount[id] ?? 0),
      podsRunning: graph.podsOf.get(id) ?? 0,
    };
  }
}

/** Those that reach most first, and of those the ones that most reach. */
function compareRadius(one: BlastRadius, other: BlastRadius): number {
  return (
    Number(other.clusterAdmin) - Number(one.clusterAdmin) ||
    other.reaches - one.reaches ||
    Math.min(other.podsRunning, 1) - Math.min(one.podsRunning, 1) ||
    other.reachedBy - one.reachedBy ||
    (nameOf(one) < nameOf(other) ? -1 : 1)
  );
}

function nameOf({ account }: BlastRadius): string {
  return `${account.namespace}/${account.name}`;
}
