import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../src/objects/json.ts';
import { setUpSuite } from './suite.ts';
import { pod } from './test-cluster.ts';

/** A preset that an administrator wrote, asked for by keys of his own. */
const SHOP = {
  volume: 'shop-token',
  mountPath: '/var/run/shop',
  audience: '${audience}',
  parameters: { audience: { annotation: 'shop.example/audience' }, region: {} },
  env: [{ name: 'SHOP_REGION', value: '${region}' }],
  trigger: { accountAnnotation: 'shop.example/audience', namespaceLabel: { key: 'shop.example/inject', value: 'on' } },
};

const suite = setUpSuite({
  levels: { warn: 'off' },
  mutations: {
    'inject-token': {
      triggers: ['aws-irsa', 'shop'],
      presets: { shop: SHOP },
      presetParameters: { shop: { region: 'north' } },
    },
  },
});

const VAULT = '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}';
const ROLE = 'arn:aws:iam::111122223333:role/web';

describe('A pod that asks for two tokens', () => {
  it('is stored with both, in its init container, its sidecar and its application', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await apply(
      namespace,
      asking(
        { vault: VAULT, own: '{audience: own, path: jwt}' },
        {
          initContainers: [
            { name: 'setup', image: 'registry.example/setup:1' },
            { name: 'proxy', image: 'registry.example/proxy:1', restartPolicy: 'Always' },
          ],
          automountServiceAccountToken: false,
        },
      ),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const stored = await read(namespace);
    expect(asArray(valueAt(stored, ['spec', 'volumes']))).toEqual([
      storedVolume('own', { audience: 'own', expirationSeconds: 3600, path: 'jwt' }),
      storedVolume('vault', { audience: 'vault', expirationSeconds: 600, path: 'token' }),
    ]);
    const mounts = ['own', 'vault'].map((name) => ({
      name: `curfew-token-${name}`,
      mountPath: `/var/run/curfew/${name}`,
      readOnly: true,
    }));
    const env = [{ name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' }];
    for (const path of [
      ['initContainers', 0],
      ['initContainers', 1],
      ['containers', 0],
    ] as const) {
      expect(valueAt(stored, ['spec', ...path, 'volumeMounts'])).toEqual(mounts);
      expect(valueAt(stored, ['spec', ...path, 'env'])).toEqual(env);
    }
    expect(valueAt(stored, ['metadata', 'annotations', 'curfew.dev/mutated-by'])).toBe('inject-token');

    // As the kubelet asks for it: bound to the pod, with the audience of the volume.
    const uid = asString(valueAt(stored, ['metadata', 'uid'])) ?? '';
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', 'web', '--bound-object-uid', uid];
    const token = await suite.cluster.must([
      'create',
      'token',
      'web',
      '-n',
      namespace,
      '--audience',
      'vault',
      '--duration',
      '600s',
      ...bound,
    ]);
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect(member(claims, 'aud')).toEqual(['vault']);
    expect(Number(member(claims, 'exp')) - Number(member(claims, 'iat'))).toBe(600);
  });

  it('and is applied again as it was stored, is the same', async () => {
    const namespace = await suite.cluster.createNamespace();
    await must(namespace, asking({ vault: VAULT }));
    const stored = (await read(namespace)) as JsonObject;
    await suite.cluster.must(['delete', 'pod', 'web', '-n', namespace, '--force', '--grace-period=0']);
    await must(namespace, copyOf(stored));
    expect(valueAt(await read(namespace), ['spec'])).toEqual(valueAt(stored, ['spec']));
  });
});

describe('A pod for Windows', () => {
  it('is stored with Windows paths in its variables and its credential file, and Unix paths in its mounts', async () => {
    const namespace = await suite.cluster.createNamespace();
    const fleet = '{preset: gcp-fleet, pool: fleet.svc.id.goog, identityProvider: "https://gkehub.example/one"}';
    const spec = { os: { name: 'windows' }, automountServiceAccountToken: false };
    const { code, stderr } = await apply(namespace, asking({ vault: VAULT, fleet }, spec));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const stored = await read(namespace);
    expect(valueAt(stored, ['spec', 'os', 'name'])).toBe('windows');
    const folder = 'C:\\var\\run\\secrets\\tokens\\gcp-ksa';
    expect(valueAt(stored, ['spec', 'containers', 0, 'env'])).toEqual([
      { name: 'VAULT_TOKEN_PATH', value: 'C:\\var\\run\\curfew\\vault\\token' },
      { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: `${folder}\\google-application-credentials.json` },
    ]);
    expect(valueAt(stored, ['spec', 'containers', 0, 'volumeMounts'])).toEqual([
      { name: 'gcp-ksa', mountPath: '/var/run/secrets/tokens/gcp-ksa', readOnly: true },
      { name: 'curfew-token-vault', mountPath: '/var/run/curfew/vault', readOnly: true },
    ]);
    const credentials = valueAt(stored, ['metadata', 'annotations', 'curfew.dev/gcp-fleet-credentials']);
    expect(valueAt(JSON.parse(asString(credentials) ?? ''), ['credential_source', 'file'])).toBe(`${folder}\\token`);
    // The API server took both sources of one volume.
    const sources = asArray(valueAt(stored, ['spec', 'volumes', 0, 'projected', 'sources']));
    expect(sources.map((source) => Object.keys(source as JsonObject))).toEqual([
      ['serviceAccountToken'],
      ['downwardAPI'],
    ]);
  });
});

describe('Who may ask', () => {
  it('is the service account, made by the same kubectl apply', async () => {
    const namespace = await suite.cluster.createNamespace({}, { withoutAccount: true });
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', annotations: { 'tokens.curfew.dev/vault': VAULT, 'eks.amazonaws.com/role-arn': ROLE } },
    };
    const { code, stderr } = await suite.cluster.kubectl.apply([account, pod('web')], ['-n', namespace]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const stored = await read(namespace);
    const names = asArray(valueAt(stored, ['spec', 'volumes'])).map((volume) => member(volume, 'name'));
    expect(names).toEqual([expect.stringMatching(/^kube-api-access-/), 'curfew-token-vault', 'aws-iam-token']);
    expect(asArray(valueAt(stored, ['spec', 'containers', 0, 'env']))).toEqual([
      { name: 'AWS_ROLE_ARN', value: ROLE },
      { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token' },
      { name: 'VAULT_TOKEN_PATH', value: '/var/run/curfew/vault/token' },
    ]);
  });

  it('is a service account that is annotated a moment before the pod, which counts on it', async () => {
    const namespace = await suite.cluster.createNamespace();
    for (let round = 0; round < 5; round += 1) {
      const role = `${ROLE}-${round}`;
      const account = {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: `web-${round}`, annotations: {} as JsonObject },
      };
      await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], account);
      const annotated = {
        ...account,
        metadata: { ...account.metadata, annotations: { 'eks.amazonaws.com/role-arn': role } },
      };
      const asked = asking({ aws: '{preset: aws-irsa}' }, { serviceAccountName: `web-${round}` });
      const object = { ...asked, metadata: { ...(asked['metadata'] as JsonObject), name: `web-${round}` } };
      const { code, stderr } = await suite.cluster.kubectl.apply([annotated, object], ['-n', namespace]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const stored = await read(namespace, `web-${round}`);
      expect(valueAt(stored, ['spec', 'containers', 0, 'env', 0, 'value'])).toBe(role);
    }
  });

  it('is a scheme of the administrator’s own, by a label of the namespace and an annotation of the account', async () => {
    const labels = { 'shop.example/inject': 'on' };
    const namespace = await suite.cluster.createNamespace(labels, { withoutAccount: true });
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', annotations: { 'shop.example/audience': 'shop' } },
    };
    const { code, stderr } = await suite.cluster.kubectl.apply([account, pod('web')], ['-n', namespace]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const stored = await read(namespace);
    const volumes = asArray(valueAt(stored, ['spec', 'volumes']));
    const volume = volumes.find((one) => member(one, 'name') === 'shop-token');
    expect(valueAt(volume, ['projected', 'sources', 0, 'serviceAccountToken', 'audience'])).toBe('shop');
    expect(valueAt(stored, ['spec', 'containers', 0, 'env'])).toEqual([{ name: 'SHOP_REGION', value: 'north' }]);
  });

  it('is the namespace', async () => {
    const namespace = await suite.cluster.createNamespace(
      {},
      { metadata: { annotations: { 'tokens.curfew.dev/vault': VAULT } } },
    );
    await must(namespace, pod('web'));
    const names = asArray(valueAt(await read(namespace), ['spec', 'volumes'])).map((volume) => member(volume, 'name'));
    expect(names).toContain('curfew-token-vault');
  });
});

describe('A pod with an agent of Vault, where the API token is taken from pods that nobody documented', () => {
  const RESTRICTED = { 'curfew.dev/mutate': 'restricted', 'curfew.dev/enforce': 'restricted' };
  const NAMED = 'vault.hashicorp.com/agent-service-account-token-volume-name';

  function agentPod(annotations: JsonObject = {}): JsonObject {
    return {
      ...pod('web'),
      metadata: { name: 'web', annotations: { 'vault.hashicorp.com/agent-inject': 'true', ...annotations } },
    };
  }

  it('gets the token that the agent is told of in its place, also when it is applied again', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    await must(namespace, agentPod({ 'tokens.curfew.dev/vault': '{preset: vault}' }));
    const stored = (await read(namespace)) as JsonObject;
    expect(valueAt(stored, ['spec', 'automountServiceAccountToken'])).toBe(false);
    expect(asArray(valueAt(stored, ['spec', 'volumes'])).map((volume) => member(volume, 'name'))).toEqual([
      'vault-token',
    ]);
    expect(valueAt(stored, ['spec', 'containers', 0, 'volumeMounts'])).toEqual([
      { name: 'vault-token', mountPath: '/var/run/secrets/vault.hashicorp.com/serviceaccount', readOnly: true },
    ]);
    expect(valueAt(stored, ['metadata', 'annotations', NAMED])).toBe('vault-token');

    await suite.cluster.must(['delete', 'pod', 'web', '-n', namespace, '--force', '--grace-period=0']);
    await must(namespace, copyOf(stored));
    expect(valueAt(await read(namespace), ['spec'])).toEqual(valueAt(stored, ['spec']));
  });

  it('keeps the API token where it asks for no other, and is told that nobody documented it', async () => {
    const namespace = await suite.cluster.createNamespace(RESTRICTED);
    const { code, stderr } = await apply(namespace, agentPod());
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('  pod-automount at /') });
  });
});

describe('A mistake', () => {
  it('is a denial that says what is wrong, and is counted', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await apply(namespace, asking({ vault: '{audiance: vault, expiration: 5m}' }));
    expect(code).toBe(1);
    await expect(stderr.replaceAll(namespace, 'NAMESPACE')).toMatchFileSnapshot('golden/injection-denied.txt');
    expect(await suite.curfew.metric('curfew_mutations_total{mutation="inject-token",decision="deny"')).toBeGreaterThan(
      0,
    );
  });

  it('is a volume of that name which is something else', async () => {
    const namespace = await suite.cluster.createNamespace();
    const { code, stderr } = await apply(
      namespace,
      asking(
        { vault: '{audience: vault}' },
        {
          volumes: [{ name: 'curfew-token-vault', hostPath: { path: '/' } }],
        },
      ),
    );
    expect(code).toBe(1);
    expect(stderr).toContain(
      'volume "curfew-token-vault" is a hostPath volume of the pod’s own, and annotation tokens.curfew.dev/vault of the pod makes a volume of that name',
    );
  });
});

/** As somebody would apply it who has read it. */
function copyOf({ status: _status, ...stored }: JsonObject): JsonObject {
  const {
    creationTimestamp: _,
    uid: _uid,
    resourceVersion: _version,
    ...metadata
  } = member(stored, 'metadata') as JsonObject;
  return { ...stored, metadata };
}

function storedVolume(name: string, token: JsonObject): JsonObject {
  return { name: `curfew-token-${name}`, projected: { defaultMode: 420, sources: [{ serviceAccountToken: token }] } };
}

/** Pod `web` that asks for these tokens. */
function asking(tokens: Readonly<Record<string, string>>, spec: JsonObject = {}): JsonObject {
  const entries = Object.entries(tokens).map(([name, value]) => [`tokens.curfew.dev/${name}`, value]);
  return { ...pod('web', spec), metadata: { name: 'web', annotations: Object.fromEntries(entries) as JsonObject } };
}

async function apply(namespace: string, object: JsonObject) {
  return await suite.cluster.kubectl.apply(object, ['-n', namespace]);
}

async function must(namespace: string, object: JsonObject): Promise<void> {
  await suite.cluster.must(['apply', '-n', namespace, '-f', '-'], object);
}

async function read(namespace: string, name = 'web'): Promise<unknown> {
  return JSON.parse(await suite.cluster.must(['get', 'pod', name, '-n', namespace, '-o', 'json']));
}
