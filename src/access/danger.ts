/** Which paths an administrator wants to read first. */

import type { Graph } from './graph.ts';
import type { AccessSubject } from './input.ts';

/** Compared part by part; less is more dangerous. */
export type Danger = {
  /** What it ends at: everything, every account, those of kube-system, of another namespace, some, one. */
  readonly goal: number;
  /** Who it begins at: everybody, a service account, people. */
  readonly who: number;
  readonly steps: number;
  readonly names: string;
};

const EVERYBODY = /^system:(authenticated|unauthenticated|anonymous|serviceaccounts(:.*)?)$/;
/** Whom people are bound to everything on purpose. */
const MEANT = 10;

export function dangerOf(
  graph: Graph,
  { start, to, steps }: { readonly start: number; readonly to: number; readonly steps: number },
): Danger {
  const from = graph.nodes[start];
  const subject = from?.type === 'subject' ? from.subject : undefined;
  const who = subject === undefined ? 2 : rankSubject(subject);
  // A person who is an administrator in one step is meant to be one: it is told after all that is not obvious.
  const isMeant = to === graph.everything && steps === 1 && who === 2 && isDirect(graph, start);
  return {
    goal: isMeant ? MEANT : rankGoal(graph, to),
    who,
    steps,
    names: subject === undefined ? '' : toText(subject),
  };
}

export function compareDanger(one: Danger, other: Danger): number {
  return (
    one.goal - other.goal ||
    one.who - other.who ||
    one.steps - other.steps ||
    (one.names < other.names ? -1 : Number(one.names > other.names))
  );
}

function rankSubject({ kind, name }: AccessSubject): number {
  if (EVERYBODY.test(name)) return 0;
  return kind === 'ServiceAccount' ? 1 : 2;
}

function rankGoal({ nodes, everything, everyAccount }: Graph, id: number): number {
  if (id === everything) return 0;
  if (id === everyAccount) return 1;
  const node = nodes[id];
  if (node?.type === 'accounts-in') return node.namespace === 'kube-system' ? 2 : 4;
  if (node?.type === 'subject') return node.subject.namespace === 'kube-system' ? 3 : 6;
  return 5;
}

function isDirect({ nodes, edges }: Graph, start: number): boolean {
  return (edges[start] ?? []).some(({ to }) => {
    const node = nodes[to];
    return node?.type === 'role' && node.role.rights.isEverything;
  });
}

function toText({ namespace, name }: AccessSubject): string {
  return `${namespace ?? ''}/${name}`;
}
