/** Looks up what the rules need to know of the cluster, all of it together, for one review. */

import type { ClusterReader, Eventual, Newness } from '../kube/api.ts';
import { findPodSpecs, serviceAccountOf } from '../objects/pod-spec.ts';
import type { Subject } from '../objects/subject.ts';
import { isTokenRequest, toOldSubject } from '../objects/subject.ts';
import type { Lookup, NamespaceView, ServiceAccountView } from '../objects/views.ts';

/** Service accounts looked up for one object; a JobSet of more pods than this warns that it was not judged. */
const MOST_SERVICE_ACCOUNTS = 16;

const NO_NAMESPACE: Lookup<NamespaceView> = { state: 'absent' };
const NO_ACCOUNTS: Accounts = [];

/** A list and not a Map, since nearly always it is one: making a Map takes longer than all searches in it. */
type Accounts = readonly Account[];
type Account = { readonly name: string; readonly lookup: Lookup<ServiceAccountView> };

export type LookedUp = {
  /** The subject's own; absent where it is in none. */
  readonly namespace: Lookup<NamespaceView>;
  /** Those of the subject's namespace that it is about, each once. */
  readonly accounts: Accounts;
};

/** What is looked up for a review, and how new it has to be; the namespace always is, accounts where a rule needs them. */
export type LookUps = {
  readonly namespace: Newness;
  readonly accounts: Newness | undefined;
};

/** At once where memory holds it all, which it does for nearly every review. */
export function lookUp(reader: ClusterReader, subject: Subject, lookUps: LookUps): Eventual<LookedUp> {
  const namespace = subject.namespace === '' ? NO_NAMESPACE : reader.namespace(subject.namespace, lookUps.namespace);
  const accounts =
    lookUps.accounts === undefined ? NO_ACCOUNTS : readServiceAccounts(reader, subject, lookUps.accounts);
  if (namespace instanceof Promise || accounts instanceof Promise) return settle(namespace, accounts);
  return { namespace, accounts };
}

async function settle(namespace: Eventual<Lookup<NamespaceView>>, accounts: Eventual<Accounts>): Promise<LookedUp> {
  const [settledNamespace, settledAccounts] = await Promise.all([namespace, accounts]);
  return { namespace: settledNamespace, accounts: settledAccounts };
}

/** Every account that a pod of this object, or of the one it replaces, runs as; the one whose token is asked for. */
function readServiceAccounts(reader: ClusterReader, subject: Subject, newness: Newness): Eventual<Accounts> {
  const found: Account[] = [];
  const pending: Promise<void>[] = [];
  for (const name of listAccountNames(subject)) {
    const lookup = reader.serviceAccount(subject.namespace, name, newness);
    if (lookup instanceof Promise) pending.push(lookup.then((settled) => void found.push({ name, lookup: settled })));
    else found.push({ name, lookup });
  }
  return pending.length === 0 ? found : Promise.all(pending).then(() => found);
}

function listAccountNames(subject: Subject): readonly string[] {
  if (isTokenRequest(subject)) return [subject.name];
  const old = toOldSubject(subject);
  const specs = old === undefined ? findPodSpecs(subject) : [...findPodSpecs(subject), ...findPodSpecs(old)];
  const names = specs.map(({ spec }) => serviceAccountOf(spec));
  // Nearly every review is of one new pod.
  return names.length < 2 ? names : [...new Set(names)].slice(0, MOST_SERVICE_ACCOUNTS);
}
