/** Service accounts: who mounts their tokens, what is written down about it, and whether they have a right. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import type { ApiAccessSource } from '../objects/api-access.ts';
import { findDocumentedAccess } from '../objects/api-access.ts';
import type { Lookup, NamespaceView, ServiceAccountView } from '../objects/views.ts';
import { BUILT_IN_PRESETS } from '../presets/registry.ts';
import type { RightsBook } from './rights-book.ts';
import { listBoundRoles } from './rights-book.ts';
import { closed, count, list, perhaps, text } from './schema-parts.ts';

export const AccountAccessSchema = closed({
  namespace: text(),
  name: text(),
  automount: Type.Union([Type.Boolean(), Type.Literal('unset')], { description: 'As the account says it.' }),
  podsWithToken: count('Live pods that hold an API token of it.'),
  documented: perhaps(text('The reason in its annotation curfew.dev/api-access, if it counts.')),
  hasRights: Type.Boolean({
    description: 'True if something is bound to it beyond what every authenticated caller may do.',
  }),
  identities: list(text(), 'Schemes of workload identity whose annotation it carries: `aws-irsa`, `azure`.'),
});

export type AccountAccess = Static<typeof AccountAccessSchema>;

/** Of clouds that have the annotation read by their own nodes, and not by a webhook whose preset there is. */
const OTHER_SCHEMES: readonly (readonly [string, string])[] = [['gke', 'iam.gke.io/gcp-service-account']];

/** Azure's is read from the account too, though a label on the pod is what triggers it. */
const SCHEMES: ReadonlyMap<string, string> = new Map([
  ...[...BUILT_IN_PRESETS].flatMap(([preset, { trigger }]) =>
    trigger?.accountAnnotation === undefined ? [] : [[trigger.accountAnnotation, preset] as const],
  ),
  ['azure.workload.identity/client-id', 'azure'],
  ...OTHER_SCHEMES.map(([scheme, key]) => [key, scheme] as const),
]);

/** Annotations of others that are read from accounts, beside those that rules read. */
export const IDENTITY_KEYS: readonly string[] = [...SCHEMES.keys()];

export type AccountFacts = {
  readonly rights: RightsBook;
  /** Pods that hold an API token of it, by `NAMESPACE/ACCOUNT`. */
  readonly podsByAccount: ReadonlyMap<string, number>;
  readonly namespace: (name: string) => Lookup<NamespaceView>;
  readonly acceptFrom: readonly ApiAccessSource[];
};

export function describeAccount(view: ServiceAccountView, facts: AccountFacts): AccountAccess {
  const { namespace, name, automount, annotations } = view;
  const access = findDocumentedAccess({
    serviceAccount: { state: 'found', value: view },
    namespace: facts.namespace(namespace),
    acceptFrom: facts.acceptFrom,
  });
  return {
    namespace,
    name,
    automount: automount ?? 'unset',
    podsWithToken: facts.podsByAccount.get(`${namespace}/${name}`) ?? 0,
    ...(access.state === 'documented' ? { documented: access.reason } : {}),
    hasRights: listBoundRoles(facts.rights, namespace, name).length > 0,
    identities: [...SCHEMES].flatMap(([key, scheme]) => (annotations.has(key) ? [scheme] : [])),
  };
}
