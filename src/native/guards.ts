/** Whom and what the policies leave alone, in CEL and selectors: the same as `policy/scope.ts`. */

import { listCel, quoteCel } from '../checks/cel/cel-text.ts';
import type { JsonObject } from '../objects/json.ts';
import type { Reads } from '../objects/rule-context.ts';
import {
  ACCOUNT_CONTROLLERS,
  CONTROL_PLANE,
  MIRROR_POD_ANNOTATION,
  NODES_GROUP,
  RBAC_WRITERS,
  SYSTEM_ACCOUNTS,
  SYSTEM_NAMESPACE,
  UNWATCHED_NAMESPACES,
  WEBHOOK_KINDS,
  WORKLOAD_CONTROLLERS,
} from '../policy/scope.ts';
import type { NativeOptions } from './native-options.ts';

export type MatchCondition = { readonly name: string; readonly expression: string };

const USER = 'request.userInfo.username';

/** What a policy for these reads does not look at. */
export function listMatchConditions(reads: readonly Reads[]): readonly MatchCondition[] {
  const resources = new Set(reads.map(({ resource, subresource }) => `${resource}/${subresource ?? ''}`));
  const conditions: MatchCondition[] = [];
  if (!resources.has('serviceaccounts/token')) {
    conditions.push({ name: 'not-a-node', expression: NOT_A_NODE });
  }
  if (resources.has('pods/') || resources.has('pods/ephemeralcontainers')) {
    const key = quoteCel(MIRROR_POD_ANNOTATION);
    conditions.push({
      name: 'not-a-mirror-pod',
      expression: `!(has(object.metadata.annotations) && ${key} in object.metadata.annotations)`,
    });
  }
  if (reads.some(({ group }) => group === 'rbac.authorization.k8s.io')) {
    conditions.push({ name: 'not-the-control-plane', expression: `!(${USER} in ${listCel([...RBAC_WRITERS])})` });
  }
  return resources.has('serviceaccounts/token') ? [...conditions, ...ASKS_FOR_ITSELF] : conditions;
}

/** A user without groups has no such key. */
const NOT_A_NODE = `!has(request.userInfo.groups) || !(${quoteCel(NODES_GROUP)} in request.userInfo.groups)`;

/** What a policy for kubelets looks at. */
export const OF_A_NODE: readonly MatchCondition[] = [
  { name: 'a-node', expression: `has(request.userInfo.groups) && ${quoteCel(NODES_GROUP)} in request.userInfo.groups` },
];

const ASKS_FOR_ITSELF: readonly MatchCondition[] = [
  { name: 'not-a-node', expression: NOT_A_NODE },
  { name: 'not-the-control-plane', expression: `!(${USER} in ${listCel([...CONTROL_PLANE])})` },
  { name: 'not-a-controller', expression: `!${USER}.startsWith(${quoteCel(SYSTEM_ACCOUNTS)})` },
  {
    name: 'not-for-a-webhook',
    expression: `!has(object.spec.boundObjectRef) || object.spec.boundObjectRef == null || !(object.spec.boundObjectRef.kind in ${listCel([...WEBHOOK_KINDS])})`,
  },
];

/** True, in CEL, for what its own controller writes, whose author was told already; undefined if these reads have none. */
export function quietCel(reads: readonly Reads[]): string | undefined {
  const names = new Set(reads.filter(({ subresource }) => subresource === undefined).map(({ resource }) => resource));
  if (names.has('replicasets')) {
    const owner = 'object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))';
    return `request.resource.resource in ["replicasets", "jobs"] && ${USER} in ${listCel([...WORKLOAD_CONTROLLERS])} && ${owner}`;
  }
  if (names.has('serviceaccounts')) {
    return `request.operation == "CREATE" && object.metadata.name == "default" && ${USER} in ${listCel([...ACCOUNT_CONTROLLERS])}`;
  }
  return undefined;
}

/** The namespaces that a policy is for: all but those left alone, and but kube-system where something is denied or patched. */
export function namespaceSelector(
  { configuration, ownNamespace }: NativeOptions,
  { withSystem }: { readonly withSystem: boolean },
): JsonObject {
  const names = [
    ...UNWATCHED_NAMESPACES,
    ...configuration.excludedNamespaces,
    ...(ownNamespace === '' ? [] : [ownNamespace]),
    ...(withSystem ? [] : [SYSTEM_NAMESPACE]),
  ];
  return {
    matchExpressions: [
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...new Set(names)].toSorted() },
    ],
  };
}

/** kube-system alone. */
export const SYSTEM_SELECTOR: JsonObject = {
  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [SYSTEM_NAMESPACE] }],
};
