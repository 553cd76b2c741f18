/**
 * The webhook entries: the one table from which the server's routes, the chart's webhook configurations, the published
 * rules and the reference are made. The path names the entry, so the server always knows which failure policy it
 * serves.
 */

import { POD, TEMPLATE_KINDS } from '../objects/pod-spec.ts';
import { formatResource } from '../objects/subject.ts';
import type { Configuration } from '../policy/configuration.ts';
import type { MatchCondition } from './guard-conditions.ts';
import { GUARD_ENTRIES } from './guard-entries.ts';

export type EntryRule = {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly ('CREATE' | 'UPDATE')[];
  readonly scope: 'Namespaced' | 'Cluster' | '*';
};

export type Entry = {
  /** As kubectl shows it in a denial. */
  readonly name: string;
  readonly type: 'validating' | 'mutating';
  readonly path: string;
  readonly rules: readonly EntryRule[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  /** What the API server waits, in seconds. */
  readonly timeoutSeconds: number;
  readonly matchConditions: readonly MatchCondition[];
  /**
   * The namespaces that reach it; what is never judged is kept away before a call is made. A Namespace itself goes by
   * its own name: the API server writes the label that is looked at, whatever the request says.
   */
  readonly namespaces: 'all but platform and system' | 'all but platform' | 'system';
  readonly reinvocationPolicy?: 'IfNeeded';
  /** What judges it instead of the checks or the mutations: a guard of what Curfew is steered by. */
  readonly guard?: 'levels' | 'namespaces' | 'apiAccess';
  /** The switch in the configuration without which the chart does not render it, and nobody publishes its rules. */
  readonly onlyIf?: 'apiAccess.approval';
  /** Whether judging it may write an Event: the API server is told that a dry run has no side effect, and others may have. */
  readonly mayWriteEvents?: true;
  /** For the reference: one sentence. */
  readonly purpose: string;
};

/** Every resource of a rule as kubectl names it: `deployments.apps`, `namespaces/status`. */
export function listResources({ apiGroups, resources }: EntryRule): readonly string[] {
  return apiGroups.flatMap((group) =>
    resources.map((resource) => {
      const [name = '', subresource = ''] = resource.split('/');
      return formatResource({ group, name, subresource });
    }),
  );
}

const POD_RULE: EntryRule = {
  apiGroups: [POD.group],
  apiVersions: POD.versions,
  resources: [POD.resource],
  operations: ['CREATE'],
  scope: 'Namespaced',
};

/** Debug containers are added by an update of this subresource; the object is the whole pod. */
const EPHEMERAL_CONTAINERS_RULE: EntryRule = {
  ...POD_RULE,
  resources: [`${POD.resource}/ephemeralcontainers`],
  operations: ['UPDATE'],
};

const TOKEN_REQUEST_RULE: EntryRule = { ...POD_RULE, resources: ['serviceaccounts/token'] };

const SECRET_RULE: EntryRule = {
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['secrets'],
  operations: ['CREATE', 'UPDATE'],
  scope: 'Namespaced',
};

/** Evaluated by the API server, so a Secret of any other type is written even while Curfew is down. */
const IS_TOKEN_SECRET = 'object.type == "kubernetes.io/service-account-token"';
const IS_BOOTSTRAP_TOKEN = 'object.type == "bootstrap.kubernetes.io/token"';

/**
 * TokenRequests of nodes and controllers are never sent: a kubelet that waits for a webhook cannot start its pods, and
 * kube-controller-manager cannot start its controllers. Tokens that the API server shows to webhooks are none of ours.
 * `boundObjectRef` is there with the value null where nobody set it.
 */
const ASKS_FOR_ITSELF: Entry['matchConditions'] = [
  // A user without groups has no such key, and an expression that fails would let the request past an Ignore entry.
  {
    name: 'not-a-node',
    expression: '!has(request.userInfo.groups) || !("system:nodes" in request.userInfo.groups)',
  },
  {
    name: 'not-the-control-plane',
    expression:
      '!(request.userInfo.username in ["system:kube-controller-manager", "system:cloud-controller-manager", "system:apiserver"])',
  },
  {
    name: 'not-a-controller',
    expression: '!request.userInfo.username.startsWith("system:serviceaccount:kube-system:")',
  },
  {
    name: 'not-for-a-webhook',
    expression:
      '!has(object.spec.boundObjectRef) || object.spec.boundObjectRef == null || !(object.spec.boundObjectRef.kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"])',
  },
];

const OTHER_RULES: readonly EntryRule[] = [
  {
    apiGroups: [''],
    apiVersions: ['v1'],
    resources: ['secrets', 'configmaps', 'serviceaccounts'],
    operations: ['CREATE', 'UPDATE'],
    scope: 'Namespaced',
  },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    apiVersions: ['v1'],
    resources: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
    operations: ['CREATE', 'UPDATE'],
    scope: '*',
  },
];

export const ENTRIES: readonly Entry[] = [
  {
    name: 'pods.curfew.dev',
    type: 'mutating',
    path: '/mutate/pods',
    rules: [POD_RULE],
    failurePolicy: 'Fail',
    timeoutSeconds: 3,
    matchConditions: [],
    namespaces: 'all but platform and system',
    // A webhook that runs after us may add a container; then the API server adds the token's mount and asks again.
    reinvocationPolicy: 'IfNeeded',
    mayWriteEvents: true,
    purpose: 'Removes or shortens the API token of a new pod, and injects the tokens that are asked for.',
  },
  {
    name: 'service-accounts.curfew.dev',
    type: 'mutating',
    path: '/mutate/service-accounts',
    rules: [{ ...POD_RULE, resources: ['serviceaccounts'] }],
    failurePolicy: 'Ignore',
    timeoutSeconds: 3,
    matchConditions: [],
    namespaces: 'all but platform and system',
    purpose: 'Takes the token from the pods of new `default` service accounts.',
  },
  {
    name: 'token-requests.curfew.dev',
    type: 'mutating',
    path: '/mutate/token-requests',
    rules: [TOKEN_REQUEST_RULE],
    failurePolicy: 'Ignore',
    timeoutSeconds: 2,
    matchConditions: ASKS_FOR_ITSELF,
    namespaces: 'all but platform and system',
    purpose: 'Shortens tokens that people and pipelines ask for, never those of nodes and controllers.',
  },
  {
    name: 'pods.curfew.dev',
    type: 'validating',
    path: '/validate/pods',
    rules: [POD_RULE, EPHEMERAL_CONTAINERS_RULE],
    failurePolicy: 'Fail',
    timeoutSeconds: 3,
    matchConditions: [],
    namespaces: 'all but platform and system',
    mayWriteEvents: true,
    purpose: 'Judges new pods, and debug containers added to them.',
  },
  {
    name: 'secrets.curfew.dev',
    type: 'validating',
    path: '/validate/secrets',
    rules: [SECRET_RULE],
    failurePolicy: 'Fail',
    timeoutSeconds: 3,
    matchConditions: [{ name: 'token-secret', expression: IS_TOKEN_SECRET }],
    namespaces: 'all but platform and system',
    purpose: 'Judges service account token Secrets; no other Secret is ever sent.',
  },
  {
    name: 'review.curfew.dev',
    type: 'validating',
    path: '/validate/review',
    rules: [...groupTemplateRules(), ...OTHER_RULES],
    failurePolicy: 'Ignore',
    timeoutSeconds: 3,
    matchConditions: [
      {
        // Outside kube-system a bootstrap token is none, but a Secret like any other that may hold a pasted token.
        name: 'no-entry-of-its-own',
        expression: `request.resource.resource != "secrets" || !(${IS_TOKEN_SECRET} || (${IS_BOOTSTRAP_TOKEN} && request.namespace == "kube-system"))`,
      },
    ],
    namespaces: 'all but platform',
    purpose: 'Judges workload templates, other Secrets, ConfigMaps, service accounts and RBAC.',
  },
  {
    name: 'bootstrap-tokens.curfew.dev',
    type: 'validating',
    path: '/validate/bootstrap-tokens',
    rules: [SECRET_RULE],
    failurePolicy: 'Ignore',
    timeoutSeconds: 3,
    matchConditions: [{ name: 'bootstrap-token', expression: IS_BOOTSTRAP_TOKEN }],
    namespaces: 'system',
    purpose: 'Judges bootstrap tokens, by which nodes join; they are valid in kube-system alone.',
  },
  {
    name: 'token-requests.curfew.dev',
    type: 'validating',
    path: '/validate/token-requests',
    rules: [TOKEN_REQUEST_RULE],
    failurePolicy: 'Ignore',
    timeoutSeconds: 2,
    matchConditions: ASKS_FOR_ITSELF,
    namespaces: 'all but platform and system',
    purpose: 'Judges tokens that people and pipelines ask for, never those of nodes and controllers.',
  },
  {
    name: 'system.curfew.dev',
    type: 'validating',
    path: '/validate/system',
    rules: [POD_RULE, SECRET_RULE],
    failurePolicy: 'Ignore',
    timeoutSeconds: 3,
    matchConditions: [
      { name: 'token-secret', expression: `request.resource.resource != "secrets" || ${IS_TOKEN_SECRET}` },
    ],
    namespaces: 'system',
    purpose: 'Warns about and audits kube-system, where nothing is ever denied, patched or held up.',
  },
  ...GUARD_ENTRIES,
];

/** Templates of one group and version share a rule. CRDs that are not installed match nothing. */
function groupTemplateRules(): readonly EntryRule[] {
  const groups = [...new Set(TEMPLATE_KINDS.map(({ group }) => group))];
  return groups.map((group) => {
    const kinds = TEMPLATE_KINDS.filter((kind) => kind.group === group);
    return {
      apiGroups: [group],
      apiVersions: [...new Set(kinds.flatMap(({ versions }) => versions))],
      resources: kinds.map(({ resource }) => resource),
      operations: ['CREATE', 'UPDATE'],
      scope: 'Namespaced',
    };
  });
}

/** True if the chart renders the entry with this configuration. */
export function isEntryOn({ onlyIf }: Entry, { apiAccess }: Pick<Configuration, 'apiAccess'>): boolean {
  return onlyIf === undefined || apiAccess.approval;
}

/** The rules that a ready replica publishes, by the name of the entry. */
export function listPublishedRules(
  type: Entry['type'],
  configuration: Pick<Configuration, 'apiAccess'>,
): ReadonlyMap<string, readonly EntryRule[]> {
  const entries = ENTRIES.filter((entry) => entry.type === type && isEntryOn(entry, configuration));
  return new Map(entries.map(({ name, rules }) => [name, rules]));
}
