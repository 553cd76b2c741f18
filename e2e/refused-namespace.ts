/** What is there already and would be refused if it were written anew: the webhook never saw it. */

import type { JsonObject } from '../src/objects/json.ts';
import { pod, type TestCluster, tokenSecret } from './test-cluster.ts';

/** A namespace at restricted that holds it; returns its name. */
export async function makeRefusedNamespace(cluster: TestCluster): Promise<string> {
  const namespace = await cluster.createNamespace({ 'curfew.dev/enforce': 'restricted' });
  const write = async (object: JsonObject) => {
    await cluster.store({ ...object, metadata: { ...(object['metadata'] as JsonObject), namespace } });
  };
  await write(tokenSecret('old', 'web'));
  await write(pod('bare', { serviceAccountName: 'web' }));
  await write({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'registry.example/a:1' }] },
      },
    },
  });
  const rules = [{ apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] }];
  await write({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'maker' }, rules });
  return namespace;
}
