import { describe, expect, it } from 'vitest';
import {
  describeAdmissionPolicy,
  describeConstraint,
  describeKyverno,
  listInjectors,
} from '../../../src/audit/foreign-parts.ts';
import { findOverlaps } from '../../../src/audit/policy-overlaps.ts';
import { readForeign } from '../../../src/audit/read-foreign.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import type { KubeRequest, KubeResponse } from '../../../src/kube/api.ts';
import type { JsonObject } from '../../../src/objects/json.ts';

const POD_RULE = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] };
const webhooks = (name: string, rule: JsonObject = POD_RULE) => ({
  metadata: { name },
  webhooks: [{ name: 'a.example', rules: [rule] }],
});

describe('Injectors of others', () => {
  it.each<[string, JsonObject, readonly object[]]>([
    [
      'of a cloud',
      webhooks('pod-identity-webhook'),
      [
        {
          name: 'pod-identity-webhook',
          webhook: 'a.example',
          knownAs: 'the scheme of preset aws-irsa, aws-pod-identity, tencent',
        },
      ],
    ],
    [
      'of a mesh',
      webhooks('istio-sidecar-injector-1-22'),
      [{ name: 'istio-sidecar-injector-1-22', webhook: 'a.example', knownAs: 'Istio' }],
    ],
    ['of nobody we know', webhooks('mine'), [{ name: 'mine', webhook: 'a.example' }]],
    [
      'of everything',
      webhooks('mine', { ...POD_RULE, apiGroups: ['*'], resources: ['*/*'], operations: ['*'] }),
      [{ name: 'mine', webhook: 'a.example' }],
    ],
    ['that changes no pods', webhooks('mine', { ...POD_RULE, apiGroups: ['apps'], resources: ['deployments'] }), []],
    ['that only hears of updates', webhooks('mine', { ...POD_RULE, operations: ['UPDATE'] }), []],
  ])('are told: one %s', (_title, configuration, expected) => {
    expect(listInjectors(configuration)).toEqual(expected);
  });
});

const AUTOMOUNT = { expression: 'object.spec.automountServiceAccountToken == false' };
const VAP = {
  metadata: { name: 'require-token-disabled' },
  spec: { matchConstraints: { resourceRules: [POD_RULE] }, validations: [AUTOMOUNT] },
};
const KYVERNO = {
  metadata: { name: 'no-tokens' },
  spec: {
    validationFailureAction: 'Enforce',
    rules: [
      {
        match: { any: [{ resources: { kinds: ['v1/Secret'] } }] },
        validate: { pattern: { type: '!kubernetes.io/service-account-token' } },
      },
    ],
  },
};
const CONSTRAINT = { metadata: { name: 'c' }, spec: { match: { kinds: [{ apiGroups: [''], kinds: ['Pod'] }] } } };
const TEMPLATE = {
  spec: {
    crd: { spec: { names: { kind: 'K8sAutomount' } } },
    targets: [{ rego: 'obj.spec.automountServiceAccountToken == true' }],
  },
};

describe('Policies of others', () => {
  it('are told with the checks that name the same, and what they do', () => {
    expect(describeAdmissionPolicy('validating-admission-policy', VAP, ['Deny'])).toEqual({
      engine: 'validating-admission-policy',
      name: 'ValidatingAdmissionPolicy require-token-disabled',
      overlaps: ['pod-automount'],
      detail: 'It names what pod-automount judges; its bindings say Deny.',
    });
    expect(describeKyverno('ClusterPolicy', KYVERNO)).toEqual({
      engine: 'kyverno',
      name: 'ClusterPolicy no-tokens',
      overlaps: ['long-lived-token-secret'],
      detail: 'It names what long-lived-token-secret judges; its action is Enforce.',
    });
    expect(describeConstraint('K8sAutomount', CONSTRAINT, TEMPLATE)).toEqual({
      engine: 'gatekeeper',
      name: 'K8sAutomount c',
      overlaps: ['pod-automount'],
      detail: 'It names what pod-automount judges; its enforcementAction is deny.',
    });
  });

  it('are not told where they are about other things', () => {
    const other = { ...VAP, spec: { ...VAP.spec, validations: [{ expression: 'has(object.spec.hostNetwork)' }] } };
    expect(describeAdmissionPolicy('validating-admission-policy', other, ['Deny'])).toBeUndefined();
    expect(describeConstraint('K8sLabels', CONSTRAINT, undefined)).toBeUndefined();
  });

  it('overlap with checks that there are', () => {
    const everything =
      'kubernetes.io/service-account-token bootstrap.kubernetes.io/token automountServiceAccountToken secrets serviceAccountName serviceAccountToken expirationSeconds audience boundObjectRef "*" pods create serviceaccounts/token impersonate escalate nodes/proxy pods/exec cluster-admin';
    const overlaps = findOverlaps(
      ['secrets', 'pods', 'serviceaccounts', 'serviceaccounts/token', 'roles', 'rolebindings'],
      everything,
    );
    expect(overlaps.length).toBeGreaterThan(15);
    expect(overlaps.filter((id) => !CHECKS.some((check) => check.id === id))).toEqual([]);
  });
});

/** An API server with these answers; everything else is not installed. */
function createApi(answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const request = async ({ path }: KubeRequest): Promise<KubeResponse> => {
    asked.push(path);
    const body = answers[path];
    return body === undefined ? { status: 404, body: { kind: 'Status' } } : { status: 200, body };
  };
  return { asked, client: { request } };
}

const group = (name: string, version: string) => ({ name, preferredVersion: { groupVersion: `${name}/${version}` } });

async function read(
  api: ReturnType<typeof createApi>,
  faults: { readonly message: string }[] = [],
  namespace?: string,
) {
  return await readForeign(
    { client: api.client, namespace, own: 'curfew', signal: new AbortController().signal },
    faults,
  );
}

describe('What others have in a cluster', () => {
  const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
  const binding = { spec: { policyName: 'require-token-disabled', validationActions: ['Warn', 'Audit'] } };
  const FULL = {
    [`${ADMISSION}/mutatingwebhookconfigurations`]: { items: [webhooks('curfew'), webhooks('mine')] },
    [`${ADMISSION}/validatingwebhookconfigurations`]: { items: [{ metadata: { name: 'curfew' } }] },
    [`${ADMISSION}/validatingadmissionpolicies`]: { items: [VAP] },
    [`${ADMISSION}/validatingadmissionpolicybindings`]: { items: [binding] },
    '/apis': {
      groups: [
        group('admissionregistration.k8s.io', 'v1'),
        group('kyverno.io', 'v1'),
        group('templates.gatekeeper.sh', 'v1'),
        group('constraints.gatekeeper.sh', 'v1beta1'),
      ],
    },
    '/apis/kyverno.io/v1': {
      resources: [
        { name: 'clusterpolicies', kind: 'ClusterPolicy' },
        { name: 'clusterpolicies/status', kind: 'ClusterPolicy' },
        { name: 'globalcontextentries', kind: 'GlobalContextEntry' },
      ],
    },
    '/apis/kyverno.io/v1/clusterpolicies': { items: [KYVERNO] },
    '/apis/templates.gatekeeper.sh/v1/constrainttemplates': { items: [TEMPLATE] },
    '/apis/constraints.gatekeeper.sh/v1beta1': { resources: [{ name: 'k8sautomount', kind: 'K8sAutomount' }] },
    '/apis/constraints.gatekeeper.sh/v1beta1/k8sautomount': { items: [CONSTRAINT] },
  };

  it('is listed by what is installed', async () => {
    const foreign = await read(createApi(FULL));
    expect(foreign.injectors.map(({ name }) => name)).toEqual(['mine']);
    expect(foreign.mutatingWebhooks).toEqual({ state: 'found', value: ['mine'] });
    expect(foreign.policies.map(({ name, detail }) => `${name}: ${detail.split('; ')[1]}`)).toEqual([
      'ValidatingAdmissionPolicy require-token-disabled: its bindings say Warn, Audit.',
      'ClusterPolicy no-tokens: its action is Enforce.',
      'K8sAutomount c: its enforcementAction is deny.',
    ]);
    expect(foreign.isWhole).toBe(true);
  });

  it('is not asked for where no such API exists', async () => {
    const api = createApi({ '/apis': { groups: [group('admissionregistration.k8s.io', 'v1')] } });
    expect((await read(api)).policies).toEqual([]);
    expect(api.asked.filter((path) => /kyverno|gatekeeper/.test(path))).toEqual([]);
  });

  it('is a fault where it cannot be read, but for one namespace, and then is not known', async () => {
    const faults: { readonly message: string }[] = [];
    const foreign = await read(createApi({}), faults);
    expect(faults.map(({ message }) => message)).toEqual([expect.stringMatching(/^\/apis cannot be read/)]);
    expect(foreign).toMatchObject({ isWhole: false, groups: undefined });
    const none: { readonly message: string }[] = [];
    expect(await read(createApi({}), none, 'shop')).toMatchObject({ isWhole: false });
    expect(none).toEqual([]);
  });
});
