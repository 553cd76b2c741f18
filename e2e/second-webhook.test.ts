import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, member, valueAt } from '../src/objects/json.ts';
import { type SidecarWebhook, startSidecarWebhook } from './sidecar-webhook.ts';
import { setUpSuite } from './suite.ts';
import { pod, tokenVolume } from './test-cluster.ts';

const suite = setUpSuite({ levels: { warn: 'off' }, mutateMode: 'apply' });

/** Webhook configurations are called in the order of their names; ours is `curfew`. */
const ORDERS = [
  { order: 'before', name: 'a-sidecars' },
  { order: 'after', name: 'z-sidecars' },
];

describe.each(ORDERS)('A webhook that adds a sidecar $order us', ({ name }) => {
  let webhook: SidecarWebhook | undefined;
  beforeAll(async () => {
    webhook = await startSidecarWebhook(suite.cluster, name);
  });
  afterAll(async () => await webhook?.stop());

  it('leaves no API token anywhere where it is taken', async () => {
    const stored = await create({ 'curfew.dev/mutate': 'restricted' }, pod('web'));
    expect(namesOf(stored)).toEqual(['app', 'sidecar']);
    expect(valueAt(stored, ['spec', 'automountServiceAccountToken'])).toBe(false);
    expect(JSON.stringify(valueAt(stored, ['spec']))).not.toContain('kube-api-access');
    expect(JSON.stringify(valueAt(stored, ['spec']))).not.toContain('serviceAccountToken":{');
  });

  it('gives the sidecar the shortened API token', async () => {
    const stored = await create({ 'curfew.dev/mutate': 'baseline' }, pod('web'));
    const volumes = asArray(valueAt(stored, ['spec', 'volumes']));
    expect(volumes).toHaveLength(1);
    const token = ['projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
    expect(valueAt(volumes[0], token)).toBe(3600);
    for (const index of [0, 1]) {
      const mounts = asArray(valueAt(stored, ['spec', 'containers', index, 'volumeMounts']));
      expect(mounts.map((mount) => member(mount, 'name'))).toEqual([member(volumes[0], 'name')]);
    }
  });

  it('gives the sidecar the tokens that are asked for, once', async () => {
    const annotations = {
      'tokens.curfew.dev/vault': '{audience: vault, env: VAULT_TOKEN_PATH}',
      'tokens.curfew.dev/late': '{audience: late, containers: [sidecar]}',
    };
    const asking = { ...pod('web', { automountServiceAccountToken: false }), metadata: { name: 'web', annotations } };
    const stored = await create({}, asking);
    expect(namesOf(stored)).toEqual(['app', 'sidecar']);
    const mounted = [0, 1].map((index) =>
      asArray(valueAt(stored, ['spec', 'containers', index, 'volumeMounts'])).map((mount) => member(mount, 'name')),
    );
    expect(mounted.map((names) => new Set(names))).toEqual([
      new Set(['curfew-token-vault']),
      new Set(['curfew-token-late', 'curfew-token-vault']),
    ]);
    for (const index of [0, 1]) {
      expect(valueAt(stored, ['spec', 'containers', index, 'env'])).toEqual([
        { name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' },
      ]);
    }
    expect(mounted.flat()).toHaveLength(3);
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toHaveLength(2);
  });

  it('gives an agent of Vault its token in the place of the API token, and the sidecar too', async () => {
    const annotations = { 'vault.hashicorp.com/agent-inject': 'true', 'tokens.curfew.dev/vault': '{preset: vault}' };
    const asking = { ...pod('web'), metadata: { name: 'web', annotations } };
    const stored = await create({ 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'restricted' }, asking);
    expect(namesOf(stored)).toEqual(['app', 'sidecar']);
    expect(asArray(valueAt(stored, ['spec', 'volumes'])).map((volume) => member(volume, 'name'))).toEqual([
      'vault-token',
    ]);
    for (const index of [0, 1]) {
      const mounts = asArray(valueAt(stored, ['spec', 'containers', index, 'volumeMounts']));
      expect(mounts.map((mount) => member(mount, 'name'))).toEqual(['vault-token']);
    }
  });

  it('leaves a token that was asked for as long as it was asked for, and shortens one that was not', async () => {
    const own = { ...tokenVolume({ audience: 'own', expirationSeconds: 43_200 }), name: 'own' };
    const asking = {
      ...pod('web', { automountServiceAccountToken: false, volumes: [own] }),
      metadata: { name: 'web', annotations: { 'tokens.curfew.dev/long': '{audience: long, expiration: 12h}' } },
    };
    const stored = await create({ 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'baseline' }, asking);
    const seconds = ['projected', 'sources', 0, 'serviceAccountToken', 'expirationSeconds'];
    expect(
      asArray(valueAt(stored, ['spec', 'volumes'])).map((volume) => [member(volume, 'name'), valueAt(volume, seconds)]),
    ).toEqual([
      ['own', 3600],
      ['curfew-token-long', 43_200],
    ]);
  });

  it('was called', () => {
    expect(webhook?.calls()).toBeGreaterThan(0);
  });
});

function namesOf(stored: unknown): readonly unknown[] {
  return asArray(valueAt(stored, ['spec', 'containers'])).map((container) => member(container, 'name'));
}

async function create(labels: Readonly<Record<string, string>>, object: JsonObject): Promise<unknown> {
  const namespace = await suite.cluster.createNamespace({ ...labels, 'sidecars.example/inject': 'yes' });
  await suite.cluster.must(['create', '-n', namespace, '-f', '-'], object);
  return JSON.parse(await suite.cluster.must(['get', 'pod', 'web', '-n', namespace, '-o', 'json']));
}
