/** The paths of a whole cluster, and how far each account reaches. */

import type { AccessPath, AccessReport, BlastRadius } from './access-report.ts';
import type { Danger } from './danger.ts';
import { compareDanger, dangerOf } from './danger.ts';
import { describePath } from './describe-path.ts';
import type { Edge, Graph } from './graph.ts';
import { accountsInKey } from './graph.ts';
import type { Reached, Searcher } from './search.ts';
import { createSearcher, measureDistances, readWay, reverseEdges } from './search.ts';

export type AnalyzeOptions = {
  /** True to tell also what Kubernetes itself binds. */
  readonly withBuiltIn: boolean;
  /** As many paths are described. */
  readonly mostPaths: number;
  /** False if something could not be listed. */
  readonly isComplete: boolean;
};

/** What the search may cost, as a multiple of the graph: a graph that is made for it costs its square. */
const MOST_LOOKS = 100;
const LEAST_BUDGET = 1_000_000;

/** Accounts whose reach is told. */
const MOST_ACCOUNTS = 2_000;

type Candidate = { readonly start: number; readonly to: number; readonly danger: Danger };

export function analyzeAccess(graph: Graph, options: AnalyzeOptions): AccessReport {
  const incoming = reverseEdges(graph);
  const toEverything = measureDistances(incoming, [graph.everything]);
  const toEveryAccount = measureDistances(incoming, [graph.everyAccount]);
  const stepsToAll = (id: number) => Math.min(toEverything.steps[id] ?? Infinity, toEveryAccount.steps[id] ?? Infinity);
  const searcher = createSearcher(graph);
  const budget = Math.max(LEAST_BUDGET, MOST_LOOKS * graph.edges.reduce((sum, { length }) => sum + length, 0));
  const isSource = (id: number) => options.withBuiltIn || graph.sources.has(id);
  const tally = createTally(graph);
  const candidates: Candidate[] = [];
  let isCutShort = false;
  for (const [start, node] of graph.nodes.entries()) {
    if (node.type !== 'subject' || (graph.edges[start]?.length ?? 0) === 0) continue;
    const isTold = isSource(start);
    const isCounted = isTold || (node.subject.kind === 'ServiceAccount' && !hasBinding(graph, start));
    const limit = stepsToAll(start);
    const add = (to: number, steps: number) =>
      void candidates.push({ start, to, danger: dangerOf(graph, { start, to, steps }) });
    if (limit < Infinity) tally.reachesAll(start, (toEverything.steps[start] ?? Infinity) < Infinity, isCounted);
    if (isTold && limit < Infinity) {
      const [admin = Infinity, every = Infinity] = [toEverything.steps[start], toEveryAccount.steps[start]];
      // What a group leads to is told of the group, and not again of each of its members.
      if (admin < Infinity && !isMembership(graph, toEverything.next[start])) add(graph.everything, admin);
      if (every < admin && !isMembership(graph, toEveryAccount.next[start])) add(graph.everyAccount, every);
    }
    // Who reaches all needs no search, but for what is nearer than that.
    if (limit <= 1 || (!isTold && limit < Infinity)) continue;
    isCutShort ||= searcher.looked() > budget;
    if (isCutShort) continue;
    const reached = searcher.search(start, limit);
    if (limit === Infinity) tally.reaches(start, reached, isCounted);
    if (!isTold) continue;
    for (const { id, steps, way } of listGoals(graph, start, reached))
      if (!isMembership(graph, way()[0])) add(id, steps);
  }
  const told = candidates.toSorted((one, other) => compareDanger(one.danger, other.danger));
  const paths = told.slice(0, options.mostPaths).map(({ start, to, danger: { steps } }) => {
    if (to === graph.everything) return describePath(graph, { start, edges: readWay(toEverything, start) });
    if (to === graph.everyAccount) return describePath(graph, { start, edges: readWay(toEveryAccount, start) });
    return describeFound(graph, searcher, { start, to, steps });
  });
  const radius = tally.list();
  return {
    complete: options.isComplete,
    paths,
    more: told.length - paths.length,
    ...(isCutShort ? { atLeast: true as const } : {}),
    blastRadius: radius.slice(0, MOST_ACCOUNTS),
    blastRadiusMore: Math.max(0, radius.length - MOST_ACCOUNTS),
    subjects: graph.subjects,
    bindings: graph.bindings,
    rules: graph.rules,
  };
}

/** The path to one goal that was found before: only those that are told are searched again. */
function describeFound(
  graph: Graph,
  searcher: Searcher,
  { start, to, steps }: { readonly start: number; readonly to: number; readonly steps: number },
): AccessPath {
  const way =
    searcher
      .search(start, steps + 1)
      .find(({ id }) => id === to)
      ?.way() ?? [];
  return describePath(graph, { start, edges: way, others: countOthers(graph, start, to) });
}

/** Accounts of a set but for the one that is named, and the one that asks. */
export function countOthers(graph: Graph, start: number, to: number): number {
  if (graph.nodes[to]?.type !== 'some') return 0;
  const members = graph.members.get(to) ?? [];
  return members.length - 1 - (members.includes(start) ? 1 : 0);
}

/** What of the nodes that were reached is told: accounts and sets, each but once, and none that a larger one holds. */
export function listGoals(graph: Graph, start: number, reached: readonly Reached[]): readonly Reached[] {
  const whole = new Map<string, number>();
  for (const { id, steps } of reached) {
    const node = graph.nodes[id];
    if (node?.type === 'accounts-in') whole.set(node.namespace, steps);
  }
  const isHeld = (account: number, steps: number) => {
    const node = graph.nodes[account];
    if (node?.type !== 'subject' || node.subject.namespace === undefined) return true;
    return account === start || (whole.get(node.subject.namespace) ?? Infinity) <= steps;
  };
  const told = new Set<number>();
  return reached.filter(({ id, steps }) => {
    const node = graph.nodes[id];
    switch (node?.type) {
      case 'accounts-in':
        return (
          (graph.members.get(id) ?? []).some((member) => member !== start) || !graph.accountsIn.has(node.namespace)
        );
      case 'some': {
        const members = graph.members.get(id) ?? [];
        const isNew = members.some((member) => !told.has(member) && !isHeld(member, steps));
        for (const member of members) told.add(member);
        return isNew;
      }
      case 'subject':
        if (isHeld(id, steps) || told.has(id)) return false;
        told.add(id);
        return true;
      default:
        return false;
    }
  });
}

function isMembership({ nodes }: Graph, first: Edge | undefined): boolean {
  return first !== undefined && first.step === undefined && nodes[first.to]?.type === 'subject';
}

function hasBinding({ edges }: Graph, id: number): boolean {
  return edges[id]?.some(({ binding, step }) => binding !== undefined || step !== undefined) === true;
}

/** How many accounts each account reaches, and how many identities reach it. */
function createTally(graph: Graph) {
  const total = [...graph.accountsIn.values()].reduce((sum, { length }) => sum + length, 0);
  const all = new Map<number, boolean>();
  const some = new Map<number, { readonly reaches: number; readonly namespaces: number }>();
  const byAll = { count: 0, accounts: new Set<number>() };
  const byNamespace = new Map<string, Set<number>>();
  const byAccount = new Map<number, number>();
  const namespaceOf = (id: number) => {
    const node = graph.nodes[id];
    return node?.type === 'subject' ? (node.subject.namespace ?? '') : '';
  };

  return {
    reachesAll(start: number, isAdmin: boolean, isCounted: boolean): void {
      all.set(start, isAdmin);
      if (!isCounted) return;
      byAll.count += 1;
      byAll.accounts.add(start);
    },
    reaches(start: number, reached: readonly Reached[], isCounted: boolean): void {
      const whole = new Set<string>();
      const single = new Set<number>();
      for (const { id } of reached) {
        const node = graph.nodes[id];
        if (node?.type === 'accounts-in') whole.add(node.namespace);
        else if (node?.type === 'subject' && node.subject.namespace !== undefined) single.add(id);
        else if (node?.type === 'some') for (const member of graph.members.get(id) ?? []) single.add(member);
      }
      single.delete(start);
      const rest = [...single].filter((id) => !whole.has(namespaceOf(id)));
      const own = namespaceOf(start);
      let count = rest.length - (whole.has(own) ? 1 : 0);
      for (const namespace of whole) count += graph.accountsIn.get(namespace)?.length ?? 0;
      const namespaces = new Set([...whole, ...rest.map(namespaceOf)]);
      if (whole.has(own) && (graph.accountsIn.get(own)?.length ?? 0) <= 1) namespaces.delete(own);
      some.set(start, { reaches: count, namespaces: namespaces.size });
      if (!isCounted) return;
      for (const namespace of whole) byNamespace.set(namespace, (byNamespace.get(namespace) ?? new Set()).add(start));
      for (const id of rest) byAccount.set(id, (byAccount.get(id) ?? 0) + 1);
    },
    /** Of every account that reaches another, or runs in pods. */
    list(): readonly BlastRadius[] {
      const rows: BlastRadius[] = [];
      for (const [namespace, accounts] of graph.accountsIn) {
        const reachers = byNamespace.get(namespace);
        for (const id of accounts) {
          const node = graph.nodes[id];
          if (node?.type !== 'subject') continue;
          const podsRunning = graph.podsOf.get(id) ?? 0;
          const reach = all.has(id)
            ? { reaches: total - 1, namespaces: graph.accountsIn.size }
            : (some.get(id) ?? { reaches: 0, namespaces: 0 });
          if (reach.reaches === 0 && podsRunning === 0 && all.get(id) !== true) continue;
          rows.push({
            account: { namespace, name: node.subject.name },
            ...reach,
            clusterAdmin: all.get(id) === true,
            reachedBy:
              byAll.count -
              (byAll.accounts.has(id) ? 1 : 0) +
              (reachers?.size ?? 0) -
              (reachers?.has(id) === true ? 1 : 0) +
              (byAccount.get(id) ?? 0),
            podsRunning,
          });
        }
      }
      return rows.toSorted(compareRadius);
    },
  };
}

/** Those that reach most first, and of those the ones that most reach. */
function compareRadius(one: BlastRadius, other: BlastRadius): number {
  const key = ({ clusterAdmin, reaches, podsRunning, reachedBy }: BlastRadius) => [
    Number(clusterAdmin),
    reaches,
    Math.min(podsRunning, 1),
    reachedBy,
  ];
  const [a, b] = [key(one), key(other)];
  for (const [index, value] of a.entries()) {
    const difference = (b[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  const name = ({ account }: BlastRadius) => accountsInKey(`${account.namespace}/${account.name}`);
  return name(one) < name(other) ? -1 : 1;
}
