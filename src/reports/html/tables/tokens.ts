/** The tokens themselves: those that never end, those in pods, and what to start again to be rid of them. */

import { nameForCommand } from '../../../objects/text.ts';
import type { AuditView, OwnerView, SecretView, TokenView } from '../../audit-view.ts';
import { formatSpan, isGood, toLifetimeCell } from '../lifetimes.ts';
import type { Cell, Detail, Row, Table } from '../table.ts';

const nameOwner = ({ kind, name }: OwnerView) => `${kind} ${name}`;

export function createSecretsTable({ longLivedSecrets }: AuditView): Table {
  return {
    id: 'secrets',
    title: 'Tokens that never expire',
    short: 'Never expire',
    lead: 'Secrets with a token that is good until somebody deletes them. Whoever has read one once still has it.',
    noun: 'Secrets',
    columns: [
      { title: 'State', form: 'badge', isFacet: true },
      { title: 'Namespace', form: 'name', isFacet: true },
      { title: 'Secret', form: 'name' },
      { title: 'Account', form: 'name' },
      { title: 'Made', form: 'text' },
      { title: 'Last used', form: 'text' },
      { title: 'To end it', form: 'main' },
    ],
    rows: longLivedSecrets.map(toSecretRow),
    empty: 'Nothing long-lived is left: no Secret holds a token without an end.',
  };
}

function toSecretRow(secret: SecretView): Row {
  const { namespace, name, account, createdAt, lastUsed, invalidSince, ageDays, usedBy, cleaning, cleaningReason } =
    secret;
  const command = `kubectl delete secret ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
  const users = usedBy?.map((one) => `${one.kind} ${one.namespace}/${one.name} (${one.how})`);
  const details: readonly Detail[] = [
    ['End it', command, 'command'],
    ...(users === undefined
      ? []
      : [['Used by', users.length === 0 ? 'nothing that was seen' : users.join(', '), 'text'] as const]),
    ...(cleaning === undefined ? [] : [['Cleaned', cleaningReason ?? cleaning, 'text'] as const]),
  ];
  const made = createdAt.slice(0, 10);
  const state: Cell = isGood(secret) ? ['good', 1, 'bad'] : ['refused', 0, 'quiet'];
  return {
    cells: [
      state,
      namespace,
      name,
      account,
      [ageDays === undefined ? made : `${made}, ${ageDays} days ago`, Date.parse(createdAt) || 0],
      lastUsed ?? 'not noted',
      isGood(secret) ? describeUsers(users) : `refused by the API server since ${invalidSince}`,
    ],
    details,
  };
}

function describeUsers(users: readonly string[] | undefined): string {
  if (users === undefined) return 'delete it';
  return users.length === 0 ? 'nothing seen uses it: delete it' : `used by ${users.length}: move them first`;
}

export function createTokensTable(tokens: readonly TokenView[]): Table {
  return {
    id: 'tokens',
    title: 'Tokens in pods',
    short: 'In pods',
    lead: 'Every token that a workload mounts, with how long it is really valid: the API server makes a year of 3607 seconds.',
    noun: 'tokens',
    columns: [
      { title: 'Really valid', form: 'badge' },
      { title: 'Namespace', form: 'name', isFacet: true },
      { title: 'Workload', form: 'name' },
      { title: 'Account', form: 'name' },
      { title: 'Audience', form: 'text', isFacet: true },
      { title: 'Pods', form: 'number' },
      { title: 'Token', form: 'main' },
    ],
    rows: tokens.map(toTokenRow).toSorted((a, b) => orderOf(b) - orderOf(a)),
    empty: 'No pod mounts a token.',
  };
}

function orderOf({ cells: [lifetime] }: Row): number {
  return typeof lifetime === 'object' ? lifetime[1] : 0;
}

const SOURCES: Readonly<Record<TokenView['source'], string>> = {
  default: 'the default API token',
  projected: 'a projected token',
  secret: 'a long-lived Secret',
};

function toTokenRow(token: TokenView): Row {
  const { namespace, owner, account, audience, reachesApi, pods, source, volume, secret, containers, askedSeconds } =
    token;
  const place = secret ?? volume;
  const details: readonly Detail[] = [
    ...(place === undefined ? [] : [[secret === undefined ? 'Volume' : 'Secret', place, 'text'] as const]),
    ['Read by', containers.length === 0 ? 'no container' : containers.join(', '), 'text'],
    ...(askedSeconds === undefined ? [] : [['Asked for', formatSpan(askedSeconds), 'text'] as const]),
    ['Reaches', reachesApi ? 'the Kubernetes API' : 'not the Kubernetes API', 'text'],
  ];
  return {
    cells: [
      toLifetimeCell(token),
      namespace,
      nameOwner(owner),
      account,
      audience ?? (reachesApi ? 'the API' : 'not known'),
      pods,
      `${SOURCES[source]}${token.fromBefore ? ', from before Curfew' : ''}`,
    ],
    details,
  };
}

export function createRestartsTable({ restarts = [] }: AuditView): Table {
  return {
    id: 'restarts',
    title: 'What to start again',
    short: 'Restarts',
    lead: 'Pods that still hold a token from before. Their next ones get what Curfew gives them; the worst token stands first.',
    noun: 'workloads',
    columns: [
      { title: 'Order', form: 'number' },
      { title: 'Namespace', form: 'name', isFacet: true },
      { title: 'Workload', form: 'name' },
      { title: 'Pods', form: 'number' },
      { title: 'Why', form: 'text' },
      { title: 'Command', form: 'command' },
    ],
    rows: restarts.map(({ order, namespace, owner, pods, why, command }) => ({
      cells: [order, namespace, nameOwner(owner), pods, why, command],
      details: [],
    })),
    empty: 'Nothing needs to be started again: no pod holds a token from before.',
  };
}
