/** What Helm says of values that cannot be right: sentences of the chart whole, those of Helm's own schema in part. */

import { beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import type { JsonObject } from '../../src/objects/json.ts';
import { findHelms, HELMS, type RefusedValues, refusalOf, sentenceOf } from './rendering.ts';

beforeAll(async () => {
  await findHelms();
});

type Contradiction = RefusedValues & { readonly sentence: string };

const PROVIDED = ['certificates.mode=provided', 'certificates.provided.existingSecret=a'];
const PEM = '-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----';
const INJECTED = 'webhook.annotations.cert-manager\\.io/inject-ca-from-secret=curfew-system/a';

const RENDER =
  'Render them: curfew render policies --values values.yaml --engine native --kubernetes 1.36 --namespace curfew-system > policies.yaml, and with the same values --set-file native.policies=policies.yaml.';

/** The value `native.policies` as it was rendered, but for what is `changed`. */
function policies(changed: JsonObject): string {
  const from = { version: packageJson.version, engine: 'native', nodeTokens: 'off' };
  const place = { namespace: 'curfew-system', kubernetes: '1.36' };
  const text = JSON.stringify({ ...from, ...place, configuration: {}, ...changed });
  return `native.policies=# rendered from: ${text.replaceAll(/[{},]/g, '\\$&')}`;
}

const CONTRADICTIONS: Readonly<Record<string, Contradiction>> = {
  'a namespace of the cluster itself': {
    settings: [],
    namespace: 'kube-system',
    sentence:
      "Curfew needs a namespace of its own, since it leaves its own namespace alone: kube-system is the cluster's. Install it with --namespace curfew-system --create-namespace.",
  },
  'tasks in the namespace where nothing is judged': {
    settings: ['audit.enabled=true', 'tasks.namespace=curfew-system'],
    sentence:
      'tasks.namespace is curfew-system, where Curfew judges nothing or holds nothing up: give the CronJobs a namespace of their own, such as curfew-tasks.',
  },
  'tasks in a namespace that is excluded': {
    settings: ['cleanup.enabled=true', 'config.excludedNamespaces={curfew-tasks}'],
    sentence: 'tasks.namespace is curfew-tasks, which config excludes: give the CronJobs a namespace that is judged.',
  },
  'a release whose name no Service can have': {
    settings: [],
    release: '1st',
    sentence:
      'The full name "1st-curfew" is made of the release\'s name and cannot be that of a Service, which begins with a letter and holds lower case letters, digits and dashes: set fullnameOverride.',
  },
  'no service account at all': {
    settings: ['serviceAccount.create=false'],
    sentence: 'serviceAccount.create is false, so serviceAccount.name must name the account to use.',
  },
  'annotations for an account that is not made': {
    settings: ['serviceAccount.create=false', 'serviceAccount.name=own', 'serviceAccount.annotations.team=platform'],
    sentence:
      'serviceAccount.annotations are those of an account that the chart makes: with serviceAccount.create=false annotate your own.',
  },
  'a value that is no more': {
    settings: ['tls.existingSecret=a'],
    sentence:
      'tls.existingSecret is no more: set certificates.mode=provided and certificates.provided.existingSecret in its place.',
  },
  'two certificates': {
    settings: [...PROVIDED, 'config.tls.certFile=/c', 'config.tls.keyFile=/k'],
    sentence: 'certificates.provided.existingSecret mounts a Secret and sets config.tls itself: set one of the two.',
  },
  'no certificate': {
    settings: ['certificates.mode=provided'],
    sentence:
      'certificates.mode=provided needs certificates.provided.existingSecret, or config.tls with files of a volume of yours.',
  },
  'files that would not be used': {
    settings: ['config.tls.certFile=/c', 'config.tls.keyFile=/k'],
    sentence:
      'config.tls names files of your own, and certificates.mode is own: set certificates.mode=provided, or leave config.tls out.',
  },
  'a Secret that would not be used': {
    settings: ['certificates.provided.existingSecret=a'],
    sentence:
      'certificates.provided.existingSecret is not used with certificates.mode=own: set certificates.mode=provided, or leave it out.',
  },
  'an issuer that would not be used': {
    settings: ['certificates.certManager.issuerRef.name=a'],
    sentence:
      'certificates.certManager.issuerRef is not used with certificates.mode=own: set certificates.mode=certManager, or leave it out.',
  },
  'an issuer without a name': {
    settings: ['certificates.mode=certManager', 'certificates.certManager.issuerRef.kind=ClusterIssuer'],
    sentence:
      'certificates.certManager.issuerRef is a ClusterIssuer of cert-manager.io without a name: name it, or leave kind and group out and the chart makes an Issuer.',
  },
  'a CA that the chart cannot know': {
    settings: ['webhook.publishedBy=chart'],
    sentence:
      'webhook.publishedBy=chart cannot go with certificates.mode=own: the server makes that CA, so nobody else can publish it. Set certificates.mode to certManager or provided.',
  },
  'no CA bundle at all': {
    settings: [...PROVIDED, 'webhook.publishedBy=chart'],
    sentence:
      "webhook.publishedBy=chart with certificates.mode=provided needs webhook.caBundle, or in webhook.annotations the Secret that cert-manager's injector takes the CA bundle from.",
  },
  'two CA bundles': {
    settings: [...PROVIDED, 'webhook.publishedBy=chart', `webhook.caBundle=${PEM}`, INJECTED],
    sentence:
      'webhook.caBundle and cert-manager.io/inject-ca-from-secret in webhook.annotations both write the CA bundle: set one of the two.',
  },
  'a CA bundle that the server publishes': {
    settings: [...PROVIDED, `webhook.caBundle=${PEM}`],
    sentence:
      'webhook.caBundle is for webhook.publishedBy=chart: the server publishes the CA of its certificate itself.',
  },
  'two who say which callers are believed': {
    settings: [
      `callerAuthentication.ca=${PEM}`,
      'config.callerAuthentication.caFile=/c',
      'config.callerAuthentication.names={kube-apiserver}',
    ],
    sentence: 'callerAuthentication.ca sets config.callerAuthentication itself: set one of the two.',
  },
  'two who publish': {
    settings: [...PROVIDED, INJECTED],
    sentence:
      'webhook.annotations has cert-manager.io/inject-ca-from-secret, and webhook.publishedBy is server: both would write the CA bundle, again and again. Set webhook.publishedBy=chart, or leave the annotation out.',
  },
  'a label that selectors need': {
    settings: ['commonLabels.app\\.kubernetes\\.io/name=x'],
    sentence: 'commonLabels must not set app.kubernetes.io/name: the chart sets it itself.',
  },
  'a label that only tells the version': {
    settings: ['commonLabels.helm\\.sh/chart=x'],
    sentence: 'commonLabels must not set helm.sh/chart: the chart sets it itself.',
  },
  'a pod label that selectors need': {
    settings: ['podLabels.app\\.kubernetes\\.io/instance=x'],
    sentence: 'podLabels must not set app.kubernetes.io/instance: the chart sets it itself.',
  },
  'the kubelet’s port on the node': {
    settings: ['hostNetwork=true'],
    sentence:
      "webhook.containerPort is 10250, which is the kubelet's own port on the node's network: with hostNetwork choose another one, such as 9443.",
  },
  'a grace period shorter than the drain': {
    settings: ['terminationGracePeriodSeconds=4'],
    sentence:
      'terminationGracePeriodSeconds (4) must be longer than config.server.drainSeconds (5), or pods are killed while they drain.',
  },
  'a drain longer than the grace period': {
    settings: ['config.server.drainSeconds=45'],
    sentence:
      'terminationGracePeriodSeconds (45) must be longer than config.server.drainSeconds (45), or pods are killed while they drain.',
  },
  'two equal ports': {
    settings: ['operations.containerPort=10250'],
    sentence: 'webhook.containerPort and operations.containerPort must differ.',
  },
  'a disruption budget that allows an outage': {
    settings: ['podDisruptionBudget.maxUnavailable=2'],
    sentence:
      'podDisruptionBudget.maxUnavailable (2) must be less than replicas (2), or a drain may take every replica at once.',
  },
  'an approval that no controller could ask for': {
    settings: ['config.apiAccess.approval=true', 'config.apiAccess.acceptFrom={ServiceAccount,Pod}'],
    sentence:
      'config.apiAccess.approval cannot go with Pod in config.apiAccess.acceptFrom: controllers make the pods, so nobody could be asked for an approval.',
  },
  'a volume of a name that the chart uses': {
    settings: ['extraVolumes[0].name=api-token'],
    sentence: 'extraVolumes must not be named api-token: the chart has a volume of that name.',
  },
  'a policy that does not hold on the node’s network': {
    settings: ['hostNetwork=true', 'webhook.containerPort=9443', 'networkPolicy.enabled=true'],
    sentence:
      "networkPolicy.enabled does nothing with hostNetwork: a NetworkPolicy is not for pods on the node's network.",
  },
  'a scrape that the policy shuts out': {
    settings: ['serviceMonitor.enabled=true', 'networkPolicy.enabled=true'],
    sentence:
      'serviceMonitor.enabled with networkPolicy.enabled needs networkPolicy.metricsFrom, or Prometheus is not let in.',
  },
  'a policy without those whom a pod monitor is for': {
    settings: ['podMonitor.enabled=true', 'networkPolicy.enabled=true'],
    sentence:
      'podMonitor.enabled with networkPolicy.enabled needs networkPolicy.metricsFrom, or Prometheus is not let in.',
  },
  'policies that would not be used': {
    settings: ['native.policies=x'],
    sentence: 'native.policies is not used with engine=webhook: set engine to native or both, or leave it out.',
  },
  'a check that the shipped policies do not follow': {
    settings: ['engine=native', 'config.checks.token-lifetime.mode=warn'],
    sentence: `config.checks is not in the policies that the chart ships, which are those of the default configuration. ${RENDER}`,
  },
  'policies from somewhere else': {
    settings: ['engine=native', 'native.policies=x'],
    sentence: `native.policies has no line "# rendered from: …", by which it is compared with these values. ${RENDER}`,
  },
  'policies of another version': {
    settings: ['engine=native', policies({ version: '0.0.9' })],
    sentence: `native.policies was rendered by curfew 0.0.9, and this is ${packageJson.version}. ${RENDER}`,
  },
  'policies that only deny': {
    settings: ['engine=native', policies({ engine: 'both' })],
    sentence: `native.policies was rendered with --engine both, and engine is native. ${RENDER}`,
  },
  'a rule for kubelets without policies': {
    settings: ['native.nodeTokens=audit'],
    sentence:
      'native.nodeTokens is audit, and engine=webhook has no policies: a webhook is never asked about what kubelets ask for. Set engine to native or both, or leave it out.',
  },
  'policies that leave kubelets alone': {
    settings: ['engine=both', 'native.nodeTokens=enforce', policies({})],
    sentence:
      'native.policies was rendered with --node-tokens off, and native.nodeTokens is enforce. Render them: curfew render policies --values values.yaml --engine both --node-tokens enforce --kubernetes 1.36 --namespace curfew-system > policies.yaml, and with the same values --set-file native.policies=policies.yaml.',
  },
  'policies of another namespace': {
    settings: ['engine=native', policies({ namespace: 'other' })],
    sentence: `native.policies was rendered for namespace other, and this release is in curfew-system. ${RENDER}`,
  },
  'policies for a newer cluster': {
    settings: ['engine=native', policies({ kubernetes: '1.37' })],
    sentence: `native.policies was rendered for Kubernetes 1.37 and later, and this cluster is v1.36.0. ${RENDER}`,
  },
  'policies of another configuration': {
    settings: ['engine=native', policies({ configuration: { mutateMode: 'apply' } })],
    sentence: `config.mutateMode is not what native.policies was rendered from. ${RENDER}`,
  },
  'an index without a server': {
    settings: ['engine=native', 'config.secretIndex=true'],
    sentence:
      'config.secretIndex is for the server, and with engine=native there is none: leave it out, or set engine to webhook or both.',
  },
  'a document that is no policy': {
    settings: ['engine=native', `${policies({})}\n---\nkind: Secret`],
    sentence: 'native.policies has a document that is no admission policy: {"kind":"Secret"}',
  },
  'two monitors': {
    settings: ['serviceMonitor.enabled=true', 'podMonitor.enabled=true'],
    sentence:
      'serviceMonitor.enabled and podMonitor.enabled would have every replica scraped and counted twice: set one of the two.',
  },
};

describe('A contradiction', () => {
  it.each(Object.entries(CONTRADICTIONS))('is told in one sentence by both Helms: %s', async (_what, contradiction) => {
    for (const helm of HELMS) {
      expect(sentenceOf(await refusalOf(helm, contradiction))).toBe(contradiction.sentence);
    }
  });
});

describe('Values that the schema refuses', () => {
  it.each([
    ['no configuration at all', 'config=null', /missing property 'config'|config is required/],
    ['no port', 'service=null', /missing property 'service'|service is required/],
    ['a name that no Service may have', 'fullnameOverride=A_B', /fullnameOverride/],
    ['an unknown key', 'replicaz=2', /replicaz/],
    ['an unknown key of the configuration', 'config.dryrun=true', /dryrun/],
    ['an unknown check', 'config.checks.no-such-check.mode=off', /no-such-check/],
    ['a level that does not exist', 'config.levels.enforce=strict', /enforce/],
    ['a certificate from nobody', 'certificates.mode=none', /mode/],
    ['a CA bundle that is none', 'webhook.caBundle=x', /caBundle/],
    ['an engine that does not exist', 'engine=policies', /engine/],
    ['an interval without a unit', 'serviceMonitor.interval=30', /interval/],
    [
      'a lifetime that means a year',
      'config.mutations.short-lived-api-token.expirationSeconds=3607',
      /expirationSeconds/,
    ],
  ])('are named by both Helms: %s', async (_what, setting, words) => {
    for (const helm of HELMS) expect(await refusalOf(helm, { settings: [setting] })).toMatch(words);
  });
});
