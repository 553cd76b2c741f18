/**
 * What an audit lists beside the kinds that rules read: webhooks, by which some checks are judged, and what only sections of the
 * report are made of. Constraints of Gatekeeper are kinds of each cluster's own, so they are not here: the report says where
 * they could not be listed.
 */

type Listed = { readonly group: string; readonly resource: string };

const of = (group: string, resources: readonly string[]): readonly Listed[] =>
  resources.map((resource) => ({ group, resource }));

export const LISTED_BESIDE: readonly Listed[] = [
  ...of('admissionregistration.k8s.io', [
    'mutatingwebhookconfigurations',
    'validatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
  ]),
  ...of('networking.k8s.io', ['networkpolicies']),
  ...of('monitoring.coreos.com', ['prometheusrules']),
  ...of('kyverno.io', ['policies', 'clusterpolicies', 'cleanuppolicies', 'clustercleanuppolicies']),
  ...of('policies.kyverno.io', [
    'validatingpolicies',
    'namespacedvalidatingpolicies',
    'mutatingpolicies',
    'namespacedmutatingpolicies',
    'generatingpolicies',
    'namespacedgeneratingpolicies',
    'deletingpolicies',
    'namespaceddeletingpolicies',
    'imagevalidatingpolicies',
    'namespacedimagevalidatingpolicies',
  ]),
  ...of('templates.gatekeeper.sh', ['constrainttemplates']),
];
