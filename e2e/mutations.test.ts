import { describe, expect, it } from 'vitest';
import { asString, type JsonObject, member, valueAt } from '../src/objects/json.ts';
import { decodeJwtClaims } from '../src/objects/jwt.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { HAS_AUDIT_LOG, pod, tokenVolume } from './test-cluster.ts';

const suite = setUpSuite({ mutateMode: 'apply' });

async function store(namespace: string, object: JsonObject): Promise<unknown> {
  return JSON.parse(await suite.cluster.must(['create', '-n', namespace, '-f', '-', '-o', 'json'], object));
}

async function annotate(namespace: string, account: string, annotation: string): Promise<void> {
  await suite.cluster.must(['annotate', 'serviceaccount', account, '-n', namespace, annotation]);
}

function secondsIn(stored: unknown, volume: number): unknown {
  const source = ['projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
  return valueAt(stored, ['spec', 'volumes', volume, ...source]);
}

describe('Where mutate is restricted', () => {
  const RESTRICTED = { 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'restricted' };

  it('a pod that nobody documented loses its API token, and is no longer refused', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const initContainers = [{ name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' }];
    const stored = await store(namespace, pod('web', { initContainers }));
    expect(valueAt(stored, ['spec', 'automountServiceAccountToken'])).toBe(false);
    expect(JSON.stringify(stored)).not.toMatch(/kube-api-access|serviceAccountToken"|kubernetes\.io\/serviceaccount"/);
    expect(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBe('automount-opt-out');
    if (!HAS_AUDIT_LOG) return;
    const events = await suite.cluster.controlPlane.auditEvents();
    const created = events.find(
      (event) =>
        valueAt(event, ['objectRef', 'namespace']) === namespace &&
        valueAt(event, ['objectRef', 'resource']) === 'pods',
    );
    expect(asString(valueAt(created, ['annotations', 'pods.curfew.dev/mutate']))).toContain(
      'automount-opt-out at /spec/automountServiceAccountToken: not set is now false',
    );
  });

  it('a pod whose account documents its need keeps it, for an hour', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    await annotate(namespace, 'web', 'curfew.dev/api-access=lists its own endpoints');
    await waitUntil('the reason is known', async () => {
      const args = ['create', '-n', namespace, '-f', '-', '-o', 'json', '--dry-run=server'];
      const { stdout } = await suite.cluster.kubectl.run(args, { input: JSON.stringify(pod('web')) });
      return /"expirationSeconds": *3600/.test(stdout);
    });
  });
});

describe('A token that lives longer than the limit', () => {
  const volumes = [
    { ...tokenVolume({ audience: 'vault', expirationSeconds: 43_200 }), name: 'vault' },
    { ...tokenVolume({ audience: 'istio-ca', expirationSeconds: 43_200 }), name: 'istio-token' },
  ];
  const long = pod('web', { automountServiceAccountToken: false, volumes });

  it('is shortened where mutate is restricted, so that it is not refused; that of a sidecar is left alone', async () => {
    const labels = { 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'restricted' };
    const namespace = await suite.cluster.createNamespace(labels);
    const stored = await store(namespace, long);
    expect([0, 1].map((index) => secondsIn(stored, index))).toEqual([3600, 43_200]);
    expect(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBe('cap-token-lifetime');

    // As the kubelet asks for it.
    const uid = asString(valueAt(stored, ['metadata', 'uid'])) ?? '';
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', 'web', '--bound-object-uid', uid];
    const asked = ['--audience', 'vault', '--duration', '3600s'];
    const token = await suite.cluster.must(['create', 'token', 'web', '-n', namespace, ...asked, ...bound]);
    const claims = decodeJwtClaims(token.trim());
    expect(Number(member(claims, 'exp')) - Number(member(claims, 'iat'))).toBe(3600);
  });

  it('is refused where nothing shortens it, by the number that it would be shortened to', async () => {
    const namespace = await suite.cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
    const args = ['create', '-n', namespace, '-f', '-'];
    const { code, stderr } = await suite.cluster.kubectl.run(args, { input: JSON.stringify(long) });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('write expirationSeconds: 3600') });
  });
});

describe('A new namespace', () => {
  it('has a default account that hands its token to nobody; one whose author wants the token keeps it', async () => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const automount = async () => {
      const args = ['get', 'serviceaccount', 'default', '-n', namespace, '-o', 'json'];
      const { code, stdout } = await suite.cluster.kubectl.run(args);
      return code === 0 ? member(JSON.parse(stdout), 'automountServiceAccountToken') : 'not there';
    };
    await waitUntil('the account is there', async () => (await automount()) !== 'not there');
    expect(await automount()).toBe(false);

    await suite.cluster.must([
      'patch',
      'serviceaccount',
      'default',
      '-n',
      namespace,
      '-p',
      '{"automountServiceAccountToken":true}',
    ]);
    expect(await automount()).toBe(true);
  });
});

describe('The default token', () => {
  it.each([
    ['24h', 86_400],
    ['48h', 86_400],
    ['10m', 600],
    ['soon', 3_600],
  ])('of an account that asks for %s lives %d s', async (asked, seconds) => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const metadata = { name: 'web', namespace, annotations: { 'curfew.dev/api-token-expiration': asked } };
    await suite.cluster.must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    expect(secondsIn(await store(namespace, pod('web')), 0)).toBe(seconds);
  });
});

describe('A token asked for by API', () => {
  async function lifetimeOf(args: readonly string[]): Promise<number> {
    const claims = decodeJwtClaims((await suite.cluster.must(['create', 'token', ...args])).trim());
    return Number(member(claims, 'exp')) - Number(member(claims, 'iat'));
  }

  it('is shortened to the limit, and then not refused', async () => {
    const namespace = await suite.cluster.createNamespace();
    expect(await lifetimeOf(['web', '-n', namespace, '--duration', '720h'])).toBe(86_400);
    expect(await lifetimeOf(['web', '-n', namespace, '--duration', '10m'])).toBe(600);
  });

  it('and bound to a pod for 3607 s is an hour, not a year', async () => {
    const namespace = await suite.cluster.createNamespace();
    await store(namespace, pod('web'));
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', 'web'];
    expect(await lifetimeOf(['web', '-n', namespace, '--duration', '3607s', ...bound])).toBe(3_600);
  });
});
