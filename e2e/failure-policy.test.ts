import { beforeAll, describe, expect, it } from 'vitest';
import { readFailedOpen } from './api-server-metrics.ts';
import { waitUntil } from './installed-curfew.ts';
import { setUpSuite } from './suite.ts';
import { deployment, pod, tokenSecret } from './test-cluster.ts';

const ENFORCED = { levels: { enforce: 'restricted' }, mutateMode: 'apply' };
/** The smallest size that may be configured: objects of an ordinary size become more than the server reads. */
const SMALL_BODY = { ...ENFORCED, server: { bodyLimitBytes: 65_536 } };
const LARGE = {
  containers: [{ name: 'app', image: 'registry.example/web:1', env: [{ name: 'A', value: 'x'.repeat(80_000) }] }],
};
const OPTED_OUT = { automountServiceAccountToken: false };

const suite = setUpSuite(ENFORCED);

describe('A fault keeps the failure policy of its entry', () => {
  beforeAll(async () => {
    await suite.curfew.upgrade(SMALL_BODY);
  });

  it('refuses a pod, whose entry fails closed, and the coded sentence reaches kubectl', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await suite.cluster.kubectl.apply(pod('large', { ...LARGE, ...OPTED_OUT }), [
      '-n',
      namespace,
      '--server-side',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'failed calling webhook "pods.curfew.dev": failed to call webhook: CURFEW_E_BODY_TOO_LARGE: the review is larger than 65536 bytes',
    );
    expect(
      await suite.curfew.metric('curfew_faults_total{entry="/mutate/pods",code="CURFEW_E_BODY_TOO_LARGE"}'),
    ).toBeGreaterThan(0);
  });

  it('admits a Deployment, whose entry fails open, and the API server counts it', async () => {
    const namespace = await suite.cluster.createNamespace();
    const before = await readFailedOpen(suite.cluster, 'review.curfew.dev');
    const { code } = await suite.cluster.kubectl.apply(deployment('large', { ...LARGE, ...OPTED_OUT }), [
      '-n',
      namespace,
      '--server-side',
    ]);
    expect(code).toBe(0);
    expect(await readFailedOpen(suite.cluster, 'review.curfew.dev')).toBeGreaterThan(before);
  });
});

describe('With every entry enforced and Curfew down', () => {
  beforeAll(async () => {
    await suite.curfew.upgrade(ENFORCED);
  });

  it('fails closed and open as the table of entries says', async () => {
    const namespace = await suite.cluster.createNamespace();
    await suite.curfew.stopProcess();

    const refusedPod = await suite.cluster.kubectl.apply(pod('web', OPTED_OUT), ['-n', namespace]);
    expect(refusedPod.code).toBe(1);
    expect(refusedPod.stderr).toContain('failed calling webhook "pods.curfew.dev"');
    const refusedSecret = await suite.cluster.kubectl.apply(tokenSecret('ci', 'web'), ['-n', namespace]);
    expect(refusedSecret.stderr).toContain('failed calling webhook "secrets.curfew.dev"');

    const opaque = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain' }, stringData: { a: 'b' } };
    expect((await suite.cluster.kubectl.apply(opaque, ['-n', namespace])).code).toBe(0);
    expect((await suite.cluster.kubectl.apply(deployment('web'), ['-n', namespace])).code).toBe(0);
    expect(
      (await suite.cluster.kubectl.apply(pod('system', { serviceAccountName: 'default' }), ['-n', 'kube-system'])).code,
    ).toBe(0);
  });

  it('is back as soon as the process is', async () => {
    await suite.curfew.startProcess();
    const namespace = await suite.cluster.createNamespace();
    await waitUntil('pods are admitted again', async () => {
      return (await suite.cluster.kubectl.apply(pod('web', OPTED_OUT), ['-n', namespace])).code === 0;
    });
  });
});
