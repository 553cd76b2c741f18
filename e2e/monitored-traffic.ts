/** What a cluster does on a day, in a minute: of everything that Curfew counts, some. */

import { request } from 'node:https';
import type { JsonObject } from '../src/objects/json.ts';
import type { ApiClient } from './api-client.ts';
import { readBearer } from './bearer.ts';
import { type InstalledCurfew, waitUntil } from './installed-curfew.ts';
import { readData } from './old-objects.ts';
import { pod, type TestCluster, tokenSecret } from './test-cluster.ts';
import { NO_API_TOKEN, VAULT } from './token-asks.ts';

/** In the exempted namespace token Secrets are let through, for three days more. */
export function monitoredConfig(dryRun: boolean): JsonObject {
  const end = new Date(Date.now() + 3 * 24 * 3_600_000).toISOString().slice(0, 10);
  return {
    dryRun,
    exemptions: {
      rules: [
        {
          name: 'build-server',
          match: { names: ['build-token-*'] },
          reason: 'the old build server cannot ask for tokens',
          owner: 'team-build',
          expires: end,
        },
      ],
    },
  };
}

export type Scene = { readonly api: ApiClient; readonly namespace: string };

const RBAC = 'rbac.authorization.k8s.io/v1';

let made = 0;

/** One of everything, so that a second round is an increase. */
export async function playRound({ api, namespace }: Scene): Promise<void> {
  made += 1;
  const core = `/api/v1/namespaces/${namespace}`;
  const metadata = { name: `vault-${made}`, annotations: VAULT };
  const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  const role = { apiVersion: RBAC, kind: 'Role', metadata: { name: `wide-${made}` }, rules };
  await Promise.all([
    api.create(`${core}/pods`, pod(`plain-${made}`)),
    api.create(`${core}/pods`, { ...pod(`vault-${made}`, NO_API_TOKEN), metadata }),
    api.create(`${core}/secrets`, tokenSecret(`ci-token-${made}`, 'web')),
    api.create(`${core}/secrets`, tokenSecret(`build-token-${made}`, 'web')),
    api.create(`/apis/${RBAC}/namespaces/${namespace}/roles`, role),
    ...[3_600, 172_800].map((expirationSeconds) =>
      api.create(`${core}/serviceaccounts/web/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds },
      }),
    ),
  ]);
}

/** A token from a Secret that was there before Curfew, which somebody uses. */
export async function useLegacyToken(cluster: TestCluster, namespace: string): Promise<string> {
  const read = async () => await readData(cluster, { namespace, secret: 'old', key: 'token' });
  await waitUntil('the token controller filled the Secret', async () => (await read()) !== '');
  const token = await read();
  await readBearer(cluster, token);
  return token;
}

/** With Curfew away: a role goes past it, and a pod is refused. */
export async function playOutage({ api, namespace }: Scene): Promise<void> {
  made += 1;
  const role = { apiVersion: RBAC, kind: 'Role', metadata: { name: `unjudged-${made}` }, rules: [] };
  await api.create(`/apis/${RBAC}/namespaces/${namespace}/roles`, role);
  await api.create(`/api/v1/namespaces/${namespace}/pods`, pod(`refused-${made}`));
}

/** Something that is no API server calls the webhook. */
export async function callAmiss({ webhookUrl }: Pick<InstalledCurfew, 'webhookUrl'>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { 'content-type': 'application/json' };
  const options = { method: 'POST', agent: false as const, rejectUnauthorized: false, headers };
  const sent = request(`${webhookUrl}/validate/pods`, options, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  sent.on('error', reject);
  sent.end('{}');
  return await promise;
}
