/** Accounts, namespaces, and what else in the cluster has a say in tokens. */

import type { AccountView, ForeignView, PodSecurityView } from '../../audit-view.ts';
import type { Cell, Row, Table } from '../table.ts';

export function createAccountsTable(accounts: readonly AccountView[]): Table {
  return {
    id: 'accounts',
    title: 'Service accounts',
    short: 'Accounts',
    lead: 'Who gets a token of the Kubernetes API, who has said why, and who may do something with it.',
    noun: 'accounts',
    columns: [
      { title: 'API access', form: 'badge', isFacet: true },
      { title: 'Namespace', form: 'name', isFacet: true },
      { title: 'Account', form: 'name' },
      { title: 'Pods with a token', form: 'number' },
      { title: 'Rights', form: 'text', isFacet: true },
      { title: 'Automount', form: 'text', isFacet: true },
      { title: 'Reason', form: 'main' },
    ],
    rows: accounts.map(toAccountRow).toSorted((a, b) => orderOf(b) - orderOf(a)),
    empty: 'There are no service accounts.',
  };
}

function orderOf({ cells: [access] }: Row): number {
  return typeof access === 'object' ? access[1] : 0;
}

/** True of an account that pods use the API by, without a word on why. */
export function isUndocumented({ podsWithToken, documented }: AccountView): boolean {
  return podsWithToken > 0 && documented === undefined;
}

function toAccess(account: AccountView): Cell {
  if (isUndocumented(account)) return ['not documented', 2, 'bad'];
  return account.documented === undefined ? ['none', 0, 'good'] : ['documented', 1, 'quiet'];
}

function toAccountRow(account: AccountView): Row {
  const { namespace, name, automount, podsWithToken, documented, hasRights, identities } = account;
  return {
    cells: [
      toAccess(account),
      namespace,
      name,
      podsWithToken,
      hasRights ? 'some' : 'none of its own',
      automount === 'unset' ? 'not set' : String(automount),
      documented ?? (isUndocumented(account) ? describeMissing(hasRights) : 'no pod has its token'),
    ],
    details: identities.length === 0 ? [] : [['Identities', identities.join(', '), 'text']],
  };
}

function describeMissing(hasRights: boolean): string {
  return hasRights
    ? 'say why in curfew.dev/api-access, or set automountServiceAccountToken: false'
    : 'it has no rights of its own: set automountServiceAccountToken: false';
}

export function createPodSecurityTable(namespaces: readonly PodSecurityView[]): Table {
  return {
    id: 'pod-security',
    title: 'Pod Security',
    short: 'Pod Security',
    lead: 'The labels of Pod Security Admission: a privileged pod reads the tokens of every other one on its node.',
    noun: 'namespaces',
    columns: [
      { title: 'State', form: 'badge', isFacet: true },
      { title: 'Namespace', form: 'name' },
      { title: 'Enforce', form: 'text', isFacet: true },
      { title: 'Warn', form: 'text' },
      { title: 'Audit', form: 'text' },
    ],
    rows: namespaces
      .toSorted((a, b) => Number(a.ok) - Number(b.ok))
      .map(({ namespace, enforce = 'not set', warn = 'not set', audit = 'not set', ok }) => ({
        cells: [ok ? ['held', 0, 'good'] : ['open', 1, 'warn'], namespace, enforce, warn, audit],
        details: [],
      })),
    empty: 'No namespace was looked at.',
  };
}

export function createForeignTable({ injectors, policies }: ForeignView): Table {
  return {
    id: 'others',
    title: 'Other injectors and policies',
    short: 'Others',
    lead: 'What else changes pods or judges the same things. Where two rules overlap, the stricter one is heard.',
    noun: 'parts',
    columns: [
      { title: 'Kind', form: 'text', isFacet: true },
      { title: 'Name', form: 'name' },
      { title: 'What it does', form: 'main' },
    ],
    rows: [
      ...injectors.map(
        ({ name, webhook, knownAs }): Row => ({
          cells: ['injector', name, `${webhook}${knownAs === undefined ? '' : `, known as ${knownAs}`}`],
          details: [],
        }),
      ),
      ...policies.map(
        ({ engine, name, overlaps, detail }): Row => ({
          cells: [engine, name, detail],
          details: overlaps.length === 0 ? [] : [['Overlaps', overlaps.join(', '), 'text']],
        }),
      ),
    ],
    empty: 'Nothing else in this cluster injects tokens or judges them.',
  };
}
