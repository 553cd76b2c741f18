/** What those who walk the scenes of the access graph take along. */

import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, valueAt } from '../src/objects/json.ts';
import { RBAC } from './authorizer.ts';
import { waitUntil } from './installed-curfew.ts';
import { Refusal, type Send } from './people-client.ts';

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

export const MERGE = 'application/merge-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const TOKEN_TYPE = 'kubernetes.io/service-account-token';
export const ACCOUNT = 'kubernetes.io/service-account.name';

/** The user that the API server takes the bearer of a token for. */
export async function whoIs(admin: Send, token: string): Promise<string> {
  const review = await admin('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    method: 'POST',
    token,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return asString(valueAt(review, ['status', 'userInfo', 'username'])) ?? '';
}

export const core = (namespace: string, rest: string) => `/api/v1/namespaces/${namespace}/${rest}`;

export async function makeToken(
  { send, admin, namespace }: Walker,
  account: string,
  spec: JsonObject = {},
): Promise<string> {
  const made = await send(core(namespace, `serviceaccounts/${account}/token`), {
    method: 'POST',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600, ...spec } },
  });
  return await whoIs(admin, asString(valueAt(made, ['status', 'token'])) ?? '');
}

/** A role that was written a moment ago is known to the authorizer a moment later. */
export async function retry<T>(run: () => Promise<T>): Promise<T> {
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

export const readToken = (secret: unknown) =>
  Buffer.from(asString(valueAt(secret, ['data', 'token'])) ?? '', 'base64').toString('utf8');

/** Reads until the token controller has filled it. */
export async function untilFilled({ admin }: Walker, read: () => Promise<unknown>): Promise<string> {
  let token = '';
  await waitUntil('the token controller fills it', async () => {
    token = readToken(await read());
    return token !== '';
  });
  return await whoIs(admin, token);
}

export const tokenSecret = (name: string, account: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: TOKEN_TYPE,
  metadata: { name, annotations: { [ACCOUNT]: account } },
});

/** What the kubelet does for a pod that is there; the administrator is in its place. */
export async function tokenOfPod(walker: Walker, pod: unknown): Promise<string> {
  const [name, uid] = [asString(valueAt(pod, ['metadata', 'name'])), asString(valueAt(pod, ['metadata', 'uid']))];
  const account = asString(valueAt(pod, ['spec', 'serviceAccountName'])) ?? '';
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: name ?? '', uid: uid ?? '' };
  return await makeToken({ ...walker, send: walker.admin }, account, { boundObjectRef });
}

/** The first pod of a workload as this account. */
export async function tokenOfFirstPod(walker: Walker, account: string): Promise<string> {
  let pod: unknown;
  await waitUntil('the workload has a pod', async () => {
    const list = await walker.admin(core(walker.namespace, 'pods?labelSelector=app'));
    pod = asArray(valueAt(list, ['items'])).find((one) => valueAt(one, ['spec', 'serviceAccountName']) === account);
    return pod !== undefined;
  });
  return await tokenOfPod(walker, pod);
}

export const container = { name: 'app', image: 'registry.example/app:1' };
export const EVERYTHING = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };

export const rbac = (namespace: string | undefined, rest: string) =>
  `/apis/${RBAC}/v1/${namespace === undefined ? '' : `namespaces/${namespace}/`}${rest}`;

export const bindingOf = (kind: string, user: string): JsonObject => ({
  apiVersion: `${RBAC}/v1`,
  kind,
  metadata: { name: `grown-${user}` },
  roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: RBAC, kind: 'User', name: user }],
});

export async function readAllSecrets({ send }: Walker): Promise<undefined> {
  await retry(async () => await send('/api/v1/secrets?limit=1'));
}
