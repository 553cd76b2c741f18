/**
 * What of a role matters to who can obtain a token of whom, read once a role, whatever it is bound to. How a rule is
 * matched is told in `objects/rbac/rules.ts`.
 */

import { POD_TEMPLATE, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import type { PolicyRule, Right } from '../objects/rbac/rules.ts';
import { ALL, limitOf, listGranted, prepareRights } from '../objects/rbac/rules.ts';

const RBAC = 'rbac.authorization.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const CERTIFICATES = 'certificates.k8s.io';

/** What one may do as somebody else, by constrained impersonation (KEP-5284). */
const ACTS_ON = 'impersonate-on:serviceaccount:';

/** Of these the template, or the whole spec, cannot be changed; of a PodTemplate nobody makes pods. */
const IMMUTABLE: ReadonlySet<string> = new Set(['jobs', 'revisions', 'jobsets']);

const WRITES = ['create', 'update', 'patch'] as const;

const one = (group: string, resource: string, verbs: readonly string[]): readonly Right[] =>
  verbs.map((verb) => ({ verb, group, resource }));

const clusterOne = (group: string, resource: string, verbs: readonly string[]): readonly Right[] =>
  one(group, resource, verbs).map((right) => ({ ...right, isClusterScoped: true }));

/** Kinds that make pods, and the verbs by which somebody chooses the account of those pods. */
const WORKLOADS = TEMPLATE_KINDS.filter((kind) => kind !== POD_TEMPLATE).flatMap(({ group, resource }) =>
  one(group, resource, IMMUTABLE.has(resource) ? ['create'] : WRITES),
);

const RIGHTS: readonly Right[] = [
  ...one('', 'serviceaccounts/token', ['create']),
  // Each of these answers with what the Secret holds, a patch that changes nothing too. So does `delete`, but a token ends
  // with its Secret (kubernetes pkg/serviceaccount/legacy.go).
  ...one('', 'secrets', ['get', 'list', 'watch', 'patch', 'create', 'update']),
  ...one('', 'pods', WRITES),
  ...one('', 'pods/exec', ['create', 'get']),
  ...one('', 'pods/attach', ['create', 'get']),
  ...one('', 'pods/ephemeralcontainers', ['update', 'patch']),
  ...WORKLOADS,
  ...one('', 'serviceaccounts', ['impersonate']),
  ...clusterOne('', 'users', ['impersonate']),
  ...clusterOne('', 'groups', ['impersonate']),
  ...one(AUTHENTICATION, 'serviceaccounts', ['impersonate:serviceaccount']),
  ...one(RBAC, 'roles', ['bind', 'escalate', 'update', 'patch']),
  // Asked for in the namespace of the binding.
  ...one(RBAC, 'clusterroles', ['bind']),
  ...clusterOne(RBAC, 'clusterroles', ['escalate', 'update', 'patch']),
  ...one(RBAC, 'rolebindings', WRITES),
  ...clusterOne(RBAC, 'clusterrolebindings', WRITES),
  ...clusterOne('', 'nodes/proxy', ['get', 'create']),
  ...clusterOne(ADMISSION, 'mutatingwebhookconfigurations', WRITES),
  ...clusterOne(ADMISSION, 'validatingwebhookconfigurations', WRITES),
  ...clusterOne(ADMISSION, 'mutatingadmissionpolicies', ['create']),
  ...clusterOne(ADMISSION, 'mutatingadmissionpolicybindings', ['create']),
  ...clusterOne(CERTIFICATES, 'certificatesigningrequests', ['create']),
  ...clusterOne(CERTIFICATES, 'certificatesigningrequests/approval', ['update', 'patch']),
  ...clusterOne(CERTIFICATES, 'signers', ['approve']),
];

const TABLE = prepareRights(RIGHTS);
const IDS: ReadonlyMap<Right, string> = new Map(RIGHTS.map((right) => [right, idOf(right)]));

/** `create serviceaccounts/token`, `bind clusterroles`: no two resources of the table share a name and a verb. */
function idOf({ verb, resource }: Right): string {
  return `${verb} ${resource}`;
}

/** Names to which a right is limited; `undefined` is every name. */
export type Names = ReadonlySet<string> | undefined;

/** What a role grants of the table above, by `VERB RESOURCE`. */
export type RoleRights = {
  readonly granted: ReadonlyMap<string, Names>;
  /** True if one of its rules allows everything. */
  readonly isEverything: boolean;
  /** True if it allows something to be done as a service account, by constrained impersonation. */
  readonly actsAsAccount: boolean;
  /** How many rules were read. */
  readonly rules: number;
};

export const WORKLOAD_RIGHTS: readonly { readonly id: string; readonly group: string }[] = WORKLOADS.map((right) => ({
  id: idOf(right),
  group: right.group,
}));

/** True for rights that count only where no namespace is asked about: a RoleBinding grants none of them. */
export const CLUSTER_SCOPED: ReadonlySet<string> = new Set(
  RIGHTS.flatMap((right) => (right.isClusterScoped === true ? [idOf(right)] : [])),
);

export function readRights(rules: readonly PolicyRule[]): RoleRights {
  const granted = new Map<string, Names>();
  for (const rule of rules) {
    for (const right of listGranted(rule, TABLE)) {
      const id = IDS.get(right) ?? '';
      const limit = readLimit(rule, right);
      if (limit?.length === 0) continue;
      const known = granted.get(id);
      if (granted.has(id) && known === undefined) continue;
      granted.set(id, limit === undefined ? undefined : new Set([...(known ?? []), ...limit]));
    }
  }
  return {
    granted,
    isEverything: rules.some(isEverything),
    actsAsAccount: rules.some(
      ({ verbs, resources }) => resources.length > 0 && verbs.some((verb) => verb === ALL || verb.startsWith(ACTS_ON)),
    ),
    rules: rules.length,
  };
}

/** Nothing that is there has an empty name. A role that is there is changed by its name, so that `escalate` takes one. */
function readLimit(rule: PolicyRule, right: Right): readonly string[] | undefined {
  const isLimited = right.verb === 'escalate' && rule.names.length > 0;
  return (isLimited ? rule.names : limitOf(rule, right))?.filter((name) => name !== '');
}

function isEverything({ verbs, groups, resources, names }: PolicyRule): boolean {
  return names.length === 0 && [verbs, groups, resources].every((texts) => texts.includes(ALL));
}
