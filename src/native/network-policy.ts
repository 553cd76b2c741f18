/** NetworkPolicies that keep pods without an API token from the API server: a lock more, where nobody has a key anyway. */

import type { JsonObject } from '../objects/json.ts';
import { NO_TOKEN_LABEL, NO_TOKEN_VALUE } from '../objects/no-token-label.ts';

export const NETWORK_POLICY_NAME = 'no-api-server.curfew.dev';
const LABELS = { 'app.kubernetes.io/name': 'curfew', 'app.kubernetes.io/component': 'network-policies' };

export type NetworkPolicyOptions = {
  readonly namespaces: readonly string[];
  /** Addresses of the API server as blocks: `192.0.2.10/32`, `2001:db8::a/128`. */
  readonly blocks: readonly string[];
};

/**
 * One for each namespace. A NetworkPolicy is a list of what is allowed, so it allows every address but those, and every
 * pod: there are networks for which pods are in no block (Cilium).
 */
export function renderNetworkPolicies({ namespaces, blocks }: NetworkPolicyOptions): readonly JsonObject[] {
  const isIpv6 = (block: string) => block.includes(':');
  const to = [
    toPeer(
      '0.0.0.0/0',
      blocks.filter((block) => !isIpv6(block)),
    ),
    toPeer('::/0', blocks.filter(isIpv6)),
    { namespaceSelector: {} },
  ];
  return namespaces.map((namespace) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: NETWORK_POLICY_NAME, namespace, labels: LABELS },
    spec: {
      podSelector: { matchLabels: { [NO_TOKEN_LABEL]: NO_TOKEN_VALUE } },
      policyTypes: ['Egress'],
      egress: [{ to }],
    },
  }));
}

function toPeer(cidr: string, except: readonly string[]): JsonObject {
  return { ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) } };
}

/** What whoever applies them has to know, a sentence each. */
export const NETWORK_POLICY_LIMITS: readonly string[] = [
  'The network has to enforce policies. Without one that does they do nothing, and nobody says so.',
  'Policies add up: what another egress policy of the same pods allows stays allowed. Rules for all pods must leave these addresses out too.',
  `A pod is selected by the label ${NO_TOKEN_LABEL}: ${NO_TOKEN_VALUE}. Curfew writes it with mutations.automount-opt-out.label: true on pods made from then on; whoever may change a pod's labels may take it away.`,
  'Pods on the network of their node are not selected, and what goes through a proxy of the node or the cluster is that proxy and not the API server.',
  'Some networks look at the address of the Service, some at those behind it: both are left out. Addresses of a managed or rebuilt control plane change; render again then.',
  'All ports of these addresses are closed. An API server that runs as a pod of this cluster is reached as a pod.',
  'Names (DNS), other pods and all other addresses stay allowed. Where the network knows nodes as more than addresses (Cilium), nodes need a rule of their own.',
];
