/** Workloads whose controllers make pods, and what became of them. */

import type { JsonObject } from '../src/objects/json.ts';
import { waitUntil } from './installed-curfew.ts';
import { deployment, pod, type TestCluster } from './test-cluster.ts';

/** A workload of apps/v1 of this kind, named as its kind, with more fields in its spec if given. */
export function workload(kind: 'DaemonSet' | 'ReplicaSet' | 'StatefulSet', pod: JsonObject, fields: JsonObject = {}) {
  const made = deployment(kind.toLowerCase(), pod);
  const { replicas, ...spec } = made['spec'] as JsonObject;
  return { ...made, kind, spec: { ...spec, ...(kind === 'DaemonSet' ? {} : { replicas: replicas ?? 1 }), ...fields } };
}

/** A Job whose pod no scheduler looks at, so that no kubelet has an opinion on its status. */
export function job(name: string, pod: JsonObject): JsonObject {
  const containers = [{ name: 'app', image: 'registry.example/job:1' }];
  const spec = { ...pod, restartPolicy: 'Never', schedulerName: 'nobody', containers };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template: { spec } } };
}

/** The kind of the owner of each pod in the namespace; empty for a pod that has none. */
export async function readPodOwners({ must }: TestCluster, namespace: string): Promise<readonly string[]> {
  const owners = '{range .items[*]}{.metadata.ownerReferences[0].kind}{"\\n"}{end}';
  return (await must(['get', 'pods', '-n', namespace, '-o', `jsonpath=${owners}`])).split('\n').slice(0, -1);
}

/** Waits until the Job has its pod, and returns the pod's name. */
export async function untilPodOf({ must }: TestCluster, jobName: string, namespace: string): Promise<string> {
  let name = '';
  await waitUntil('the Job has its pod', async () => {
    const selector = ['-l', `job-name=${jobName}`, '-n', namespace];
    name = await must(['get', 'pods', ...selector, '-o', 'jsonpath={.items[*].metadata.name}']);
    return name !== '';
  });
  return name;
}

/** Waits until the service account controller has made the namespace's `default`. */
export async function untilDefaultAccount({ kubectl }: TestCluster, namespace: string): Promise<void> {
  await waitUntil(`${namespace} has its default account`, async () => {
    return (await kubectl.run(['get', 'serviceaccount', 'default', '-n', namespace])).code === 0;
  });
}

/**
 * Waits until the API server takes these kinds, named as for kubectl: `crd/NAME`, or `crd` and `--all`. `kubectl wait` fails at
 * once for one that has just been made and has no condition yet, so it is asked again.
 */
export async function untilEstablished(
  { kubectl }: Pick<TestCluster, 'kubectl'>,
  ...names: readonly string[]
): Promise<void> {
  await waitUntil(`${names.join(', ')} is established`, async () => {
    return (await kubectl.run(['wait', '--for=condition=Established', '--timeout=5s', ...names])).code === 0;
  });
}

/** A JobSet `set`, in this version of its API, with a job for each name, whose pod holds the default API token. */
export function jobSet(version: string, ...names: readonly string[]): JsonObject {
  const template = { spec: { template: { spec: pod('web')['spec'] ?? {} } } };
  return {
    apiVersion: `jobset.x-k8s.io/${version}`,
    kind: 'JobSet',
    metadata: { name: 'set' },
    spec: { replicatedJobs: names.map((name) => ({ name, template })) },
  };
}

/** A kind of somebody else, served in a version that Curfew names and in one that it does not. */
export function jobSetDefinition(): JsonObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: 'jobsets.jobset.x-k8s.io',
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
    },
    spec: {
      group: 'jobset.x-k8s.io',
      names: { kind: 'JobSet', plural: 'jobsets', singular: 'jobset', listKind: 'JobSetList' },
      scope: 'Namespaced',
      versions: [
        { name: 'v1alpha2', served: true, storage: true, schema },
        { name: 'v1beta9', served: true, storage: false, schema },
      ],
    },
  };
}

/** Resolves once the object that `kubectl get` is given as `args` is no longer there. */
export async function untilGone({ kubectl }: TestCluster, args: readonly string[]): Promise<void> {
  await waitUntil(
    `${args.slice(0, 2).join(' ')} is gone`,
    async () => (await kubectl.run(['get', ...args])).code !== 0,
  );
}
