/** The accounts of a cluster beside what an audit log shows of them: who holds a token and never called. */

import { effectiveAutomount, listContainersWithoutTokenMount } from '../objects/automount.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member, valueAt } from '../objects/json.ts';
import { serviceAccountOf } from '../objects/pod-spec.ts';
import { isApiToken, listTokenSources } from '../objects/tokens.ts';
import type { Lookup, ServiceAccountView } from '../objects/views.ts';
import { toServiceAccountView } from '../objects/views.ts';
import type { UsageTally } from './usage-tally.ts';

export type KnownAccount = {
  readonly view: ServiceAccountView;
  /** Pods that hold a token of it for the Kubernetes API, by name; some of them, and how many there are. */
  readonly holders: string[];
  holderCount: number;
};

export type KnownAccounts = Map<string, KnownAccount>;

const MOST_HOLDERS = 5;

export function addAccount(known: KnownAccounts, raw: unknown): void {
  const view = toServiceAccountView(raw);
  if (view !== undefined) known.set(`${view.namespace}/${view.name}`, { view, holders: [], holderCount: 0 });
}

/** Of a running pod: whether it holds a token for the API, mounted by the ServiceAccount plugin or by hand. */
export function addPod(known: KnownAccounts, raw: unknown, apiAudiences: readonly string[]): void {
  const spec = member(raw, 'spec');
  const namespace = asString(valueAt(raw, ['metadata', 'namespace'])) ?? '';
  if (!isObject(spec)) return;
  const account = known.get(`${namespace}/${serviceAccountOf(spec)}`);
  if (account === undefined || !holdsToken(spec, account.view, apiAudiences)) return;
  account.holderCount += 1;
  if (account.holders.length < MOST_HOLDERS) account.holders.push(asString(valueAt(raw, ['metadata', 'name'])) ?? '');
}

function holdsToken(spec: JsonObject, view: ServiceAccountView, apiAudiences: readonly string[]): boolean {
  if (listTokenSources(spec).some((source) => isApiToken(source, apiAudiences))) return true;
  // A pod that runs has what the plugin added; one of another source may be as its author wrote it.
  const found: Lookup<ServiceAccountView> = { state: 'found', value: view };
  return effectiveAutomount(spec, found).mounts === true && listContainersWithoutTokenMount(spec).length > 0;
}

/**
 * Accounts with pods that hold a token, none of whom called the API in the time of the log; by name. None if there were more
 * accounts in the log than are kept: then any of them may have called.
 */
export function listSilentHolders(
  known: KnownAccounts,
  { accounts, hasLostAccounts }: UsageTally,
): readonly KnownAccount[] {
  if (hasLostAccounts) return [];
  return [...known]
    .filter(([key, { holderCount }]) => holderCount > 0 && !accounts.has(key))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, account]) => account);
}
