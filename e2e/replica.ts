/**
 * One replica of a Curfew that somebody else installed, by Helm or by kubectl: the process that its Deployment in the
 * cluster describes, with its own account and rights. No API server can reach it, since Services go nowhere here; what it
 * does to the cluster, it does for real.
 */

import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, isObject, member, valueAt } from '../src/objects/json.ts';
import { findFreePorts } from '../test/free-ports.ts';
import { RELEASE_NAMESPACE } from './chart.ts';
import { waitUntil } from './installed-curfew.ts';
import { startSupervisor } from './processes.ts';
import { startServer } from './server-process.ts';
import type { TestCluster } from './test-cluster.ts';

const CONFIGURATIONS = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';
const APPLIED = 'deployments,configmaps,serviceaccounts';

/** Runs a replica until every webhook of the cluster has rules and a CA bundle, and ends it. */
export async function publishOnce(cluster: TestCluster): Promise<void> {
  const supervisor = await startSupervisor();
  try {
    const own = ['--namespace', RELEASE_NAMESPACE, '-l', 'app.kubernetes.io/name=curfew', '-o', 'json'];
    const objects = asArray(member(JSON.parse(await cluster.must(['get', APPLIED, ...own])), 'items')).filter(isObject);
    const [webhookPort = 0, operationsPort = 0] = await findFreePorts(2);
    const replica = await startServer(supervisor, {
      cluster,
      objects,
      name: 'curfew',
      webhook: `127.0.0.1:${webhookPort}`,
      operations: `127.0.0.1:${operationsPort}`,
    });
    await waitUntil('every webhook has rules and a CA bundle', async () => {
      const ended = replica.ended();
      if (ended !== undefined) throw new Error(`curfew ended with ${ended}`);
      const webhooks = await readWebhooks(cluster);
      return webhooks.size > 0 && [...webhooks.values()].every(isPublished);
    });
  } finally {
    await supervisor.stop();
  }
}

/** Every webhook of Curfew's configurations, by kind and name: `ValidatingWebhookConfiguration pods.curfew.dev`. */
export async function readWebhooks({ must }: Pick<TestCluster, 'must'>): Promise<ReadonlyMap<string, JsonObject>> {
  const items = asArray(member(JSON.parse(await must(['get', CONFIGURATIONS, '-o', 'json'])), 'items'));
  const textOf = (value: unknown, key: string) => asString(member(value, key)) ?? '';
  return new Map(
    items.flatMap((item) =>
      asArray(member(item, 'webhooks'))
        .filter(isObject)
        .map((webhook) => [`${textOf(item, 'kind')} ${textOf(webhook, 'name')}`, webhook] as const),
    ),
  );
}

export function isPublished(webhook: JsonObject): boolean {
  return asArray(member(webhook, 'rules')).length > 0 && valueAt(webhook, ['clientConfig', 'caBundle']) !== undefined;
}

/** Rules and CA bundle of each webhook, as text: for "nothing of it changed". */
export function publishedParts(webhooks: ReadonlyMap<string, JsonObject>): ReadonlyMap<string, string> {
  return new Map(
    [...webhooks].map(([name, webhook]) => [
      name,
      JSON.stringify([member(webhook, 'rules'), valueAt(webhook, ['clientConfig', 'caBundle'])]),
    ]),
  );
}
