/** How the scenes are walked: each with the rights of its person alone, up to a token or what only the goal may do. */

import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, valueAt } from '../src/objects/json.ts';
import { RBAC } from './authorizer.ts';
import { waitUntil } from './installed-curfew.ts';
import { Refusal, type Send } from './people-client.ts';
import { startSpyingWebhook } from './spying-webhook.ts';
import { deployment } from './test-cluster.ts';

export type Walker = {
  /** As the person whose rights are tried. */
  readonly send: Send;
  /** As the administrator, who stands for the kubelet and looks at what came of it. */
  readonly admin: Send;
  readonly namespace: string;
  readonly user: string;
  /** The role that the person is bound to. */
  readonly role: string;
};

/** Throws where the API server refuses it. Returns whom the person is then, if there is a name for that. */
export type Walk = (walker: Walker) => Promise<string | undefined>;

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const TOKEN_TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT = 'kubernetes.io/service-account.name';

/** The user that the API server takes the bearer of a token for. */
export async function whoIs(admin: Send, token: string): Promise<string> {
  const review = await admin('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    method: 'POST',
    token,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return asString(valueAt(review, ['status', 'userInfo', 'username'])) ?? '';
}

const core = (namespace: string, rest: string) => `/api/v1/namespaces/${namespace}/${rest}`;

async function makeToken({ send, admin, namespace }: Walker, account: string, spec: JsonObject = {}): Promise<string> {
  const made = await send(core(namespace, `serviceaccounts/${account}/token`), {
    method: 'POST',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600, ...spec } },
  });
  return await whoIs(admin, asString(valueAt(made, ['status', 'token'])) ?? '');
}

/** A role that was written a moment ago is known to the authorizer a moment later. */
async function retry<T>(run: () => Promise<T>): Promise<T> {
  let last: T | undefined;
  await waitUntil('the authorizer knows it', async () => {
    try {
      last = await run();
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.status === 403) return false;
      throw error;
    }
  });
  return last as T;
}

const readToken = (secret: unknown) =>
  Buffer.from(asString(valueAt(secret, ['data', 'token'])) ?? '', 'base64').toString('utf8');

/** Reads until the token controller has filled it. */
async function untilFilled({ admin }: Walker, read: () => Promise<unknown>): Promise<string> {
  let token = '';
  await waitUntil('the token controller fills it', async () => {
    token = readToken(await read());
    return token !== '';
  });
  return await whoIs(admin, token);
}

const tokenSecret = (name: string, account: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: TOKEN_TYPE,
  metadata: { name, annotations: { [ACCOUNT]: account } },
});

/** What the kubelet does for a pod that is there; the administrator is in its place. */
async function tokenOfPod(walker: Walker, pod: unknown): Promise<string> {
  const [name, uid] = [asString(valueAt(pod, ['metadata', 'name'])), asString(valueAt(pod, ['metadata', 'uid']))];
  const account = asString(valueAt(pod, ['spec', 'serviceAccountName'])) ?? '';
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: name ?? '', uid: uid ?? '' };
  return await makeToken({ ...walker, send: walker.admin }, account, { boundObjectRef });
}

/** The first pod of a workload as this account. */
async function tokenOfFirstPod(walker: Walker, account: string): Promise<string> {
  let pod: unknown;
  await waitUntil('the workload has a pod', async () => {
    const list = await walker.admin(core(walker.namespace, 'pods?labelSelector=app'));
    pod = asArray(valueAt(list, ['items'])).find((one) => valueAt(one, ['spec', 'serviceAccountName']) === account);
    return pod !== undefined;
  });
  return await tokenOfPod(walker, pod);
}

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
/** So that the scenes beside it are left alone. */
const only = (namespace: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': namespace } });
const container = { name: 'app', image: 'registry.example/app:1' };
const EVERYTHING = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };

const rbac = (namespace: string | undefined, rest: string) =>
  `/apis/${RBAC}/v1/${namespace === undefined ? '' : `namespaces/${namespace}/`}${rest}`;

const bindingOf = (kind: string, user: string): JsonObject => ({
  apiVersion: `${RBAC}/v1`,
  kind,
  metadata: { name: `grown-${user}` },
  roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: RBAC, kind: 'User', name: user }],
});

async function readAllSecrets({ send }: Walker): Promise<undefined> {
  await retry(async () => await send('/api/v1/secrets?limit=1'));
}

/** By the title of the scene. */
export const WALKS: Readonly<Record<string, Walk>> = {
  'a token of one account': async (walker) => await makeToken(walker, 'web'),
  'tokens of all accounts': async (walker) => await makeToken(walker, 'db'),
  'a token Secret by name': async (walker) =>
    await untilFilled(walker, async () => await walker.send(core(walker.namespace, 'secrets/old'))),
  'Secrets that are listed': async (walker) =>
    await untilFilled(walker, async () => valueAt(await walker.send(core(walker.namespace, 'secrets')), ['items', 0])),
  'a token Secret that is written over to another account': async (walker) => {
    const patch = async (body: object) =>
      await walker.send(core(walker.namespace, 'secrets/old'), { method: 'PATCH', contentType: MERGE, body });
    await patch({
      metadata: { annotations: { [ACCOUNT]: 'db', 'kubernetes.io/service-account.uid': null } },
      data: null,
    });
    return await untilFilled(walker, async () => await patch({}));
  },
  'a token Secret that is made and read': async (walker) => {
    // The one made before is in nobody's way.
    const name = walker.role === 'near' ? 'other' : 'fresh';
    await walker.send(core(walker.namespace, 'secrets'), { method: 'POST', body: tokenSecret(name, 'db') });
    return await untilFilled(walker, async () => await walker.send(core(walker.namespace, `secrets/${name}`)));
  },
  'a token Secret that is made by server-side apply': async (walker) => {
    const path = core(walker.namespace, 'secrets/fresh');
    const body = tokenSecret('fresh', 'db');
    await walker.send(`${path}?fieldManager=walker`, { method: 'PATCH', contentType: APPLY, body });
    return await untilFilled(
      walker,
      async () => await walker.send(path, { method: 'PATCH', contentType: MERGE, body: {} }),
    );
  },
  'a pod': async (walker) => {
    const spec = { serviceAccountName: 'db', containers: [container] };
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'mine' }, spec };
    return await tokenOfPod(walker, await walker.send(core(walker.namespace, 'pods'), { method: 'POST', body }));
  },
  'a Deployment': async (walker) => {
    const body = deployment('mine', {});
    const path = `/apis/apps/v1/namespaces/${walker.namespace}/deployments`;
    const changed = JSON.parse(
      JSON.stringify(body).replaceAll('"serviceAccountName":"web"', '"serviceAccountName":"db"'),
    );
    await walker.send(path, { method: 'POST', body: changed });
    return await tokenOfFirstPod(walker, 'db');
  },
  'the template of a Deployment': async (walker) => {
    const path = `/apis/apps/v1/namespaces/${walker.namespace}/deployments/web`;
    const body = { spec: { template: { spec: { serviceAccountName: 'db' } } } };
    await walker.send(path, { method: 'PATCH', contentType: MERGE, body });
    return await tokenOfFirstPod(walker, 'db');
  },
  // There is no kubelet: that nothing but the node is missing is what the authorizer has to say about it.
  'a command in a pod': async ({ send, namespace }) => {
    try {
      await send(core(namespace, 'pods/app/exec?command=cat&stdout=true'), { method: 'POST' });
    } catch (error) {
      if (!(error instanceof Refusal) || error.status === 403 || error.status === 404) throw error;
    }
    return undefined;
  },
  'a debug container with the token of its pod': async ({ send, admin, namespace }) => {
    const pod = await admin(core(namespace, 'pods/app'));
    const volume = asString(valueAt(pod, ['spec', 'volumes', 0, 'name'])) ?? '';
    const mount = { name: volume, mountPath: '/var/run/token' };
    const body = { spec: { ephemeralContainers: [{ ...container, name: 'debug', volumeMounts: [mount] }] } };
    await send(core(namespace, 'pods/app/ephemeralcontainers'), { method: 'PATCH', contentType: STRATEGIC, body });
    return undefined;
  },
  'another image in a running pod': async ({ send, namespace }) => {
    const body = { spec: { containers: [{ name: 'app', image: 'registry.example/other:1' }] } };
    await send(core(namespace, 'pods/app'), { method: 'PATCH', contentType: STRATEGIC, body });
    return undefined;
  },
  'acting as an account': async ({ send, namespace }) => {
    const review = await send('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      headers: { 'impersonate-user': `system:serviceaccount:${namespace}:web` },
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    return asString(valueAt(review, ['status', 'userInfo', 'username']));
  },
  // The account may list them, the person may not.
  'acting as an account within limits': async ({ send, namespace }) => {
    const headers = { 'impersonate-user': `system:serviceaccount:${namespace}:web` };
    await send(core(namespace, 'configmaps'), { headers });
    return undefined;
  },
  'acting in the group of administrators, as any user': async ({ send }) => {
    await send('/api/v1/secrets?limit=1', {
      headers: { 'impersonate-user': 'nobody', 'impersonate-group': 'system:masters' },
    });
    return undefined;
  },
  'a binding of everything': async (walker) => {
    const body = bindingOf('ClusterRoleBinding', walker.user);
    await walker.send(rbac(undefined, 'clusterrolebindings'), { method: 'POST', body });
    return await readAllSecrets(walker);
  },
  'a binding of everything in a namespace': async (walker) => {
    const body = bindingOf('RoleBinding', walker.user);
    await walker.send(rbac(walker.namespace, 'rolebindings'), { method: 'POST', body });
    return await retry(async () => await makeToken(walker, 'db'));
  },
  'rights written into a role of its own': async (walker) => {
    const body = { rules: [EVERYTHING] };
    const path = rbac(walker.namespace, `roles/${walker.role}`);
    await walker.send(path, { method: 'PATCH', contentType: MERGE, body });
    return await retry(async () => await makeToken(walker, 'db'));
  },
  'rights written into a ClusterRole of its own': async (walker) => {
    const path = rbac(undefined, `clusterroles/${walker.role}`);
    await walker.send(path, { method: 'PATCH', contentType: MERGE, body: { rules: [EVERYTHING] } });
    return await readAllSecrets(walker);
  },
  // The control plane of the tests signs none: that it is approved is what the rights have to say about it.
  'certificates in any name': async ({ send, admin, namespace, user }) => {
    const { makeRequest } = await import('./certificate-request.ts');
    const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const subject = `system:serviceaccount:${namespace}:web`;
    const made = await send(path, { method: 'POST', body: await makeRequest(`walk-${user}`, subject) });
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Walked', message: 'for a test' }];
    const body = { ...(made as JsonObject), status: { conditions } };
    await send(`${path}/walk-${user}/approval`, { method: 'PUT', body });
    const stored = await admin(`${path}/walk-${user}`);
    if (valueAt(stored, ['status', 'conditions', 0, 'type']) !== 'Approved') throw new Error('it is not approved');
    return undefined;
  },
  'a webhook that changes what is written': async ({ send, user }) => {
    const client = {
      clientConfig: { url: 'https://walker.example/' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    };
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }];
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: user },
      webhooks: [{ name: 'walker.example.com', ...client, rules }],
    };
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    await send(`${path}?dryRun=All`, { method: 'POST', body });
    return undefined;
  },
  'a webhook that is shown what is written': async ({ send, admin, namespace, user }) => {
    const spy = await startSpyingWebhook();
    const path = `${ADMISSION}/validatingwebhookconfigurations`;
    try {
      const rules = [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets', 'serviceaccounts/token'], operations: ['*'] },
      ];
      const body = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: user },
        webhooks: [
          {
            name: 'spy.example.com',
            clientConfig: spy.clientConfig,
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            rules,
            namespaceSelector: only(namespace),
          },
        ],
      };
      await send(path, { method: 'POST', body });
      // Whatever anybody writes of the Secret: the API server itself notes when its token was used.
      let token = '';
      await waitUntil('the webhook is shown the Secret', async () => {
        const touched = { metadata: { annotations: { touched: String(spy.shown.length) } } };
        await admin(core(namespace, 'secrets/old'), { method: 'PATCH', contentType: MERGE, body: touched });
        token = readToken(spy.shown.map((request) => valueAt(request, ['object'])).findLast((one) => readToken(one)));
        return token !== '';
      });
      // A token that is asked for is made afterwards: no webhook is shown it.
      await admin(core(namespace, 'serviceaccounts/db/token'), {
        method: 'POST',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
      });
      const asked = spy.shown.filter((request) => valueAt(request, ['subResource']) === 'token');
      if (asked.length === 0) throw new Error('no request for a token was shown');
      if (asked.some((request) => valueAt(request, ['object', 'status', 'token'])))
        throw new Error('a webhook is shown the token that was asked for');
      return await whoIs(admin, token);
    } finally {
      await admin(`${path}/${user}`, { method: 'DELETE' }).catch(() => undefined);
      spy.close();
    }
  },
  'a policy that changes every pod': async ({ send, admin, namespace, user }) => {
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }];
    const expression =
      'Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, image: "registry.example/walker:1"})}}';
    const paths = ['policies', 'policybindings'].map((kind) => `${ADMISSION}/mutatingadmission${kind}`);
    const [policies = '', bindings = ''] = paths;
    const apiVersion = 'admissionregistration.k8s.io/v1';
    try {
      const policy = {
        matchConstraints: { resourceRules, namespaceSelector: only(namespace) },
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
      };
      await send(policies, {
        method: 'POST',
        body: { apiVersion, kind: 'MutatingAdmissionPolicy', metadata: { name: user }, spec: policy },
      });
      await send(bindings, {
        method: 'POST',
        body: {
          apiVersion,
          kind: 'MutatingAdmissionPolicyBinding',
          metadata: { name: user },
          spec: { policyName: user },
        },
      });
      let count = 0;
      await waitUntil('a pod of somebody else runs the image of the walker', async () => {
        count += 1;
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `changed-${count}` },
          spec: { serviceAccountName: 'db', containers: [container] },
        };
        const made = await admin(core(namespace, 'pods?dryRun=All'), { method: 'POST', body });
        return valueAt(made, ['spec', 'containers', 0, 'image']) === 'registry.example/walker:1';
      });
      return undefined;
    } finally {
      for (const path of paths) await admin(`${path}/${user}`, { method: 'DELETE' }).catch(() => undefined);
    }
  },
  // There is no controller: the administrator makes the pod that the template says.
  'a custom resource that makes pods': async (walker) => {
    const template = { spec: { serviceAccountName: 'db', containers: [container] } };
    const made = await walker.send(`/apis/argoproj.io/v1alpha1/namespaces/${walker.namespace}/rollouts`, {
      method: 'POST',
      body: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name: 'mine' }, spec: { template } },
    });
    const spec = valueAt(made, ['spec', 'template', 'spec']) as JsonObject;
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'of-rollout' }, spec };
    return await tokenOfPod(walker, await walker.admin(core(walker.namespace, 'pods'), { method: 'POST', body }));
  },
  // There is no kubelet: that it alone is missing is what the authorizer has to say about it.
  'the kubelet of a node': async ({ send, admin, user }) => {
    const path = '/api/v1/nodes';
    await admin(path, { method: 'POST', body: { apiVersion: 'v1', kind: 'Node', metadata: { name: user } } });
    try {
      await send(`${path}/${user}/proxy/run/shop/app/app?cmd=cat`);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status === 403 || error.status === 404) throw error;
    } finally {
      await admin(`${path}/${user}`, { method: 'DELETE' });
    }
    return undefined;
  },
  everything: async ({ send }) => {
    await send('/api/v1/secrets?limit=1');
    return undefined;
  },
};
