/** What people, pipelines and kubelets do with tokens, for the audit log to tell of. */

import type { JsonObject } from '../src/objects/json.ts';
import { asString, member, valueAt } from '../src/objects/json.ts';
import { readBearer } from './bearer.ts';
import { waitUntil } from './installed-curfew.ts';
import { readData } from './old-objects.ts';
import { type TestCluster, tokenSecret } from './test-cluster.ts';

const NODE = 'worker-1';
const HOUR = 3600;

export type Played = {
  /** Every token that went about, and what a Secret has of it. */
  readonly tokens: readonly string[];
  /** Where Curfew enforces nothing. */
  readonly free: string;
};

/** Plays all scenes in `namespace`, which has an account `web`; Curfew is to enforce baseline. */
export async function playAuditScenes(cluster: TestCluster, namespace: string): Promise<Played> {
  const { must, kubectl } = cluster;
  const free = await cluster.createNamespace({ 'curfew.dev/enforce': 'off' });
  const issued = (await must(['create', 'token', 'web', '-n', namespace, '--duration', '1h'])).trim();
  await kubectl.run(['create', 'token', 'web', '-n', namespace, '--duration', '48h']);
  const bob = await cluster.controlPlane.createUser('bob');
  await kubectl.run(['--kubeconfig', bob, 'create', 'token', 'web', '-n', namespace]);
  const kubelets = await askAsKubelet(cluster, namespace);

  await kubectl.apply(tokenSecret('refused', 'web'), ['-n', namespace]);
  await must(['create', '-n', free, '-f', '-'], tokenSecret('made', 'web'));
  const legacy = await untilFilled(cluster, free, 'made');
  await readBearer(cluster, legacy);
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: issued } };
  await must(['create', '-f', '-'], review);
  await useInvalidated(cluster, free);
  const stale = await signStale(cluster, namespace);
  await readBearer(cluster, stale);

  await kubectl.run(['get', 'pods', '-n', namespace], { as: 'jane' });
  const rights = ['--verb=create', '--resource=serviceaccounts/token'];
  await must(['create', 'role', 'token-maker', '-n', free, ...rights]);
  await must(['create', 'role', 'pod-reader', '-n', free, '--verb=get', '--resource=pods']);
  await must(['create', 'clusterrolebinding', 'jane-is-admin', '--clusterrole=cluster-admin', '--user=jane']);
  await must(['create', 'rolebinding', 'jane-reads', '-n', free, '--role=pod-reader', '--user=jane']);
  await must(['annotate', 'validatingwebhookconfiguration', 'curfew', 'example.org/seen=1']);
  return { free, tokens: [issued, kubelets, legacy, stale] };
}

/** What a kubelet does for each pod of its node. */
async function askAsKubelet(cluster: TestCluster, namespace: string): Promise<string> {
  const { must, kubectl, controlPlane } = cluster;
  await must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
  const spec = {
    nodeName: NODE,
    serviceAccountName: 'web',
    containers: [{ name: 'app', image: 'registry.example/a:1' }],
  };
  const pod: JsonObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'on-a-node' }, spec };
  await must(['create', '-n', namespace, '-f', '-'], pod);
  const uid = await must(['get', 'pod', 'on-a-node', '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
  const kubeconfig = await controlPlane.createUser(`system:node:${NODE}`, 'system:nodes');
  const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', 'on-a-node', '--bound-object-uid', uid];
  let token = '';
  // The node authorizer learns of the pod from a watch.
  await waitUntil('the kubelet gets a token', async () => {
    const asked = await kubectl.run(['--kubeconfig', kubeconfig, 'create', 'token', 'web', '-n', namespace, ...bound]);
    token = asked.stdout.trim();
    return asked.code === 0;
  });
  return token;
}

/**
 * A token as Kubernetes made one for each account until 1.24, marked as the cleaner marks it once nobody has used it for a
 * year. Another one than those in use: the API server believes what it has taken for ten seconds more.
 */
async function useInvalidated(cluster: TestCluster, namespace: string): Promise<void> {
  const { must } = cluster;
  await must(['create', '-n', namespace, '-f', '-'], tokenSecret('unused', 'web'));
  await must(['patch', 'serviceaccount', 'web', '-n', namespace, '-p', '{"secrets":[{"name":"unused"}]}']);
  await must(['label', 'secret', 'unused', '-n', namespace, 'kubernetes.io/legacy-token-invalid-since=2026-01-01']);
  const token = await untilFilled(cluster, namespace, 'unused');
  await waitUntil('the token is refused', async () => {
    return await readBearer(cluster, token).then(
      () => false,
      () => true,
    );
  });
}

async function untilFilled(cluster: TestCluster, namespace: string, secret: string): Promise<string> {
  const read = async () => await readData(cluster, { namespace, secret, key: 'token' });
  await waitUntil('the token controller filled the Secret', async () => (await read()) !== '');
  return await read();
}

/** The token of a pod that its client has held for two hours instead of one. */
async function signStale({ must, controlPlane }: TestCluster, namespace: string): Promise<string> {
  const account: unknown = JSON.parse(await must(['get', 'serviceaccount', 'web', '-n', namespace, '-o', 'json']));
  const now = Math.floor(Date.now() / 1000);
  const issuer = 'https://kubernetes.default.svc';
  return controlPlane.signToken({
    iss: issuer,
    aud: [issuer],
    sub: `system:serviceaccount:${namespace}:web`,
    iat: now - 2 * HOUR,
    nbf: now - 2 * HOUR,
    exp: now + 8_000 * HOUR,
    'kubernetes.io': {
      namespace,
      serviceaccount: { name: 'web', uid: asString(valueAt(account, ['metadata', 'uid'])) ?? '' },
      warnafter: now - HOUR,
    },
  });
}

/** An audit event in a line: who did what to what, and as whom. */
export function describeEvent(event: unknown): string {
  const read = (...path: readonly string[]) => asString(valueAt(event, path));
  const resource = [read('objectRef', 'resource'), read('objectRef', 'subresource')].filter(Boolean).join('/');
  const object = [read('objectRef', 'namespace'), read('objectRef', 'name')].filter(Boolean).join('/');
  const as = read('impersonatedUser', 'username');
  return [read('user', 'username'), read('verb'), resource, object, as === undefined ? '' : `as ${as}`]
    .filter(Boolean)
    .join(' ');
}

/** True if the log holds what somebody sent or was answered. */
export function hasBody(event: unknown): boolean {
  return ['requestObject', 'responseObject'].some((key) => member(event, key) !== undefined);
}
