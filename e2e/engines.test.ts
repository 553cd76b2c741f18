/**
 * The engines of the chart, one after the other in one cluster: who denies, in which words, and that nobody says it twice.
 * Between them stands what the API server does: policies come before webhooks, and a denial ends the request.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asString, isObject, member, valueAt } from '../src/objects/json.ts';
import { type ApiClient, type Caller, openApi } from './api-client.ts';
import { isWebhookConfiguration, renderChart } from './chart.ts';
import { waitUntil } from './installed-curfew.ts';
import {
  createPolicies,
  type NativePolicies,
  pathOf,
  render,
  sendNatively,
  toConfiguration,
} from './native-policies.ts';
import { setUpSuite } from './suite.ts';
import { deployment, HAS_AUDIT_LOG, pod, tokenSecret, tokenVolume } from './test-cluster.ts';

const CONFIG = { levels: { enforce: 'baseline' } };
const suite = setUpSuite(CONFIG);

const LONG = {
  automountServiceAccountToken: false,
  volumes: [tokenVolume({ audience: 'vault', expirationSeconds: 200_000, path: 'token' })],
};
const SECRET = tokenSecret('ci', 'web');
const POD = pod('long', LONG);
const DEPLOYMENT = deployment('long', LONG);
const TOKEN_LINE = 'curfew token-lifetime: a token that lives too long; write expirationSeconds: 86400';

const SECRET_DENIED =
  "ValidatingAdmissionPolicy 'long-lived-token-secret.enforce.curfew.dev' with binding 'long-lived-token-secret.enforce.curfew.dev' denied request: curfew long-lived-token-secret at /type: a token that never expires; use kubectl create token or a projected token";
const POD_DENIED =
  "ValidatingAdmissionPolicy 'token-lifetime.enforce.curfew.dev' with binding 'token-lifetime.enforce.curfew.dev' denied request: curfew token-lifetime at /spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds: a token that lives too long; write expirationSeconds: 86400";
const FORBIDDEN = 'Error from server (Forbidden): error when creating "STDIN": ';

describe('With the webhook alone', () => {
  it('the webhook denies, and warns', async () => {
    expect((await make(SECRET)).stderr).toContain('admission webhook "secrets.curfew.dev" denied the request');
    expect((await make(POD)).stderr).toContain('admission webhook "pods.curfew.dev" denied the request');
    expect(await make(DEPLOYMENT)).toMatchObject({ code: 0, stderr: `Warning: ${TOKEN_LINE}\n` });
  });
});

describe('With policies behind the webhook', () => {
  beforeAll(async () => {
    await suite.curfew.upgrade(CONFIG, { engine: 'both', failurePolicy: 'Ignore' });
    await waitUntil('the last policy is in force', async () => (await make(SECRET)).stderr.includes(SECRET_DENIED));
    await waitUntil('the first is', async () => (await make(POD)).stderr.includes(POD_DENIED));
  });

  it('what a policy denies is denied in one message, and the webhook records nothing of it', async () => {
    const secret = await make(SECRET);
    expect(secret.stderr).toBe(`${FORBIDDEN}secrets "ci" is forbidden: ${SECRET_DENIED}\n`);
    const denied = await make(POD);
    expect(denied.stderr).toBe(`${FORBIDDEN}pods "long" is forbidden: ${POD_DENIED}\n`);
    if (!HAS_AUDIT_LOG) return;
    expect(Object.keys(secret.records)).toEqual(['long-lived-token-secret.enforce.curfew.dev/deny']);
    expect(Object.keys(denied.records)).toEqual(['token-lifetime.enforce.curfew.dev/deny']);
  });

  it('what is only warned about is warned about once, by the webhook, and recorded by it alone', async () => {
    const { code, stderr, records } = await make(DEPLOYMENT);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `Warning: ${TOKEN_LINE}\n` });
    if (HAS_AUDIT_LOG) expect(Object.keys(records)).toEqual(['review.curfew.dev/audit', 'review.curfew.dev/warn']);
  });

  it('what no policy judges is denied by the webhook', async () => {
    const { stderr } = await make(pod('mounts'), { 'curfew.dev/enforce': 'restricted' });
    expect(stderr).toContain('admission webhook "pods.curfew.dev" denied the request');
    expect(stderr).toContain('pod-automount');
  });

  it('with dryRun there is no policy, so that nothing is warned about twice', async () => {
    const objects = await renderChart({ engine: 'both', config: { ...CONFIG, dryRun: true } });
    expect(objects.filter(isPolicy)).toEqual([]);
    expect(objects.some(isWebhookConfiguration)).toBe(true);
  });

  it('policies deny while every entry fails open and nobody is there to answer', async () => {
    await suite.curfew.stopProcess();
    expect((await make(SECRET)).stderr).toBe(`${FORBIDDEN}secrets "ci" is forbidden: ${SECRET_DENIED}\n`);
    expect((await make(POD)).stderr).toBe(`${FORBIDDEN}pods "long" is forbidden: ${POD_DENIED}\n`);
    // What the webhook says beside them is not said.
    expect(await make(DEPLOYMENT)).toMatchObject({ code: 0, stderr: '', records: {} });
  });
});

let api: ApiClient;
let policies: NativePolicies;

describe('With policies alone', () => {
  beforeAll(async () => {
    api = await openApi(suite.cluster);
    const kinds = 'validatingadmissionpolicybindings,validatingadmissionpolicies';
    await suite.cluster.must(['delete', kinds, '-l', 'app.kubernetes.io/component=native-policies']);
    await suite.cluster.must(['delete', 'validatingwebhookconfigurations,mutatingwebhookconfigurations', 'curfew']);
    // Of two checks: all of them take the API server half a minute to compile, and e2e/helm.test.ts installs all.
    const objects = await renderChart({ engine: 'native' });
    const isTried = (object: JsonObject) => /^(long-lived-token-secret|token-lifetime)/.test(nameOf(object));
    policies = createPolicies(api);
    await policies.apply(objects.filter(isTried));
  });
  it('the chart has policies and nothing else', async () => {
    expect((await renderChart({ engine: 'native' })).filter((object) => !isPolicy(object))).toEqual([]);
  });

  it('they deny what the webhook denies, and warn as it does', async () => {
    const secret = await make(SECRET);
    expect(secret.stderr).toBe(`${FORBIDDEN}secrets "ci" is forbidden: ${SECRET_DENIED}\n`);
    expect((await make(POD)).stderr).toBe(`${FORBIDDEN}pods "long" is forbidden: ${POD_DENIED}\n`);
    const warned = await make(DEPLOYMENT);
    expect(warned.code).toBe(0);
    expect(warned.stderr.match(/curfew token-lifetime at /g)).toHaveLength(1);
    expect(warned.stderr.trim().split('\n')).toHaveLength(1);
    if (!HAS_AUDIT_LOG) return;
    // The keys that the webhook has, each once.
    expect(Object.keys(secret.records).map((key) => key.split('/')[1])).toEqual(['audit', 'deny', 'warn']);
    expect(Object.keys(warned.records).map((key) => key.split('/')[1])).toEqual(['audit', 'warn']);
  });
});

describe('With policies for what kubelets ask for', () => {
  const BOUND = { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web' } };
  const lifetime = (seconds: number) =>
    `curfew token-lifetime at /spec/expirationSeconds: a token that lives too long; write expirationSeconds: ${seconds} or less in the pod`;
  const AUDIENCE =
    'curfew token-audience at /spec/audiences: an audience that is not on the list; write one that is on it in the pod';
  /** Without the name of a node, so that NodeRestriction, which asks for a pod on it, stays out. */
  const KUBELET = { username: 'kubelet', groups: ['system:nodes'] };

  beforeAll(async () => {
    const match = { serviceAccounts: ['*/old'], kinds: ['Pod'], users: ['jane'] };
    const rule = { name: 'old', match, reason: 'until it is gone', owner: 'platform', permanent: true };
    const configuration = toConfiguration({
      checks: {
        'token-lifetime': { audiences: { vault: 7_200 } },
        'token-audience': { allowed: ['vault', 'istio-ca'] },
      },
      exemptions: { rules: [rule] },
    });
    const objects = render(configuration, { nodeTokens: 'enforce' });
    await policies.apply(objects.filter((object) => nameOf(object).startsWith('node-')));
  });
  afterAll(() => api?.close());

  it.each<[string, string, JsonObject, string]>([
    ['as long as its audience may live', 'baseline', { audiences: ['vault'], expirationSeconds: 7_200 }, ''],
    ['longer', 'baseline', { audiences: ['vault'], expirationSeconds: 7_201 }, lifetime(7_200)],
    ['what a mesh injects', 'restricted', { audiences: ['istio-ca'], expirationSeconds: 43_200 }, ''],
    [
      'what a mesh does not inject',
      'restricted',
      { audiences: ['istio-ca'], expirationSeconds: 43_201 },
      lifetime(43_200),
    ],
    ['the default token of a pod', 'restricted', { ...BOUND, expirationSeconds: 3_607 }, ''],
    ['one like it of no pod', 'restricted', { expirationSeconds: 3_607 }, lifetime(3_600)],
    ['a longer one for the API', 'restricted', { ...BOUND, expirationSeconds: 7_200 }, lifetime(3_600)],
    ['a day for the API', 'baseline', { ...BOUND, expirationSeconds: 86_400 }, ''],
    ['an audience that is not on the list', 'restricted', { audiences: ['other'], expirationSeconds: 600 }, AUDIENCE],
    ['the same at baseline', 'baseline', { audiences: ['other'], expirationSeconds: 600 }, ''],
    ['anything where nothing is enforced', 'off', { audiences: ['vault'], expirationSeconds: 90_000 }, ''],
  ])('judges %s', async (_what, level, spec, denial) => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': level });
    expect((await ask(namespace, 'web', { spec, as: KUBELET })).denial).toBe(denial);
  });

  it('leaves people, exempt accounts and kube-system alone', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'baseline' });
    const spec = { audiences: ['vault'], expirationSeconds: 90_000 };
    expect((await ask(namespace, 'web', { spec, as: KUBELET })).denial).toBe(lifetime(7_200));
    expect((await ask(namespace, 'web', { spec, as: { username: 'jane' } })).denial).toBe('');
    expect((await ask(namespace, 'old', { spec, as: KUBELET })).denial).toBe('');
    expect((await ask('kube-system', 'default', { spec, as: KUBELET })).denial).toBe('');
  });

  async function ask(
    namespace: string,
    account: string,
    { spec, as }: { readonly spec: JsonObject; readonly as: Caller },
  ) {
    const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { name: account }, spec };
    return await sendNatively(api, { method: 'POST', path: pathOf(object, namespace), object, as });
  }
});

function nameOf(object: JsonObject): string {
  return asString(valueAt(object, ['metadata', 'name'])) ?? '';
}

function isPolicy(object: JsonObject): boolean {
  return /AdmissionPolicy(Binding)?$/.test(asString(object['kind']) ?? '');
}

/** Makes it in a namespace of its own; `records` are Curfew's audit annotations of the request. */
async function make(object: JsonObject, labels: Readonly<Record<string, string>> = {}) {
  const namespace = await suite.cluster.createNamespace(labels);
  const { code, stderr } = await suite.cluster.kubectl.apply(object, ['-n', namespace]);
  const event = (await suite.cluster.controlPlane.auditEvents()).find(
    (one) =>
      valueAt(one, ['verb']) === 'create' &&
      valueAt(one, ['objectRef', 'namespace']) === namespace &&
      valueAt(one, ['objectRef', 'resource']) === `${(asString(object['kind']) ?? '').toLowerCase()}s`,
  );
  const annotations = member(event, 'annotations');
  const records = Object.entries(isObject(annotations) ? annotations : {})
    .filter(([key]) => key.includes('curfew.dev/'))
    .toSorted(([one], [other]) => one.localeCompare(other));
  return { code, stderr, records: Object.fromEntries(records) };
}
