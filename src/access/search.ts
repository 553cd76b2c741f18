/** Shortest ways through the graph, where only steps count: the first that is found is the shortest. */

import type { Edge, Graph } from './graph.ts';

const FAR = Number.POSITIVE_INFINITY;

/** How far each node is from a goal, in steps, and the edge that leads there. */
export type Distances = {
  readonly steps: Float64Array;
  /** The edge to leave each node by. */
  readonly next: readonly (Edge | undefined)[];
};

type Incoming = readonly { readonly from: number; readonly edge: Edge }[];

/** What leads to each node. */
export function reverseEdges({ edges }: Graph): readonly Incoming[] {
  const incoming: { readonly from: number; readonly edge: Edge }[][] = edges.map(() => []);
  for (const [from, all] of edges.entries()) for (const edge of all) incoming[edge.to]?.push({ from, edge });
  return incoming;
}

/** How far every node is from the nearest of `goals`: each edge is looked at once. */
export function measureDistances(incoming: readonly Incoming[], goals: Iterable<number>): Distances {
  const steps = new Float64Array(incoming.length).fill(FAR);
  const next: (Edge | undefined)[] = Array.from({ length: incoming.length });
  let level: number[] = [];
  for (const goal of goals) {
    steps[goal] = 0;
    level.push(goal);
  }
  for (let distance = 0; level.length > 0; distance += 1) {
    const further: number[] = [];
    for (let id = level.pop(); id !== undefined; id = level.pop()) {
      if (steps[id] === distance) arrive(id, { distance, level, further });
    }
    level = further;
  }
  return { steps, next };

  function arrive(id: number, { distance, level, further }: { distance: number; level: number[]; further: number[] }) {
    for (const { from, edge } of incoming[id] ?? []) {
      const reached = edge.step === undefined ? distance : distance + 1;
      if ((steps[from] ?? FAR) <= reached) continue;
      steps[from] = reached;
      next[from] = edge;
      (edge.step === undefined ? level : further).push(from);
    }
  }
}

/** The edges from `start` to a goal. */
export function readWay({ next }: Distances, start: number): readonly Edge[] {
  const way: Edge[] = [];
  for (let edge = next[start]; edge !== undefined; edge = next[edge.to]) way.push(edge);
  return way;
}

/** A node that a search came to, and how far it is. */
export type Reached = { readonly id: number; readonly steps: number };

export type Searcher = {
  /** All that is reached from `start` in fewer than `limit` steps, the nearest first, each once; without `start`. */
  search(start: number, limit: number): readonly Reached[];
  /** The edges to a node that the last search came to. */
  wayTo(id: number): readonly Edge[];
  /** Edges looked at so far. */
  readonly looked: () => number;
};

/** Searches that share what they note, so that one costs no more than what it reaches. */
export function createSearcher({ edges, nodes }: Graph): Searcher {
  const seen = new Uint32Array(nodes.length);
  const from = new Int32Array(nodes.length);
  const by: (Edge | undefined)[] = Array.from({ length: nodes.length });
  let round = 0;
  let looked = 0;

  function search(start: number, limit: number): readonly Reached[] {
    round += 1;
    seen[start] = round;
    from[start] = -1;
    const found: Reached[] = [];
    let level = [start];
    for (let steps = 0; level.length > 0 && steps < limit; steps += 1) {
      // What the nodes of a level lead to without a step is of the same level: it grows while it is gone through.
      for (const id of level) {
        if (id !== start) found.push({ id, steps });
        leave(id, { byStep: false, into: level });
      }
      const further: number[] = [];
      for (const id of level) leave(id, { byStep: true, into: further });
      level = further;
    }
    return found;
  }

  function leave(id: number, { byStep, into }: { readonly byStep: boolean; readonly into: number[] }): void {
    for (const edge of edges[id] ?? []) {
      looked += 1;
      if ((edge.step !== undefined) !== byStep || seen[edge.to] === round) continue;
      seen[edge.to] = round;
      from[edge.to] = id;
      by[edge.to] = edge;
      into.push(edge.to);
    }
  }

  function wayTo(id: number): readonly Edge[] {
    const way: Edge[] = [];
    for (let at = id; from[at] !== undefined && from[at] !== -1; at = from[at] ?? -1) {
      const edge = by[at];
      if (edge !== undefined) way.push(edge);
    }
    return way.toReversed();
  }

  return { search, wayTo, looked: () => looked };
}
