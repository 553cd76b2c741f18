import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_LONG } from '../../test/long.ts';
import { createApiReader } from './api-reader.ts';
import { API_TOKEN, claimsOf, type InstalledChart, openCluster, sleepingPod } from './installed-chart.ts';

const VAULT_TOKEN = '/var/run/curfew/vault/token';
/** The shortest that the API server gives. */
const LIFETIME_S = 600;
const POLL_MS = 2_000;
const LIMIT_MS = 16 * 60_000;

// The kubelet renews a token when 80 % of its lifetime have passed, and no lifetime is below ten minutes: long set.
describe.runIf(IS_LONG)('A token of ten minutes', () => {
  let cluster: InstalledChart;

  beforeAll(async () => {
    cluster = await openCluster();
    await cluster.install(['--set', `config.mutations.short-lived-api-token.expirationSeconds=${LIFETIME_S}`]);
    await cluster.untilPublished();
  });
  afterAll(async () => {
    await cluster.removeNamespaces();
  });

  it(
    'is renewed by the kubelet before it ends, in each container, and a client goes on with the new one',
    async () => {
      const shortened = await cluster.createNamespace('renewed-api', { 'curfew.dev/mutate': 'baseline' });
      const reader = await createApiReader(cluster, shortened);
      const ask = async () => await reader.get(`/api/v1/namespaces/${shortened}/pods/${reader.pod}`);
      const injected = await cluster.createNamespace('renewed-vault', { 'curfew.dev/mutate': 'baseline' });
      await cluster.createAccount(injected, { 'tokens.curfew.dev/vault': '{audience: vault, expiration: 10m}' });
      await cluster.runPod(injected, sleepingPod('web'));

      const readApi = async () => await cluster.exec({ namespace: shortened, pod: reader.pod }, ['cat', API_TOKEN]);
      const readVault = async () => await cluster.exec({ namespace: injected, pod: 'web' }, ['cat', VAULT_TOKEN]);
      const [api, vault] = [await readApi(), await readVault()];
      expect([lifetimeOf(api), lifetimeOf(vault)]).toEqual([LIFETIME_S, LIFETIME_S]);
      expect(await ask()).toBe(200);
      // What follows is between the kubelet and the API server alone.
      await cluster.uninstall();

      for (const [name, first, read] of [
        ['API token', api, readApi],
        ['injected token', vault, readVault],
      ] as const) {
        const next = await untilOther(first, read);
        const seconds = claimsOf(next).iat - claimsOf(first).iat;
        console.log(`${name}: renewed after ${seconds} s of ${LIFETIME_S} s`);
        expect(claimsOf(next).aud).toEqual(claimsOf(first).aud);
        expect(lifetimeOf(next)).toBe(LIFETIME_S);
        // From 80 %, less up to ten seconds that spread the load (pkg/kubelet/token/token_manager.go) …
        expect(seconds).toBeGreaterThanOrEqual(LIFETIME_S * 0.8 - 10);
        // … and in time.
        expect(seconds).toBeLessThan(LIFETIME_S);
      }

      const end = claimsOf(api).exp * 1_000;
      while (Date.now() <= end) await sleep(POLL_MS);
      // The API server takes a token for a minute longer (the leeway of go-jose), and remembers a good answer for ten seconds.
      await expect
        .poll(async () => await cluster.isAuthenticated(api), { timeout: 120_000, interval: 1_000 })
        .toBe(false);
      console.log(`API token: refused ${Math.round((Date.now() - end) / 1_000)} s after its end`);
      expect(await ask()).toBe(200);
    },
    LIMIT_MS,
  );
});

function lifetimeOf(token: string): number {
  const { exp, iat } = claimsOf(token);
  return exp - iat;
}

/** Another token than `first`, as soon as the file holds one. */
async function untilOther(first: string, read: () => Promise<string>): Promise<string> {
  for (;;) {
    const token = await read();
    if (token !== first) return token;
    await sleep(POLL_MS);
  }
}
