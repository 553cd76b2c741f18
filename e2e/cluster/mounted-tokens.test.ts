import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, type JsonObject, valueAt } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';
import { tokenVolume } from '../test-cluster.ts';
import { createApiReader } from './api-reader.ts';
import { API_TOKEN, claimsOf, type InstalledChart, openCluster, sleepingPod } from './installed-chart.ts';

const API_AUDIENCE = 'https://kubernetes.default.svc';
/** Holds a pod back from its node. */
const GATE = 'test.curfew.dev/wait';
/** Without the name of a node, so that NodeRestriction, which asks for a pod on it, stays out. */
const KUBELET = ['--as=kubelet', '--as-group=system:nodes', '--as-group=system:masters'];
const VAULT_TOKEN = '/var/run/curfew/vault/token';
const BILLING_TOKEN = '/var/run/curfew/billing/token';

let cluster: InstalledChart;

// With Helm 3, so that it has installed the chart once for real; the other files have Helm 4 do it.
beforeAll(async () => {
  cluster = await openCluster('helm3');
  await cluster.install();
  await cluster.untilPublished();
});

afterAll(async () => {
  await cluster.removeNamespaces();
  await cluster.uninstall();
});

describe('With default values', () => {
  it('it is reported which tokens would be shortened, and the pod stays as it is', async () => {
    const namespace = await cluster.createNamespace('reported');
    await cluster.createAccount(namespace);
    await cluster.runPod(namespace, sleepingPod('web'));
    const { exp, iat } = claimsOf(await cluster.exec({ namespace, pod: 'web' }, ['cat', API_TOKEN]));
    expect(exp - iat).toBe(31_536_000);
  });
});

describe('In a namespace that shortens tokens', () => {
  it('the token of a pod lives an hour, and stops to authenticate when the pod is gone', async () => {
    const namespace = await cluster.createNamespace('shortened', { 'curfew.dev/mutate': 'baseline' });
    await cluster.createAccount(namespace);
    await cluster.runPod(namespace, sleepingPod('web'));
    const token = await cluster.exec({ namespace, pod: 'web' }, ['cat', API_TOKEN]);
    const { aud, exp, iat } = claimsOf(token);
    expect({ aud, seconds: exp - iat }).toEqual({ aud: [API_AUDIENCE], seconds: 3_600 });
    expect(await cluster.isAuthenticated(token)).toBe(true);
    await cluster.must(['delete', 'pod', 'web', '-n', namespace, '--wait']);
    // The API server remembers a good answer for ten seconds.
    await waitUntil('the token of the deleted pod is refused', async () => !(await cluster.isAuthenticated(token)));
  });

  it('tokens for two audiences are read in an init container, a sidecar and the app, by a user that is not root', async () => {
    const namespace = await cluster.createNamespace('injected', { 'curfew.dev/mutate': 'baseline' });
    await cluster.createAccount(namespace, {
      'tokens.curfew.dev/vault': '{audience: vault, expiration: 10m}',
      'tokens.curfew.dev/billing': '{audience: billing, expiration: 30m, env: BILLING_TOKEN_FILE}',
    });
    const reads = ['sh', '-c', `id -u; cat ${VAULT_TOKEN}; echo; cat ${BILLING_TOKEN}; echo`];
    const sidecar = { name: 'sidecar', image: BUSYBOX_IMAGE, restartPolicy: 'Always', command: ['sleep', '3600'] };
    await cluster.runPod(
      namespace,
      sleepingPod('web', {
        securityContext: { runAsUser: 65_534, runAsNonRoot: true },
        initContainers: [{ name: 'init', image: BUSYBOX_IMAGE, command: reads }, sidecar],
      }),
    );
    const seen = [
      await cluster.must(['logs', 'web', '-n', namespace, '-c', 'init']),
      await cluster.exec({ namespace, pod: 'web', container: 'sidecar' }, reads),
      await cluster.exec({ namespace, pod: 'web' }, reads),
    ];
    for (const text of seen) {
      const [user, vault = '', billing = ''] = text.split('\n');
      expect(user).toBe('65534');
      expect([claimsOf(vault), claimsOf(billing)].map(({ aud, exp, iat }) => [aud, exp - iat])).toEqual([
        [['vault'], 600],
        [['billing'], 1_800],
      ]);
    }
    const named = await cluster.exec({ namespace, pod: 'web' }, ['sh', '-c', 'cat $BILLING_TOKEN_FILE']);
    expect(claimsOf(named).aud).toEqual(['billing']);
  });

  it('a pod of the default account runs without a token', async () => {
    const namespace = await cluster.createNamespace('default-account', { 'curfew.dev/mutate': 'baseline' });
    await cluster.runPod(namespace, sleepingPod('web', { serviceAccountName: 'default' }));
    await expect(cluster.exec({ namespace, pod: 'web' }, ['ls', API_TOKEN])).rejects.toThrow(
      'No such file or directory',
    );
  });
});

describe('In a namespace that is restricted', () => {
  it('a pod that nobody documented runs, and nothing is mounted', async () => {
    const namespace = await cluster.createNamespace('stripped', { 'curfew.dev/mutate': 'restricted' });
    await cluster.createAccount(namespace);
    await cluster.runPod(namespace, sleepingPod('web'));
    const spec = JSON.parse(await cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
    expect(valueAt(spec, ['spec', 'containers', 0, 'volumeMounts'])).toBeUndefined();
    expect(valueAt(spec, ['spec', 'volumes'])).toBeUndefined();
    await expect(cluster.exec({ namespace, pod: 'web' }, ['ls', API_TOKEN])).rejects.toThrow(
      'No such file or directory',
    );
  });

  it('a documented account uses the API with its shortened token, by a client that reads it from its file', async () => {
    const namespace = await cluster.createNamespace('documented', { 'curfew.dev/mutate': 'restricted' });
    const reader = await createApiReader(cluster, namespace);
    const token = await cluster.exec({ namespace, pod: reader.pod }, ['cat', API_TOKEN]);
    expect(claimsOf(token).exp - claimsOf(token).iat).toBe(3_600);
    expect(await reader.get(`/api/v1/namespaces/${namespace}/pods/${reader.pod}`)).toBe(200);
    expect(await reader.get(`/api/v1/namespaces/${namespace}/secrets`)).toBe(403);
  });
});

describe('With policies for what kubelets ask for', () => {
  beforeAll(async () => {
    await cluster.install(['--set', 'engine=both', '--set', 'native.nodeTokens=enforce']);
  });

  it('a pod that was let in before its level was raised does not start, and says why; one within the limit does', async () => {
    const namespace = await cluster.createNamespace('kubelet', { 'curfew.dev/enforce': 'baseline' });
    await cluster.createAccount(namespace);
    const held = (name: string, expirationSeconds: number) => {
      const volumes = [tokenVolume({ audience: 'vault', expirationSeconds, path: 'token' })];
      // The kubelet asks for no token of a volume that nobody mounts.
      const volumeMounts = [{ name: 'token', mountPath: '/var/run/vault' }];
      const containers = [{ name: 'app', image: BUSYBOX_IMAGE, command: ['sleep', '3600'], volumeMounts }];
      return sleepingPod(name, { containers, volumes, schedulingGates: [{ name: GATE }] });
    };
    await cluster.must(['create', '-n', namespace, '-f', '-'], [held('long', 7_200), held('short', 3_600)]);
    await cluster.must(['label', 'namespace', namespace, '--overwrite', 'curfew.dev/enforce=restricted']);
    // Asked as a kubelet asks, since its policy and what it knows of the namespace come when they come.
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' };
    const input = JSON.stringify({ ...request, spec: { audiences: ['vault'], expirationSeconds: 7_200 } });
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/web/token?dryRun=All`;
    await waitUntil('the policy for kubelets is in force', async () => {
      const { stderr } = await cluster.kubectl.run(['create', '--raw', path, '-f', '-', ...KUBELET], { input });
      return stderr.includes('node-token-lifetime.enforce.curfew.dev');
    });
    const open = JSON.stringify([{ op: 'remove', path: '/spec/schedulingGates' }]);
    for (const name of ['long', 'short']) {
      await cluster.must(['patch', 'pod', name, '-n', namespace, '--type', 'json', '-p', open]);
    }
    await cluster.must(['wait', '--for=condition=Ready', 'pod/short', '-n', namespace, '--timeout=60s']);
    await waitUntil('the kubelet says why the other one does not start', async () => {
      const texts = await listEvents(namespace, 'long');
      return texts.some((text) =>
        text.includes(
          `failed to fetch token: serviceaccounts "web" is forbidden: ValidatingAdmissionPolicy 'node-token-lifetime.enforce.curfew.dev' with binding 'node-token-lifetime.enforce.curfew.dev' denied request: curfew token-lifetime at /spec/expirationSeconds: a token that lives too long; write expirationSeconds: 3600 or less in the pod`,
        ),
      );
    });
    expect(await cluster.must(['get', 'pod', 'long', '-n', namespace, '-o', 'jsonpath={.status.phase}'])).toBe(
      'Pending',
    );
  });
});

async function listEvents(namespace: string, pod: string): Promise<readonly string[]> {
  const list = await cluster.must([
    'get',
    'events',
    '-n',
    namespace,
    '-o',
    'json',
    `--field-selector=involvedObject.name=${pod}`,
  ]);
  const items: readonly unknown[] = asArray(valueAt(JSON.parse(list) as JsonObject, ['items']));
  return items.map((item) => asString(valueAt(item, ['message'])) ?? '');
}
