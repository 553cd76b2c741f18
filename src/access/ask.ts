/** The answer to one question: whom an identity can be, or who can be an account. */

import type { AccessGoal, AccessPath } from './access-report.ts';
import { countOthers, listGoals } from './analyze.ts';
import { compareDanger, dangerOf } from './danger.ts';
import { describePath } from './describe-path.ts';
import type { Graph } from './graph.ts';
import { accountKey, accountsInKey, subjectKey } from './graph.ts';
import type { AccessSubject } from './input.ts';
import { toAccount } from './input.ts';
import { createSearcher, measureDistances, readWay, reverseEdges } from './search.ts';

/** What of an answer is written out. */
export type Answer = { readonly paths: readonly AccessPath[]; readonly more: number };

const SUBJECT = /^(?:(User|Group|ServiceAccount):)?(.+)$/s;

/** `ServiceAccount:shop/web` or `shop/web`, `Group:devs`, `User:jane` or `jane`; undefined if it is none of these. */
export function readSubject(text: string): AccessSubject | undefined {
  const [, kind, name = ''] = SUBJECT.exec(text) ?? [];
  if (name === '') return undefined;
  if (kind === 'User') return toAccount(name) ?? { kind, name };
  if (kind === 'Group') return { kind, name };
  const [namespace = '', account = '', ...rest] = name.split('/');
  if (namespace !== '' && account !== '' && rest.length === 0)
    return { kind: 'ServiceAccount', namespace, name: account };
  if (kind === 'ServiceAccount' || name.includes('/')) return undefined;
  return toAccount(name) ?? { kind: name.startsWith('system:serviceaccounts') ? 'Group' : 'User', name };
}

/** `shop/web`, `shop/*` for every account of a namespace, `*` for every account, `cluster-admin`; else undefined. */
export function readGoal(text: string): AccessGoal | undefined {
  if (text === 'cluster-admin') return text;
  if (text === '*') return 'every-account';
  const subject = readSubject(text);
  if (subject?.namespace === undefined) return undefined;
  const { namespace, name } = subject;
  return name === '*' ? { everyAccountIn: namespace } : { namespace, name };
}

/** Undefined if nobody and nothing of this name is bound to a role, or is an account. */
export function findPathsFrom(graph: Graph, subject: AccessSubject, most: number): Answer | undefined {
  const start = graph.idOf(subjectKey(subject));
  if (start === undefined) return undefined;
  const incoming = reverseEdges(graph);
  const toAll = [graph.everything, graph.everyAccount].map((goal) => ({
    goal,
    distances: measureDistances(incoming, [goal]),
  }));
  const stepsTo = ({ distances }: (typeof toAll)[number]) => distances.steps[start] ?? Infinity;
  const nearest = Math.min(...toAll.map(stepsTo));
  const whole = toAll
    .filter((one, index) => stepsTo(one) < Infinity && (index === 0 || stepsTo(one) < stepsTo(toAll[0] ?? one)))
    .map(({ distances }) => describePath(graph, { start, edges: readWay(distances, start) }));
  const searcher = createSearcher(graph);
  const goals = listGoals(graph, start, searcher.search(start, nearest));
  const shown = goals.slice(0, Math.max(0, most - whole.length));
  return {
    paths: [
      ...whole,
      ...shown.map(({ id }) =>
        describePath(graph, { start, edges: searcher.wayTo(id), others: countOthers(graph, start, id) }),
      ),
    ],
    more: goals.length - shown.length,
  };
}

/**
 * The shortest path from each identity that is bound to a role, or from each whatever brings it.
 * Undefined if there is no such account.
 */
export function findPathsTo(
  graph: Graph,
  goal: AccessGoal,
  { most, withBuiltIn }: { readonly most: number; readonly withBuiltIn: boolean },
): Answer | undefined {
  const goals = listNodes(graph, goal);
  if (goals === undefined) return undefined;
  const distances = measureDistances(reverseEdges(graph), goals);
  const starts = [...graph.nodes.keys()].filter(
    (id) =>
      graph.nodes[id]?.type === 'subject' &&
      (distances.steps[id] ?? Infinity) < Infinity &&
      distances.steps[id] !== 0 &&
      (withBuiltIn || graph.sources.has(id)),
  );
  const sorted = starts
    .map((start) => ({
      start,
      danger: { ...dangerOf(graph, { start, to: -1, steps: distances.steps[start] ?? 0 }), goal: 0 },
    }))
    .toSorted((one, other) => compareDanger(one.danger, other.danger));
  const paths = sorted
    .slice(0, most)
    .map(({ start }) => describePath(graph, { start, edges: readWay(distances, start) }));
  return { paths, more: sorted.length - paths.length };
}

/** Every node that holds the goal: the account, its namespace, sets that it is in, all. */
function listNodes(graph: Graph, goal: AccessGoal): readonly number[] | undefined {
  if (goal === 'cluster-admin') return [graph.everything];
  const all = [graph.everything, graph.everyAccount];
  if (goal === 'every-account') return all;
  const namespace = 'everyAccountIn' in goal ? goal.everyAccountIn : goal.namespace;
  const whole = graph.idOf(accountsInKey(namespace));
  if ('everyAccountIn' in goal) {
    if (!graph.accountsIn.has(namespace)) return undefined;
    return whole === undefined ? all : [...all, whole];
  }
  const account = graph.idOf(accountKey(namespace, goal.name));
  if (account === undefined) return undefined;
  const sets = [...graph.members].flatMap(([id, members]) => (members.includes(account) ? id : []));
  return [...all, account, ...sets];
}
