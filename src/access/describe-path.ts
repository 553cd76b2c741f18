/** A way through the graph as steps and as a sentence. */

import type { AccessGoal, AccessPath, AccessStep } from './access-report.ts';
import type { BindingRef, Edge, Graph, RoleRef, Through } from './graph.ts';
import type { AccessRole, AccessSubject } from './input.ts';
import { describeScope } from './single-rights.ts';

/** Of a role that nobody is bound to yet: the step before makes the binding. */
const MADE: BindingRef = { kind: 'RoleBinding', name: '(made in the step before)' };

export type Way = {
  readonly start: number;
  readonly edges: readonly Edge[];
  /** Accounts that the same steps lead to, beside the one that is named. */
  readonly others?: number;
};

export function describePath(graph: Graph, { start, edges: way, others = 0 }: Way): AccessPath {
  const from = subjectAt(graph, start) ?? { kind: 'Group', name: '' };
  const steps = listSteps(graph, start, way);
  const to = goalAt(graph, way.at(-1)?.to ?? start);
  return {
    from,
    to,
    ...(others > 0 ? { others } : {}),
    steps,
    sentence: `${formatSubject(from)} ${steps.map(describeStep).join(', then ')}${others > 0 ? `, and so ${others} more` : ''}`,
  };
}

/** `ServiceAccount shop/web`, `User jane`. */
export function formatSubject({ kind, namespace, name }: AccessSubject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

export function formatGoal(goal: AccessGoal): string {
  if (goal === 'cluster-admin') return 'cluster-admin';
  if (goal === 'every-account') return 'every account';
  return 'everyAccountIn' in goal ? `every account in ${goal.everyAccountIn}` : `${goal.namespace}/${goal.name}`;
}

function describeStep({ how, right, to }: AccessStep): string {
  const whom = typeof to === 'string' ? to : formatSubject(to);
  switch (how) {
    case 'token-request':
      return `makes a token of ${whom} (${right})`;
    case 'secret-read':
      return `reads a token Secret of ${whom} (${right})`;
    case 'secret-create':
      return `writes a token Secret for ${whom} and reads it, unless Curfew refuses it (${right})`;
    case 'pod-create':
    case 'workload-create':
    case 'custom-resource':
      return `runs a pod as ${whom} (${right})`;
    case 'pod-exec':
    case 'ephemeral-container':
      return `enters a pod of ${whom} (${right})`;
    case 'impersonate':
      return `acts as ${whom} (${right})`;
    case 'bind':
      return `binds itself to ${whom} (${right})`;
    case 'escalate':
      return `writes every right into its own role: ${whom} (${right})`;
    case 'node-proxy':
      return `runs commands in a pod of ${whom} through the kubelet (${right})`;
    case 'webhook-configuration':
      return `sees or changes what is written, and so has ${whom} (${right})`;
    case 'certificate':
      return `gets a certificate in the name of ${whom} (${right})`;
    case 'everything':
      return `may do everything: ${whom}`;
    case 'is-account':
      return `is ${whom} (${right})`;
  }
}

function listSteps(graph: Graph, start: number, way: readonly Edge[]): readonly AccessStep[] {
  const steps: AccessStep[] = [];
  let at = start;
  let binding: BindingRef | undefined;
  for (const [index, edge] of way.entries()) {
    if (edge.step !== undefined) {
      const { how, right, through } = edge.step;
      const node = graph.nodes[at];
      const role = node?.type === 'role' ? toRoleRef(node.role) : undefined;
      steps.push({ how, right, through: through ?? toThrough(role, binding), to: nameAfter(graph, way.slice(index)) });
    }
    binding = edge.binding;
    at = edge.to;
  }
  return steps;
}

function toThrough(role: RoleRef | undefined, binding: BindingRef | undefined): Through {
  return { ...(role ?? { kind: 'ClusterRole', name: '' }), binding: binding ?? MADE };
}

function toRoleRef({ kind, namespace, name }: AccessRole): RoleRef {
  return { kind, name, ...(namespace === '' ? {} : { namespace }) };
}

/** Whom the step leads to: the identity that the way goes on from, or what it ends at. */
function nameAfter(graph: Graph, way: readonly Edge[]): AccessSubject | string {
  let last: number | undefined;
  for (const { to, step } of way) {
    if (step !== undefined && last !== undefined) break;
    last = to;
    const node = graph.nodes[to];
    if (node?.type === 'subject') return node.subject;
    if (node?.type === 'role') return `${node.role.kind} ${node.role.name}${describeScope(node.scope)}`;
  }
  const goal = last === undefined ? 'cluster-admin' : goalAt(graph, last);
  const node = last === undefined ? undefined : graph.nodes[last];
  if (node?.type === 'some' && (graph.members.get(last ?? -1)?.length ?? 0) > 1) return node.text;
  return typeof goal === 'object' && 'name' in goal ? { kind: 'ServiceAccount', ...goal } : formatGoal(goal);
}

function goalAt(graph: Graph, id: number): AccessGoal {
  const node = graph.nodes[id];
  if (node?.type === 'everything') return 'cluster-admin';
  if (node?.type === 'accounts-in') return { everyAccountIn: node.namespace };
  if (node?.type === 'some') return accountAt(graph, pickMember(graph, id)) ?? 'every-account';
  return accountAt(graph, id) ?? 'every-account';
}

/** One of a set, to name: one that leads on, if there is any, and the first by name of those. */
function pickMember({ members, edges, nodes }: Graph, id: number): number {
  const nameOf = (member: number) => {
    const node = nodes[member];
    return node?.type === 'subject' ? `${node.subject.namespace ?? ''}/${node.subject.name}` : '';
  };
  const all = members.get(id) ?? [];
  const leading = all.filter((member) => (edges[member]?.length ?? 0) > 0);
  const candidates = leading.length > 0 ? leading : all;
  return candidates.reduce((best, one) => (nameOf(one) < nameOf(best) ? one : best), candidates[0] ?? -1);
}

function accountAt(graph: Graph, id: number): { readonly namespace: string; readonly name: string } | undefined {
  const subject = subjectAt(graph, id);
  if (subject?.namespace === undefined) return undefined;
  return { namespace: subject.namespace, name: subject.name };
}

function subjectAt({ nodes }: Graph, id: number): AccessSubject | undefined {
  const node = nodes[id];
  return node?.type === 'subject' ? node.subject : undefined;
}
