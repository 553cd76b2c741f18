/** The RBAC that would have been enough for what an account did: a Role for each namespace, a ClusterRole for the rest. */

import type { JsonObject } from '../objects/json.ts';
import type { AccountUsage, UsedGrant } from './usage-tally.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';

/**
 * Verbs that name an object in their URL, as `create` of a subresource does; the others cannot be limited to names. What
 * counts most of them is `serviceaccounts/token`: without names it is a token for every account.
 */
const NAMED_VERBS: ReadonlySet<string> = new Set(['get', 'update', 'patch', 'delete']);

/** What every authenticated caller may read (ClusterRoles system:discovery and system:public-info-viewer). */
const FREE_PATHS = /^\/(?:api(?:s|\/.*|s\/.*)?|healthz|livez|openapi(?:\/.*)?|readyz|version\/?)$/;

/** Asked of the API server by every client, and allowed to all (ClusterRole system:basic-user). */
const FREE_GROUPS: ReadonlySet<string> = new Set([
  'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
]);

type Rule = {
  readonly group: string;
  readonly resource: string;
  readonly names: readonly string[];
  readonly verbs: string[];
};

/** Roles and their bindings, namespaces in order; empty if it did nothing that takes a right. */
export function writeRoles(usage: AccountUsage): readonly JsonObject[] {
  const used = [...usage.grants.values()].filter(({ group, resource }) => !FREE_GROUPS.has(`${resource}.${group}`));
  const byNamespace = Map.groupBy(used, ({ namespace }) => namespace);
  const manifests: JsonObject[] = [];
  for (const [namespace, grants] of [...byNamespace].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (namespace !== '') manifests.push(...bind(usage, 'Role', { namespace, rules: toRules(grants) }));
  }
  const clusterRules = [...toRules(byNamespace.get('') ?? []), ...toPathRules(usage)];
  if (clusterRules.length > 0) manifests.push(...bind(usage, 'ClusterRole', { namespace: '', rules: clusterRules }));
  return manifests;
}

function bind(
  { namespace: ofAccount, name }: AccountUsage,
  kind: 'Role' | 'ClusterRole',
  { namespace, rules }: { readonly namespace: string; readonly rules: readonly JsonObject[] },
): readonly JsonObject[] {
  // A cluster-scoped name is everybody's, so it says whose it is.
  const roleName = kind === 'Role' && namespace === ofAccount ? name : `${ofAccount}-${name}`;
  const metadata = { name: roleName, ...(kind === 'Role' ? { namespace } : {}) };
  return [
    { apiVersion: API_VERSION, kind, metadata, rules },
    {
      apiVersion: API_VERSION,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: roleName },
      subjects: [{ kind: 'ServiceAccount', name, namespace: ofAccount }],
    },
  ];
}

/** Verbs of one resource with the same names share a rule. */
function toRules(grants: readonly UsedGrant[]): readonly JsonObject[] {
  const rules = new Map<string, Rule>();
  for (const { group, resource, verb, names } of grants) {
    const mayBeNamed = NAMED_VERBS.has(verb) || (verb === 'create' && resource.includes('/'));
    const named = names !== undefined && mayBeNamed ? [...names].toSorted() : [];
    const key = JSON.stringify([group, resource, named]);
    const rule = rules.get(key) ?? { group, resource, names: named, verbs: [] };
    rule.verbs.push(verb);
    rules.set(key, rule);
  }
  return [...rules.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { group, resource, names, verbs }]) => ({
      apiGroups: [group],
      resources: [resource],
      ...(names.length === 0 ? {} : { resourceNames: names }),
      verbs: [...new Set(verbs)].toSorted(),
    }));
}

function toPathRules({ paths }: AccountUsage): readonly JsonObject[] {
  return [...paths]
    .filter(([path]) => !FREE_PATHS.test(path))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, verbs]) => ({ nonResourceURLs: [path], verbs: [...verbs].toSorted() }));
}
