/**
 * The chart as GitOps tools keep it: rendered again and again without a cluster, and applied each time, by kubectl's
 * three-way merge (Argo CD by default) or by server-side apply with force (Argo CD with ServerSideApply=true, Flux's
 * kustomize-controller). Flux's helm-controller is Helm itself: helm.test.ts.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RELEASE_NAMESPACE, renderChart } from './chart.ts';
import { isPublished, publishedParts, publishOnce, readWebhooks } from './replica.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const APPROVAL = 'ValidatingWebhookConfiguration api-access.curfew.dev';

describe.each<[string, readonly string[]]>([
  ['three-way merge', []],
  ['server-side apply', ['--server-side', '--force-conflicts', '--field-manager=argocd-controller']],
])('By %s', (_how, args) => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster();
    await cluster.must(['create', 'namespace', RELEASE_NAMESPACE]);
  });
  afterAll(async () => {
    await cluster.controlPlane.stop();
  });

  it('every render is applied without a change to what a replica has published', async () => {
    await sync(false);
    await publishOnce(cluster);
    const before = await readWebhooks(cluster);
    for (let time = 0; time < 3; time += 1) await sync(false);
    expect(await readWebhooks(cluster)).toEqual(before);
  });

  it('an entry comes, goes and comes again, and the others keep what was published', async () => {
    const before = publishedParts(await readWebhooks(cluster));
    for (let time = 0; time < 2; time += 1) {
      await sync(true);
      const added = await readWebhooks(cluster);
      const fresh = added.get(APPROVAL);
      expect(fresh !== undefined && isPublished(fresh)).toBe(false);
      await publishOnce(cluster);
      expect(publishedParts(await readWebhooks(cluster)).size).toBe(before.size + 1);
      await sync(false);
      expect(publishedParts(await readWebhooks(cluster))).toEqual(before);
    }
  });

  async function sync(approval: boolean): Promise<void> {
    const items = await renderChart({ config: { apiAccess: { approval } } });
    const { code, stderr } = await cluster.kubectl.apply(items, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
});
