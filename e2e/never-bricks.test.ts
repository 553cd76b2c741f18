/**
 * Nothing that keeps a cluster alive is ever in Curfew's way, with every check enforced on everything: what controllers,
 * nodes and the API server write, and what people do to objects that were there before.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { readBearer } from './bearer.ts';
import { waitUntil } from './installed-curfew.ts';
import {
  createOldNamespaces,
  OLD_KINDS,
  OLD_NAMES,
  oldClusterObjects,
  readData,
  role,
  writeData,
} from './old-objects.ts';
import { setUpSuite } from './suite.ts';
import { cronJob, deployment, OWNS_CONTROL_PLANE, pod, tokenSecret } from './test-cluster.ts';
import { job, readPodOwners, untilDefaultAccount, untilGone, untilPodOf, workload } from './workloads.ts';

const EVERYTHING = {
  levels: { enforce: 'restricted', clusterScoped: { enforce: 'restricted' } },
  enforceTemplates: true,
  mutateMode: 'apply',
};
const OPTED_OUT = { automountServiceAccountToken: false };
const HOLD = 'test.curfew.dev/hold';
/** Objects of the doomed namespace that are held back. */
const HELD = ['secret/kept', 'configmap/plain', 'serviceaccount/web', 'role/wide', 'deployment/old'];

let old = '';
let doomed = '';
/** For everything new. */
let fresh = '';
/** An old ClusterRole and its binding. */
let clusterRole = '';
/** A node that no machine stands behind. */
let node = '';

const suite = setUpSuite(EVERYTHING, async (cluster) => {
  [old, doomed] = await createOldNamespaces(cluster, HOLD);
  clusterRole = `wide-${old}`;
  node = `node-${old}`;
  await cluster.must(['create', '-f', '-'], oldClusterObjects(clusterRole));
  await cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
});

beforeAll(async () => {
  fresh = await suite.cluster.createNamespace({}, { withoutAccount: true });
  await must(['create', '-n', fresh, '-f', '-'], {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'web' },
    ...OPTED_OUT,
  });
});

describe('Namespaces', () => {
  it('get their default service account, from a controller that nobody may refuse', async () => {
    const readUid = () => must(['get', 'serviceaccount', 'default', '-n', fresh, '-o', 'jsonpath={.metadata.uid}']);
    await untilDefaultAccount(suite.cluster, fresh);
    const first = await readUid();
    // Also after somebody deleted it.
    await must(['delete', 'serviceaccount', 'default', '-n', fresh]);
    await untilDefaultAccount(suite.cluster, fresh);
    expect(await readUid()).not.toBe(first);
  });

  it('can be deleted with everything in them, also what finalizers hold back', async () => {
    await must(['delete', 'namespace', doomed, '--wait=false']);
    await waitUntil('the held Role is being deleted', async () => {
      return (await must(['get', ...HELD, '-n', doomed, '-o', 'jsonpath={.items[*].metadata.deletionTimestamp}']))
        .split(' ')
        .every((time) => time !== '');
    });
    for (const name of HELD) {
      await must(['label', name, 'team=a', '-n', doomed]);
      await must(['patch', name, '-n', doomed, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    }
    await untilGone(suite.cluster, ['namespace', doomed]);
  });
});

describe('Token Secrets that were there before', () => {
  it('are filled again by the token controller, whatever it is that is missing', async () => {
    for (const key of ['token', 'ca.crt', 'namespace']) {
      const place = { namespace: old, secret: 'emptied', key };
      await writeData(suite.cluster, place, undefined);
      await waitUntil(`${key} is there again`, async () => (await readData(suite.cluster, place)) !== '');
    }
  });

  it('are rotated by the token controller when the CA is another one', async () => {
    const place = { namespace: old, secret: 'emptied', key: 'ca.crt' };
    const right = await readData(suite.cluster, place);
    expect(right).toContain('BEGIN CERTIFICATE');
    await writeData(suite.cluster, place, 'of another cluster');
    await waitUntil('it is right again', async () => (await readData(suite.cluster, place)) === right);
  });

  it('are labelled by the API server when they are used', async () => {
    expect(
      await readBearer(suite.cluster, await readData(suite.cluster, { namespace: old, secret: 'kept', key: 'token' })),
    ).toBe(`system:serviceaccount:${old}:web`);
    await waitUntil('the day of its last use is on it', async () => {
      const labels = await must(['get', 'secret', 'kept', '-n', old, '-o', 'jsonpath={.metadata.labels}']);
      return labels.includes('kubernetes.io/legacy-token-last-used');
    });
  });

  it('are marked and deleted by the cleaner', async () => {
    const cleaner = 'system:serviceaccount:kube-system:legacy-service-account-token-cleaner';
    const as = [`--as=${cleaner}`, '--as-group=system:serviceaccounts', '--as-group=system:masters'];
    await must(['label', 'secret', 'listed', '-n', old, 'kubernetes.io/legacy-token-invalid-since=2026-01-01', ...as]);
    await must(['delete', 'secret', 'listed', '-n', old, ...as]);
    await waitUntil('the token controller took it off its account', async () => {
      return (await must(['get', 'serviceaccount', 'legacy', '-n', old, '-o', 'jsonpath={.secrets}'])) === '';
    });
  });

  it('go with their account', async () => {
    await must(['delete', 'serviceaccount', 'leaving', '-n', old]);
    await untilGone(suite.cluster, ['secret', 'orphaned', '-n', old]);
  });
});

describe('Old objects, as long as what is judged stays as it is', () => {
  it('can be labelled and annotated', async () => {
    await must(['label', '-n', old, ...OLD_NAMES, 'team=a']);
    await must(['annotate', '-n', old, ...OLD_NAMES, 'example.org/owner=b']);
    const ofCluster = [`clusterrole/${clusterRole}`, `clusterrolebinding/${clusterRole}`];
    await must(['label', ...ofCluster, 'team=a']);
    await must(['annotate', ...ofCluster, 'example.org/owner=b']);
    const kinds = [...new Set(OLD_NAMES.map((name) => name.split('/')[0]))].join(',');
    const labelled = await must(['get', kinds, '-n', old, '-l', 'team=a', '-o', 'name']);
    expect(labelled.trim().split('\n')).toHaveLength(OLD_NAMES.length);
  });

  it.each(OLD_KINDS)('take patches of every kind: %s %s', async (apiVersion, kind, name) => {
    const target = ['patch', kind, name, '-n', old];
    const add = [{ op: 'add', path: '/metadata/labels/json', value: 'a' }];
    await must([...target, '--type=json', '-p', JSON.stringify(add)]);
    await must([...target, '--type=merge', '-p', '{"metadata":{"labels":{"merge":"a"}}}']);
    await must([...target, '--type=strategic', '-p', '{"metadata":{"labels":{"strategic":"a"}}}']);
    const applied = { apiVersion, kind, metadata: { name, labels: { apply: 'a' } } };
    await must(['apply', '-n', old, '--server-side', '--field-manager=test', '-f', '-'], applied);
    const labels = await must(['get', kind, name, '-n', old, '-o', 'jsonpath={.metadata.labels}']);
    expect(JSON.parse(labels)).toMatchObject({ json: 'a', merge: 'a', strategic: 'a', apply: 'a' });
  });

  it('roll out: the ReplicaSet of an old Deployment is written, and its controller says why there is no pod', async () => {
    await must(['set', 'image', 'deployment/old', 'app=registry.example/web:2', '-n', old]);
    await waitUntil('it has a second ReplicaSet', async () => {
      return (await must(['get', 'replicasets', '-n', old, '-o', 'name'])).trim().split('\n').length === 2;
    });
    await must(['scale', 'deployment/old', '--replicas=2', '-n', old]);
    let message = '';
    await waitUntil('the refusal is in an event', async () => {
      const args = ['get', 'events', '-n', old, '--field-selector=reason=FailedCreate'];
      message = await must([...args, '-o', 'jsonpath={.items[0].message}']);
      return message !== '';
    });
    expect(message).toContain('admission webhook "pods.curfew.dev" denied the request: \nPod ');
    expect(message).toContain('pod-automount at /spec/containers/0/volumeMounts/0');
  });
});

describe('Controllers', () => {
  it('make the pods of what is allowed, and take them away with it', async () => {
    const items = [
      deployment('deployment', OPTED_OUT),
      workload('StatefulSet', OPTED_OUT, { serviceName: 'none' }),
      workload('DaemonSet', OPTED_OUT),
      workload('ReplicaSet', OPTED_OUT),
      job('job', OPTED_OUT),
      cronJob('cron', OPTED_OUT),
    ];
    await must(['create', '-n', fresh, '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    // Its last run was two days ago, so the next one is due.
    const lastScheduleTime = new Date(Date.now() - 172_800_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const status = JSON.stringify({ status: { lastScheduleTime } });
    await must(['patch', 'cronjob', 'cron', '-n', fresh, '--subresource=status', '--type=merge', '-p', status]);

    const owners = ['DaemonSet', 'Job', 'ReplicaSet', 'StatefulSet'];
    await waitUntil('each has a pod', async () => {
      const pods = await readPodOwners(suite.cluster, fresh);
      return owners.every((owner) => pods.includes(owner));
    });
    await waitUntil('the CronJob has its Job', async () => {
      return (await must(['get', 'jobs', '-n', fresh, '-o', 'name'])).includes('job.batch/cron-');
    });

    await must(['delete', 'deployment', 'deployment', '-n', fresh, '--cascade=foreground']);
    await must(['delete', 'replicaset', 'replicaset', '-n', fresh, '--cascade=orphan']);
    const others = ['statefulset/statefulset', 'daemonset/daemonset', 'cronjob/cron'];
    await must(['delete', ...others, '-n', fresh, '--cascade=background']);
    await waitUntil('the pods went with their owners, but for the orphan and the Job’s', async () => {
      const pods = await readPodOwners(suite.cluster, fresh);
      return pods.length === 2 && pods.includes('Job') && pods.includes('');
    });
  });

  it('copy rules into aggregated ClusterRoles, which hold what Curfew refuses to people', async () => {
    const name = `aggregated-${fresh}`;
    await must(['create', '-f', '-'], {
      ...role(name, { apiGroups: ['test.curfew.dev'], resources: ['widgets'], verbs: ['get'] }),
      kind: 'ClusterRole',
      metadata: { name, labels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
    });
    const holds = async () => (await must(['get', 'clusterrole', 'edit', '-o', 'json'])).includes('"widgets"');
    await waitUntil('edit has the rule', holds);
    await must(['delete', 'clusterrole', name]);
    await waitUntil('edit has it no longer', async () => !(await holds()));
  });
});

describe('Pods', () => {
  it('are mirrored by their node', async () => {
    const uid = await must(['get', 'node', node, '-o', 'jsonpath={.metadata.uid}']);
    const mirrored = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `static-${node}`,
        annotations: { 'kubernetes.io/config.mirror': 'a1' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid, controller: true }],
      },
      spec: { nodeName: node, containers: [{ name: 'app', image: 'registry.example/static:1' }] },
    };
    const as = [`--as=system:node:${node}`, '--as-group=system:nodes'];
    expect(await must(['create', '-n', fresh, '-f', '-', ...as], mirrored)).toContain('created');
  });

  it('are bound, evicted and debugged', async () => {
    const unscheduled = { ...OPTED_OUT, schedulerName: 'nobody' };
    const items = ['bound', 'evicted'].map((name) => pod(name, unscheduled));
    await must(['create', '-n', fresh, '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    await post('bound/binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });
    await post('evicted/eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' } });
    // One that holds a token, as nearly every old pod does.
    await must(['debug', 'old', '-n', old, '--image=registry.example/debug:1', '--attach=false']);
    const image = 'jsonpath={.spec.ephemeralContainers[*].image}';
    expect(await must(['get', 'pod', 'old', '-n', old, '-o', image])).toBe('registry.example/debug:1');
  });
});

describe.runIf(OWNS_CONTROL_PLANE)('A control plane that starts again', () => {
  /** A built-in role with wildcards, which the API server writes at its start. */
  const builtIn = 'system:controller:generic-garbage-collector';
  const untilBuiltIn = () =>
    waitUntil('the role is there again', async () => {
      return (await suite.cluster.kubectl.run(['get', 'clusterrole', builtIn])).code === 0;
    });

  it('writes its roles past Curfew', async () => {
    await must(['delete', 'clusterrole', builtIn]);
    await suite.cluster.controlPlane.restartApiServer();
    await untilBuiltIn();
    const refused = await suite.cluster.kubectl.apply(tokenSecret('new', 'web'), ['-n', fresh]);
    expect(refused.stderr).toContain('long-lived-token-secret at /type');
  });

  it('comes up while Curfew is down, and is good to use', async () => {
    await must(['create', '-n', fresh, '-f', '-'], job('running', OPTED_OUT));
    const podName = await untilPodOf(suite.cluster, 'running', fresh);
    await must(['delete', 'clusterrole', builtIn]);
    await suite.curfew.stopProcess();
    await suite.cluster.controlPlane.restartApiServer();
    await suite.cluster.controlPlane.restartControllerManager();

    await untilBuiltIn();
    expect(await must(['get', '--raw', '/readyz'])).toBe('ok');
    await untilDefaultAccount(suite.cluster, await suite.cluster.createNamespace({}, { withoutAccount: true }));
    await must(['create', 'secret', 'generic', 'plain', '--from-literal=a=b', '-n', fresh]);
    // No kubelet has this pod: its end is reported in a kubelet's name.
    const finished = '{"status":{"phase":"Succeeded"}}';
    await must(['patch', 'pod', podName, '-n', fresh, '--subresource=status', '--type=merge', '-p', finished]);
    await waitUntil('the Job is complete', async () => {
      return (await must(['get', 'job', 'running', '-n', fresh, '-o', 'jsonpath={.status.succeeded}'])) === '1';
    });
    await must(['delete', 'namespace', old, '--wait=false']);
    await untilGone(suite.cluster, ['namespace', old]);
  });
});

async function must(args: readonly string[], input?: JsonObject): Promise<string> {
  return await suite.cluster.must(args, input);
}

async function post(subresource: string, body: JsonObject): Promise<void> {
  await must(['create', '--raw', `/api/v1/namespaces/${fresh}/pods/${subresource}`, '-f', '-'], body);
}
