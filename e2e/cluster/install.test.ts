import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { member } from '../../src/objects/json.ts';
import { waitUntil } from '../installed-curfew.ts';
import { BUSYBOX_IMAGE } from '../node/container-runtime.ts';
import { tokenSecret } from '../test-cluster.ts';
import {
  CONFIGURATIONS,
  claimsOf,
  type InstalledChart,
  openCluster,
  RELEASE,
  RELEASE_NAMESPACE,
  sleepingPod,
} from './installed-chart.ts';

const API_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const API_AUDIENCE = 'https://kubernetes.default.svc';

let cluster: InstalledChart;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.install();
});

afterAll(async () => {
  await cluster.removeNamespaces();
});

describe('Installed with Helm and default values', () => {
  it('two replicas are ready, and deny a Secret with a token that never expires', async () => {
    expect(await cluster.countReady()).toBe(2);
    const namespace = await cluster.createNamespace('denied');
    await cluster.untilPublished();
    const { code, stderr } = await cluster.kubectl.apply(tokenSecret('old', 'default'), ['-n', namespace]);
    expect(code).toBe(1);
    expect(stderr).toContain('Secret denied/old: 1 problem\n\n  long-lived-token-secret at /type\n');
  });

  it('it reports which tokens it would shorten, and leaves the pod as it is', async () => {
    const namespace = await cluster.createNamespace('reported');
    await cluster.createAccount(namespace);
    await runPod(namespace, sleepingPod('web'));
    const { exp, iat } = claimsOf(await readToken(namespace, 'web', API_TOKEN));
    expect(exp - iat).toBe(31_536_000);
  });
});

describe('In a namespace that shortens tokens', () => {
  it('the token of a pod lives an hour, and stops to authenticate when the pod is gone', async () => {
    const namespace = await cluster.createNamespace('shortened', { 'curfew.dev/mutate': 'baseline' });
    await cluster.createAccount(namespace);
    await runPod(namespace, sleepingPod('web'));
    const token = await readToken(namespace, 'web', API_TOKEN);
    const { aud, exp, iat } = claimsOf(token);
    expect({ aud, seconds: exp - iat }).toEqual({ aud: [API_AUDIENCE], seconds: 3_600 });
    expect(await isAuthenticated(token)).toBe(true);
    await cluster.must(['delete', 'pod', 'web', '-n', namespace, '--wait']);
    // The API server remembers a good answer for ten seconds.
    await waitUntil('the token of the deleted pod is refused', async () => !(await isAuthenticated(token)));
  });

  it('tokens for two audiences are read in an init container, a sidecar and the app, by a user that is not root', async () => {
    const namespace = await cluster.createNamespace('injected', { 'curfew.dev/mutate': 'baseline' });
    await cluster.createAccount(namespace, {
      'tokens.curfew.dev/vault': '{audience: vault, expiration: 10m}',
      'tokens.curfew.dev/billing': '{audience: billing, expiration: 30m, env: BILLING_TOKEN_FILE}',
    });
    const reads = ['cat', '/var/run/curfew/vault/token', '/var/run/curfew/billing/token'];
    await runPod(
      namespace,
      sleepingPod('web', {
        securityContext: { runAsUser: 65_534, runAsNonRoot: true },
        initContainers: [
          { name: 'init', image: BUSYBOX_IMAGE, command: reads },
          { name: 'sidecar', image: BUSYBOX_IMAGE, restartPolicy: 'Always', command: ['sleep', '3600'] },
        ],
      }),
    );
    for (const container of ['sidecar', 'app']) {
      const vault = claimsOf(await readToken(namespace, 'web', '/var/run/curfew/vault/token', container));
      const billing = claimsOf(await readToken(namespace, 'web', '/var/run/curfew/billing/token', container));
      expect([vault.aud, vault.exp - vault.iat]).toEqual([['vault'], 600]);
      expect([billing.aud, billing.exp - billing.iat]).toEqual([['billing'], 1_800]);
    }
    const variable = ['exec', 'web', '-n', namespace, '-c', 'app', '--', 'sh', '-c', 'cat $BILLING_TOKEN_FILE'];
    expect(claimsOf(await cluster.must(variable)).aud).toEqual(['billing']);
    const log = await cluster.must(['logs', 'web', '-n', namespace, '-c', 'init']);
    expect(log.split('.').length).toBe(5);
  });

  it('a pod of the default account runs without a token', async () => {
    const namespace = await cluster.createNamespace('default-account', { 'curfew.dev/mutate': 'baseline' });
    await runPod(namespace, sleepingPod('web', { serviceAccountName: 'default' }));
    const { code } = await cluster.kubectl.run(['exec', 'web', '-n', namespace, '--', 'ls', API_TOKEN]);
    expect(code).not.toBe(0);
  });

  it('a pod that nobody documented runs without an API token', async () => {
    const namespace = await cluster.createNamespace('stripped', { 'curfew.dev/mutate': 'restricted' });
    await cluster.createAccount(namespace);
    await runPod(namespace, sleepingPod('web'));
    const { code, stderr } = await cluster.kubectl.run(['exec', 'web', '-n', namespace, '--', 'ls', API_TOKEN]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('No such file or directory');
  });

  it('a documented account uses the API with its shortened token', async () => {
    const namespace = await cluster.createNamespace('documented', { 'curfew.dev/mutate': 'restricted' });
    await cluster.createAccount(namespace, { 'curfew.dev/api-access': 'reads its own pod' });
    await runPod(namespace, sleepingPod('web'));
    const token = await readToken(namespace, 'web', API_TOKEN);
    expect(claimsOf(token).exp - claimsOf(token).iat).toBe(3_600);
    expect(await isAuthenticated(token)).toBe(true);
  });
});

describe('When every pod of Curfew is deleted while all is enforced', () => {
  it('they come back by themselves', async () => {
    await cluster.install(['--set', 'config.levels.enforce=restricted', '--set', 'config.mutateMode=apply']);
    await cluster.must(['delete', 'pod', '-n', RELEASE_NAMESPACE, '--all', '--force', '--grace-period=0']);
    await cluster.must(['rollout', 'status', `deployment/${RELEASE}`, '-n', RELEASE_NAMESPACE, '--timeout=120s']);
    expect(await cluster.countReady()).toBe(2);
  });
});

describe('helm uninstall', () => {
  it('leaves no webhook configuration and no Secret, and the namespace can be deleted', async () => {
    await cluster.uninstall();
    expect(await cluster.must(['get', CONFIGURATIONS, '-o', 'name'])).toBe('');
    await waitUntil('the Secret is gone with its Deployment', async () => {
      return (await cluster.must(['get', 'secrets', '-n', RELEASE_NAMESPACE, '-o', 'name'])) === '';
    });
    const roles = await cluster.must(['get', 'clusterroles,clusterrolebindings', '-o', 'name']);
    expect(roles).not.toContain('curfew');
    await cluster.must(['delete', 'namespace', RELEASE_NAMESPACE, '--timeout=60s']);
  });
});

/** Creates the pod and waits until it runs. */
async function runPod(namespace: string, manifest: JsonObject): Promise<void> {
  await cluster.must(['create', '-n', namespace, '-f', '-'], manifest);
  await cluster.must(['wait', '--for=condition=Ready', 'pod', '--all', '-n', namespace, '--timeout=90s']);
}

async function readToken(namespace: string, name: string, path: string, container = 'app'): Promise<string> {
  return await cluster.must(['exec', name, '-n', namespace, '-c', container, '--', 'cat', path]);
}

async function isAuthenticated(token: string): Promise<boolean> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  const answer = JSON.parse(await cluster.must(['create', '-f', '-', '-o', 'json'], review));
  return member(member(answer, 'status'), 'authenticated') === true;
}
