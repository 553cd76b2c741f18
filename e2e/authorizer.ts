/**
 * The API server's own RBAC authorizer, asked by SubjectAccessReviews about roles made for the purpose: thousands of
 * questions, too many for a kubectl each.
 */

import type { JsonObject } from '../src/objects/json.ts';
import { valueAt } from '../src/objects/json.ts';
import type { Right } from '../src/objects/rbac/rules.ts';
import { openApi, readAnswer } from './api-client.ts';
import { waitUntil } from './installed-curfew.ts';
import type { TestCluster } from './test-cluster.ts';

export const RBAC = 'rbac.authorization.k8s.io';
const CONCURRENT = 16;

export type RoleKind = 'Role' | 'ClusterRole';

export type Question = {
  readonly user: string;
  readonly right: Right;
  readonly name: string;
  /** In the namespace of the Roles, or of what is in none. */
  readonly isClusterScoped: boolean;
};

export type Authorizer = {
  /** Gives `user`, whose name no other role has, these rules: a ClusterRole everywhere, a Role in one namespace. */
  grant(given: {
    readonly kind: RoleKind;
    readonly rules: readonly JsonObject[];
    readonly user: string;
  }): Promise<void>;
  /** Resolves once the authorizer knows all that was granted before. */
  untilKnown(): Promise<void>;
  isAllowed(question: Question): Promise<boolean>;
  close(): void;
};

/** Asks as the administrator of the kubeconfig. */
export async function openAuthorizer(cluster: TestCluster): Promise<Authorizer> {
  const api = await openApi(cluster);
  const create = async (path: string, object: JsonObject) => readAnswer(await api.create(path, object), 201);
  const namespace = await cluster.createNamespace();
  let probes = 0;

  const grant: Authorizer['grant'] = async ({ kind, rules, user }) => {
    const metadata = { name: user };
    const path = kind === 'Role' ? `namespaces/${namespace}/` : '';
    const plural = `${kind.toLowerCase()}s`;
    await create(`/apis/${RBAC}/v1/${path}${plural}`, { apiVersion: `${RBAC}/v1`, kind, metadata, rules });
    await create(`/apis/${RBAC}/v1/${path}${plural.replace('roles', 'rolebindings')}`, {
      apiVersion: `${RBAC}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name: user },
      subjects: [{ apiGroup: RBAC, kind: 'User', name: user }],
    });
  };

  const isAllowed: Authorizer['isAllowed'] = async ({ user, right, name, isClusterScoped }) => {
    const [resource, subresource] = right.resource.split('/');
    const { verb, group } = right;
    const where = isClusterScoped ? {} : { namespace };
    const attributes = { ...where, verb, group, resource, ...(subresource === undefined ? {} : { subresource }), name };
    const answer = await create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, resourceAttributes: attributes as JsonObject },
    });
    return valueAt(answer, ['status', 'allowed']) === true;
  };

  return {
    grant,
    isAllowed,
    close: () => api.close(),
    // It watches each kind in the order of its writes: once it knows the last of each, it knows them all.
    async untilKnown() {
      const right = { verb: 'get', group: '', resource: 'secrets' };
      const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
      for (const kind of ['Role', 'ClusterRole'] as const) {
        probes += 1;
        const user = `probe-${probes}`;
        await grant({ kind, rules, user });
        await waitUntil(`the authorizer knows the last ${kind}`, async () => {
          return await isAllowed({ user, right, name: 'any', isClusterScoped: false });
        });
      }
    },
  };
}

/** Runs `run` for all of `items`, some at a time. */
export async function inParallel<T>(
  items: readonly T[],
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      for (const [index, item] of queue) await run(item, index);
    }),
  );
}
