import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { valueAt } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';
import { createApiReader } from './api-reader.ts';
import { API_TOKEN, claimsOf, type InstalledChart, openCluster, sleepingPod } from './installed-chart.ts';

const API_AUDIENCE = 'https://kubernetes.default.svc';
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
