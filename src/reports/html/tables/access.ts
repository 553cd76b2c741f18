/** Who can obtain a token of whom. */

import type { AccessView, AuditView, PathView } from '../../audit-view.ts';
import { nameSubject, nameTarget } from '../../audit-view.ts';
import type { Detail, Row, Table } from '../table.ts';
import { formatCount } from '../table.ts';

const WAYS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'token-request': 'asks for tokens',
    'secret-read': 'reads Secrets',
    'secret-create': 'creates Secrets',
    'pod-create': 'creates pods',
    'workload-create': 'creates workloads',
    'pod-exec': 'exec into pods',
    'ephemeral-container': 'debugs pods',
    impersonate: 'impersonates',
    bind: 'binds roles',
    escalate: 'escalates',
    'node-proxy': 'proxies to nodes',
    'webhook-configuration': 'writes webhooks',
    'is-account': 'is',
    certificate: 'signs certificates',
    'custom-resource': 'through a custom resource',
    everything: 'may do everything',
  }),
);

/** In short words, as a graph has room for. */
export function nameWay(how: string): string {
  return WAYS.get(how) ?? how;
}

/** True of a path at whose end stands every account, or the whole cluster. */
export function isWide({ to }: PathView): boolean {
  return to === 'every-account' || to === 'cluster-admin';
}

export function createPathsTable({ paths, more }: AccessView): Table {
  const rest = more === 0 ? '' : ` ${formatCount(more)} less dangerous ones were left out of this report.`;
  return {
    id: 'paths',
    title: 'Who can get whose token',
    short: 'Ways to tokens',
    lead: `The shortest way from each user, group and account to a token of another one, the most dangerous first.${rest}`,
    noun: 'ways',
    columns: [
      { title: 'Steps', form: 'number' },
      { title: 'From', form: 'name' },
      { title: 'To', form: 'name' },
      { title: 'First step', form: 'text', isFacet: true },
      { title: 'How', form: 'main' },
    ],
    rows: paths.map(toPathRow),
    empty: 'No user, group or account that was seen can get a token of another one.',
  };
}

function toPathRow({ from, to, steps, sentence }: PathView): Row {
  const details = steps.map(({ right, through, to: next }, index): Detail => {
    const { binding } = through;
    const by = `${named(through)} through ${named(binding)}`;
    return [`Step ${index + 1}`, `${right}: by ${by} → ${nameSubject(next)}`, 'text'];
  });
  const how = steps[0]?.how ?? '';
  return { cells: [steps.length, nameSubject(from), nameTarget(to), nameWay(how), sentence], details };
}

type Named = { readonly kind: string; readonly namespace?: string; readonly name: string };

function named({ kind, namespace, name }: Named): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

export function createBlastTable({ blastRadius }: AccessView): Table {
  return {
    id: 'blast-radius',
    title: 'Blast radius',
    short: 'Blast radius',
    lead: 'What is lost with the token of an account: the accounts that it reaches, and who reaches it.',
    noun: 'accounts',
    columns: [
      { title: 'Cluster-admin', form: 'badge', isFacet: true },
      { title: 'Namespace', form: 'name', isFacet: true },
      { title: 'Account', form: 'name' },
      { title: 'Reaches', form: 'number' },
      { title: 'Namespaces', form: 'number' },
      { title: 'Reached by', form: 'number' },
      { title: 'Pods running', form: 'number' },
    ],
    rows: blastRadius.map(({ account, reaches, clusterAdmin, reachedBy, namespaces, podsRunning }) => ({
      cells: [
        clusterAdmin ? ['yes', 1, 'bad'] : ['no', 0, 'quiet'],
        account.namespace,
        account.name,
        reaches,
        namespaces,
        reachedBy,
        podsRunning,
      ],
      details: [],
    })),
    empty: 'No account reaches another one.',
  };
}

/** Undefined parts are left out. */
export function listAccessTables({ access }: AuditView): readonly Table[] {
  return access === undefined ? [] : [createPathsTable(access), createBlastTable(access)];
}
