import { expect, it } from 'vitest';
import { readBearer } from './bearer.ts';
import { waitUntil } from './installed-curfew.ts';
import { readData } from './old-objects.ts';
import { setUpSuite } from './suite.ts';
import type { TestCluster } from './test-cluster.ts';
import { tokenSecret } from './test-cluster.ts';

let namespace = '';

/** Secrets made before Curfew was installed, which most clusters have. */
const suite = setUpSuite({}, async (cluster) => {
  namespace = await cluster.createNamespace();
  await cluster.must(['create', 'serviceaccount', 'other', '-n', namespace]);
  for (const name of ['old', 'stolen']) {
    await cluster.must(['create', '-n', namespace, '-f', '-'], tokenSecret(name, 'web'));
  }
  await waitUntil('the token controller filled them', async () => (await tokenOf('stolen', cluster)) !== '');
});

it('leaves a token that was there before usable', async () => {
  await waitUntil('it is filled', async () => (await tokenOf('old')) !== '');
  expect(await readBearer(suite.cluster, await tokenOf('old'))).toBe(`system:serviceaccount:${namespace}:web`);
});

it('refuses to have a token minted for another account', async () => {
  const { code, stderr } = await suite.cluster.kubectl.run([
    ...['annotate', 'secret', 'stolen', '-n', namespace, '--overwrite'],
    'kubernetes.io/service-account.name=other',
  ]);
  expect(code).toBe(1);
  await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/secret-reannotated.txt');
});

it('refuses to have a new token minted by emptying the old one', async () => {
  const patch = ['--type=json', '-p', '[{"op":"remove","path":"/data/token"}]'];
  const { code, stderr } = await suite.cluster.kubectl.run(['patch', 'secret', 'stolen', '-n', namespace, ...patch]);
  expect(code).toBe(1);
  expect(stderr).toContain('or delete it: kubectl delete secret stolen');
});

it('lets labels be set and the Secret be deleted: nothing new is wrong', async () => {
  const label = ['label', 'secret', 'stolen', '-n', namespace, 'kubernetes.io/legacy-token-invalid-since=2026-01-01'];
  expect((await suite.cluster.kubectl.run(label)).code).toBe(0);
  expect((await suite.cluster.kubectl.run(['delete', 'secret', 'stolen', '-n', namespace])).code).toBe(0);
});

async function tokenOf(secret: string, cluster: TestCluster = suite.cluster): Promise<string> {
  return await readData(cluster, { namespace, secret, key: 'token' });
}
