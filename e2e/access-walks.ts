/** How the scenes are walked: each with the rights of its person alone, up to a token or what only the goal may do. */

import type { JsonObject } from '../src/objects/json.ts';
import { asString, valueAt } from '../src/objects/json.ts';
import { ADMISSION_WALKS } from './admission-walks.ts';
import { Refusal } from './people-client.ts';
import { deployment } from './test-cluster.ts';
import {
  ACCOUNT,
  APPLY,
  bindingOf,
  container,
  core,
  EVERYTHING,
  MERGE,
  makeToken,
  rbac,
  readAllSecrets,
  retry,
  STRATEGIC,
  tokenOfFirstPod,
  tokenOfPod,
  tokenSecret,
  untilFilled,
  type Walk,
} from './walking.ts';

/** By the title of the scene. */
export const WALKS: Readonly<Record<string, Walk>> = {
  ...ADMISSION_WALKS,
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
