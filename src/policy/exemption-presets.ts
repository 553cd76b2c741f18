/**
 * Exemptions of known software that needs a token: named sets, off by default. Namespaces and accounts are those that
 * each project's own chart or manifests make when nobody changes them; whoever installs elsewhere writes a rule.
 */

import { CHECKS } from '../checks/registry.ts';
import type { Exemption } from './exemption.ts';

/** What a program needs, with the checks that stand in its way. Ids that are not in the registry yet are passed over. */
export const CHECKS_OF_NEED = {
  /** It calls the Kubernetes API with the token of its pods. */
  'api-token': ['pod-automount', 'service-account-automount'],
  /** Its own manifests bind cluster-admin to its accounts. */
  'cluster-admin': ['rbac-binding-subjects'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ExemptionPreset = {
  /** Also the name of its exemption. */
  readonly name: string;
  /** `namespace/name`. */
  readonly serviceAccounts: readonly string[];
  readonly needs: readonly (keyof typeof CHECKS_OF_NEED)[];
  /** One line: what it does with its token. */
  readonly reason: string;
};

export const EXEMPTION_PRESETS: readonly ExemptionPreset[] = [
  {
    name: 'argo-cd',
    serviceAccounts: ofNamespace('argocd', [
      'argocd-application-controller',
      'argocd-applicationset-controller',
      'argocd-dex-server',
      'argocd-notifications-controller',
      'argocd-server',
    ]),
    needs: ['api-token'],
    reason: 'Argo CD reads and writes the objects that it deploys',
  },
  {
    name: 'aws-ebs-csi-driver',
    serviceAccounts: ofNamespace('kube-system', ['ebs-csi-controller-sa', 'ebs-csi-node-sa']),
    needs: ['api-token'],
    reason: 'the driver watches volumes and their attachments, and labels nodes',
  },
  {
    name: 'calico',
    serviceAccounts: [
      ...ofNamespace('kube-system', ['calico-node', 'calico-kube-controllers']),
      ...ofNamespace('calico-system', ['calico-node', 'calico-kube-controllers', 'calico-typha']),
      'tigera-operator/tigera-operator',
    ],
    needs: ['api-token'],
    reason: 'Calico watches pods, nodes and network policies',
  },
  {
    name: 'cert-manager',
    serviceAccounts: ofNamespace('cert-manager', ['cert-manager', 'cert-manager-cainjector', 'cert-manager-webhook']),
    needs: ['api-token'],
    reason: 'cert-manager watches its certificates and writes Secrets and CA bundles',
  },
  {
    name: 'cilium',
    serviceAccounts: ofNamespace('kube-system', ['cilium', 'cilium-operator']),
    needs: ['api-token'],
    reason: 'Cilium watches pods, nodes and network policies',
  },
  {
    name: 'cluster-autoscaler',
    serviceAccounts: ['kube-system/cluster-autoscaler'],
    needs: ['api-token'],
    reason: 'the autoscaler watches pods and nodes, and evicts pods',
  },
  {
    name: 'crossplane',
    serviceAccounts: ofNamespace('crossplane-system', ['crossplane', 'rbac-manager']),
    needs: ['api-token'],
    reason: 'Crossplane keeps its resources and the roles for them',
  },
  {
    name: 'external-secrets',
    serviceAccounts: ofNamespace('external-secrets', [
      'external-secrets',
      'external-secrets-cert-controller',
      'external-secrets-webhook',
    ]),
    needs: ['api-token'],
    reason: 'the operator watches its resources and writes Secrets',
  },
  {
    name: 'flux',
    serviceAccounts: ofNamespace('flux-system', [
      'helm-controller',
      'image-automation-controller',
      'image-reflector-controller',
      'kustomize-controller',
      'notification-controller',
      'source-controller',
    ]),
    needs: ['api-token', 'cluster-admin'],
    reason: 'Flux reads and writes the objects that it deploys',
  },
  {
    name: 'gatekeeper',
    serviceAccounts: ['gatekeeper-system/gatekeeper-admin'],
    needs: ['api-token'],
    reason: 'Gatekeeper watches its constraints and the objects they are about',
  },
  {
    name: 'ingress-nginx',
    serviceAccounts: ofNamespace('ingress-nginx', ['ingress-nginx', 'ingress-nginx-admission']),
    needs: ['api-token'],
    reason: 'the controller watches ingresses, and its jobs write the CA bundle of its webhook',
  },
  {
    name: 'istio',
    serviceAccounts: ofNamespace('istio-system', ['istiod', 'ztunnel']),
    needs: ['api-token'],
    reason: 'istiod watches services and pods, and proxies prove to it who they are by their tokens',
  },
  {
    name: 'karpenter',
    serviceAccounts: ['kube-system/karpenter'],
    needs: ['api-token'],
    reason: 'Karpenter watches pods and makes and removes nodes',
  },
  {
    name: 'keda',
    serviceAccounts: ['keda/keda-operator'],
    needs: ['api-token'],
    reason: 'KEDA watches its scaled objects and scales workloads',
  },
  {
    name: 'kyverno',
    serviceAccounts: ofNamespace('kyverno', [
      'kyverno-admission-controller',
      'kyverno-background-controller',
      'kyverno-cleanup-controller',
      'kyverno-reports-controller',
    ]),
    needs: ['api-token'],
    reason: 'Kyverno watches its policies and the objects they are about',
  },
  {
    name: 'linkerd',
    serviceAccounts: ofNamespace('linkerd', ['linkerd-destination', 'linkerd-identity', 'linkerd-proxy-injector']),
    needs: ['api-token'],
    reason: 'the control plane watches services and pods, and checks the tokens of its proxies',
  },
  {
    name: 'metrics-server',
    serviceAccounts: ['kube-system/metrics-server'],
    needs: ['api-token'],
    reason: 'the server watches pods and nodes, and asks the API server who may read metrics',
  },
  {
    name: 'prometheus-operator',
    serviceAccounts: ofNamespace('monitoring', ['kube-state-metrics', 'prometheus-k8s', 'prometheus-operator']),
    needs: ['api-token'],
    reason: 'Prometheus finds its targets through the API, and the operator writes its workloads',
  },
  {
    name: 'tekton',
    serviceAccounts: ofNamespace('tekton-pipelines', [
      'tekton-events-controller',
      'tekton-pipelines-controller',
      'tekton-pipelines-webhook',
    ]),
    needs: ['api-token'],
    reason: 'Tekton watches its pipelines and makes pods for them',
  },
  {
    name: 'vault',
    serviceAccounts: ofNamespace('vault', ['vault', 'vault-agent-injector']),
    needs: ['api-token'],
    reason: 'Vault checks the tokens that log in and labels its pods; the injector keeps its webhook',
  },
  {
    name: 'velero',
    serviceAccounts: ['velero/velero'],
    needs: ['api-token', 'cluster-admin'],
    reason: 'Velero reads every object for a backup and writes them back',
  },
];

/** The ids of the checks whose findings a preset removes, in the order of the registry. */
export function listPresetChecks({ needs }: ExemptionPreset): readonly string[] {
  const ids: readonly string[] = needs.flatMap((need) => CHECKS_OF_NEED[need]);
  return CHECKS.map(({ id }) => id).filter((id) => ids.includes(id));
}

/** The exemption that a preset stands for. */
export function toExemption(preset: ExemptionPreset): Exemption {
  const { name, serviceAccounts, reason } = preset;
  return {
    name,
    match: { serviceAccounts },
    checks: new Set(listPresetChecks(preset)),
    reason,
    owner: `preset ${name}`,
    ticket: undefined,
    lastDay: undefined,
    end: Infinity,
  };
}

function ofNamespace(namespace: string, names: readonly string[]): readonly string[] {
  return names.map((name) => `${namespace}/${name}`);
}
