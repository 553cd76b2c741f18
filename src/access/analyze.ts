/** The paths of a whole cluster, and how far each account reaches. */

import type { AccessPath, AccessReport } from './access-report.ts';
import { createTally } from './blast-radius.ts';
import type { Danger } from './danger.ts';
import { compareDanger, dangerOf } from './danger.ts';
import { describePath } from './describe-path.ts';
import type { Edge, Graph } from './graph.ts';
import type { Reached } from './search.ts';
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

/** Of who reaches every account in the end, what is further away than this is not told by itself. */
const MOST_STEPS_BEFORE_ALL = 2;

/** Accounts of a set that are looked at one by one, for each identity that reaches it. */
const MOST_COMPARED = 50;

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
    if (limit < Infinity)
      tally.reachesAll(start, { isAdmin: (toEverything.steps[start] ?? Infinity) < Infinity, isCounted });
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
    const reached = searcher.search(start, limit === Infinity ? limit : Math.min(limit, MOST_STEPS_BEFORE_ALL + 1));
    if (limit === Infinity) tally.reaches(start, reached, isCounted);
    if (!isTold) continue;
    for (const { id, steps } of listGoals(graph, start, reached))
      if (!isMembership(graph, searcher.wayTo(id)[0])) add(id, steps);
  }
  const told = candidates.toSorted((one, other) => compareDanger(one.danger, other.danger));
  const paths = describeTold(told.slice(0, options.mostPaths));
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

  /** Ways are not kept: those that are told are found again, from each identity all at once. */
  function describeTold(shown: readonly Candidate[]): readonly AccessPath[] {
    const described = new Map<Candidate, AccessPath>();
    for (const [start, ofStart] of Map.groupBy(shown, (candidate) => candidate.start)) {
      searcher.search(start, Math.max(...ofStart.map(({ danger }) => danger.steps)) + 1);
      for (const candidate of ofStart) {
        const { to } = candidate;
        const all = to === graph.everything ? toEverything : toEveryAccount;
        const isAll = to === graph.everything || to === graph.everyAccount;
        const edges = isAll ? readWay(all, start) : searcher.wayTo(to);
        described.set(candidate, describePath(graph, { start, edges, others: countOthers(graph, start, to) }));
      }
    }
    return shown.flatMap((candidate) => described.get(candidate) ?? []);
  }
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
        // Of many it is not asked whether each of them is told already.
        if (members.length > MOST_COMPARED) return !members.slice(0, MOST_COMPARED).every((one) => isHeld(one, steps));
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
