/** A cluster's worth of objects, as large as those of real ones, for a control plane without nodes. */

import type { KubeClient } from '../src/kube/api.ts';
import { describeResponse } from '../src/kube/sentences.ts';
import type { JsonObject } from '../src/objects/json.ts';

export type ClusterSize = {
  readonly namespaces: number;
  readonly pods: number;
  readonly accounts: number;
  /** A third of them hold a token that never expires. */
  readonly secrets: number;
  readonly roles: number;
  readonly bindings: number;
};

const AT_ONCE = 24;
const PODS_OF_A_WORKLOAD = 8;
const TIMEOUT_MS = 60_000;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

type Made = { readonly path: string; readonly body: JsonObject };

/** The kube-controller-manager must not run the controllers of workloads, which would delete pods that they did not make. */
export async function fillCluster(client: KubeClient, size: ClusterSize): Promise<void> {
  const namespaceOf = (index: number) => `team-${index % size.namespaces}`;
  const within = (index: number, resource: string) => `/api/v1/namespaces/${namespaceOf(index)}/${resource}`;
  const accountOf = (index: number) => `account-${index % size.accounts}`;
  const times = (count: number, make: (index: number) => Made) =>
    Array.from({ length: count }, (_, index) => make(index));

  await createAll(
    client,
    times(size.namespaces, (index) => ({
      path: '/api/v1/namespaces',
      body: { metadata: { name: namespaceOf(index), labels: { 'curfew.dev/enforce': 'restricted' } } },
    })),
  );
  await createAll(
    client,
    times(size.accounts, (index) => ({
      path: within(index, 'serviceaccounts'),
      body: { metadata: { name: accountOf(index), annotations: { note: 'x'.repeat(200) } } },
    })),
  );
  await createAll(
    client,
    times(size.secrets, (index) => {
      // A Secret stands in the namespace of its account.
      const place = index % size.accounts;
      const isToken = index % 3 === 0;
      const annotations = isToken ? { 'kubernetes.io/service-account.name': accountOf(place) } : {};
      const rest = isToken
        ? { type: 'kubernetes.io/service-account-token' }
        : { data: { value: Buffer.alloc(4_096, 'a').toString('base64') } };
      return { path: within(place, 'secrets'), body: { metadata: { name: `secret-${index}`, annotations }, ...rest } };
    }),
  );
  await createAll(
    client,
    times(size.roles, (index) => ({
      path: `${RBAC}/namespaces/${namespaceOf(index)}/roles`,
      body: { metadata: { name: `role-${index}` }, rules: rulesOf(index) },
    })),
  );
  await createAll(
    client,
    times(size.bindings, (index) => {
      const place = index % size.accounts;
      const namespace = namespaceOf(place);
      return {
        path: `${RBAC}/namespaces/${namespace}/rolebindings`,
        body: {
          metadata: { name: `binding-${index}` },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: `role-${index}` },
          subjects: [{ kind: 'ServiceAccount', namespace, name: accountOf(place) }],
        },
      };
    }),
  );
  const workloads = Math.ceil(size.pods / PODS_OF_A_WORKLOAD);
  await createAll(
    client,
    times(workloads, (index) => {
      const place = index % size.accounts;
      const labels = { app: `web-${index}` };
      const template = { metadata: { labels }, spec: podSpec(accountOf(place)) };
      const spec = { replicas: PODS_OF_A_WORKLOAD, selector: { matchLabels: labels }, template };
      const path = `/apis/apps/v1/namespaces/${namespaceOf(place)}/deployments`;
      return { path, body: { metadata: { name: `web-${index}` }, spec } };
    }),
  );
  await createAll(
    client,
    times(size.pods, (index) => {
      const workload = index % workloads;
      const place = workload % size.accounts;
      // Every tenth one was made by hand.
      const owner = index % 10 === 0 ? {} : { ownerReferences: [toOwner(workload)] };
      const metadata = { name: `web-${workload}-${index}`, labels: { app: `web-${workload}` }, ...owner };
      return { path: within(place, 'pods'), body: { metadata, spec: podSpec(accountOf(place)) } };
    }),
  );
}

function toOwner(workload: number): JsonObject {
  const uid = `00000000-0000-4000-8000-${String(workload).padStart(12, '0')}`;
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `web-${workload}-5d8f`, uid, controller: true };
}

/** About 8 KB as it is stored, with the token volume and the fields of its managers. */
function podSpec(serviceAccountName: string): JsonObject {
  const env = Array.from({ length: 20 }, (_, index) => ({ name: `SETTING_${index}`, value: 'value '.repeat(10) }));
  const container = (name: string) => ({
    name,
    image: `registry.example/team/${name}:1.2.3`,
    env,
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: [{ name: 'config', mountPath: '/etc/app' }],
  });
  return {
    serviceAccountName,
    containers: [container('app'), container('proxy')],
    volumes: [{ name: 'config', configMap: { name: 'app' } }],
  };
}

function rulesOf(index: number): JsonObject['rules'] {
  const resources = index % 10 === 0 ? ['secrets'] : ['configmaps', 'services', 'endpoints'];
  return [{ apiGroups: [''], resources, verbs: ['get', 'list', 'watch'] }];
}

async function createAll(client: KubeClient, objects: readonly Made[]): Promise<void> {
  const left = objects.values();
  const work = async (): Promise<void> => {
    for (const { path, body } of left) {
      const response = await client.request({ method: 'POST', path, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.status !== 201) throw new Error(`${path}: ${describeResponse(response)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
