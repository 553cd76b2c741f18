import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString } from '../../../src/objects/json.ts';
import { asking, inject } from './injecting.ts';

const container = (name: string, fields: JsonObject = {}) => ({ name, image: 'registry.example/web:1', ...fields });

const trigger = (id: string, presetParameters: JsonObject = {}) => ({
  configuration: { mutations: { 'inject-token': { triggers: [id], presetParameters } } },
});

const BY_US = { 'curfew.dev/mutated-by': 'inject-token' };

/** Nothing that it writes of a URL has a value without one. */
const SHOP = {
  volume: 'shop-token',
  mountPath: '/var/run/shop',
  audience: 'shop',
  parameters: { url: { isOptional: true } },
  podAnnotations: { 'shop.example/url': '${url}' },
  credential: { annotation: 'shop.example/file', path: 'file.json', content: { url: '${url}' } },
};

function recordOf({ at }: ReturnType<typeof inject>): unknown {
  return JSON.parse(asString(at('metadata', 'annotations', 'curfew.dev/injected')) ?? 'null');
}

describe('What the author wrote just as Curfew would have', () => {
  const volumes = [
    {
      name: 'gcp-iam-token',
      projected: {
        sources: [{ serviceAccountToken: { audience: 'sts.googleapis.com', expirationSeconds: 3600, path: 'token' } }],
      },
    },
  ];
  const volumeMounts = [
    { name: 'gcp-iam-token', mountPath: '/var/run/secrets/sts.googleapis.com/serviceaccount', readOnly: true },
  ];
  const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/p/providers/q';
  const onAccount = {
    'cloud.google.com/workload-identity-provider': PROVIDER,
    'cloud.google.com/service-account-email': 'a@b.example',
    'cloud.google.com/audience': 'sts.googleapis.com',
    'cloud.google.com/token-expiration': '3600',
  };

  it('stays when its token is taken out: volume and mount', () => {
    const pod = asking({}, { volumes, containers: [container('app', { volumeMounts })] });
    const first = inject(pod, { ...trigger('gcp'), onAccount });
    expect(first.denial).toBe('');
    expect(recordOf(first)).toMatchObject({
      'preset/gcp': {
        volumes: ['external-credential-config'],
        mounts: { '/var/run/secrets/workload-identity': 'external-credential-config' },
      },
    });
    const second = inject(first.object, trigger('gcp'));
    expect(second.at('spec', 'volumes')).toEqual(volumes);
    expect(second.at('spec', 'containers', 0, 'volumeMounts')).toEqual(volumeMounts);
    expect(second.at('spec', 'containers', 0, 'env')).toEqual([]);
  });

  it('stays when its token is taken out: a variable, in the container that had it', () => {
    const env = [{ name: 'AWS_REGION', value: 'eu' }];
    const pod = asking({}, { containers: [container('app', { env }), container('side')] });
    const world = trigger('aws-irsa', { 'aws-irsa': { region: 'eu' } });
    const first = inject(pod, { ...world, onAccount: { 'eks.amazonaws.com/role-arn': 'arn:one' } });
    expect(first.at('spec', 'containers', 1, 'env')).toContainEqual({ name: 'AWS_REGION', value: 'eu' });
    expect(recordOf(first)).toMatchObject({
      'preset/aws-irsa': { containers: ['app', 'side'], except: { app: ['AWS_REGION'] } },
    });
    expect(inject(first.object, { ...world, onAccount: { 'eks.amazonaws.com/role-arn': 'arn:one' } }).patch).toEqual(
      [],
    );
    const second = inject(first.object, world);
    expect(second.at('spec', 'containers', 0, 'env')).toEqual(env);
    expect(second.at('spec', 'containers', 1, 'env')).toEqual([]);
    expect(second.at('spec', 'volumes')).toEqual([]);
  });

  it('stays when its token is taken out: an annotation, with its own value or with ours', () => {
    const key = 'vault.hashicorp.com/agent-service-account-token-volume-name';
    const onAccount = { 'tokens.curfew.dev/vault': '{preset: vault}' };
    for (const value of ['mine', 'vault-token']) {
      const first = inject(asking({}, {}, { annotations: { [key]: value } }), { onAccount });
      expect(recordOf(first)).not.toHaveProperty('vault.annotations');
      expect(first.at('metadata', 'annotations', key)).toBe(value);
      expect(inject(first.object).at('metadata', 'annotations')).toEqual({ ...BY_US, [key]: value });
    }
    const content = { presets: { shop: SHOP } };
    const world = { configuration: { mutations: { 'inject-token': content } } };
    const annotations = { 'shop.example/file': '{}' };
    const asked = inject(asking({}, {}, { annotations }), {
      ...world,
      onAccount: { 'tokens.curfew.dev/shop': '{preset: shop}' },
    });
    expect(asked.denial).toBe('');
    expect(inject(asked.object, world).at('metadata', 'annotations')).toEqual({ ...BY_US, ...annotations });
  });

  it('stays in a container that came between the rounds', () => {
    const onAccount = { 'tokens.curfew.dev/vault': '{audience: vault, env: T}' };
    const first = inject(asking({}), { onAccount });
    const spec = first.object['spec'] as JsonObject;
    const late = container('late', { env: [{ name: 'T', value: '/var/run/curfew/vault/token' }] });
    const containers = [...(spec['containers'] as readonly JsonObject[]), late];
    const second = inject({ ...first.object, spec: { ...spec, containers } });
    expect(second.at('spec', 'containers', 1)).toEqual(late);
    expect(second.at('spec', 'containers', 0, 'env')).toEqual([]);
  });

  it('does not keep the variables that were added beside it from being made anew', () => {
    const token = { audience: 'api://AzureADTokenExchange', expirationSeconds: 3600, path: 'azure-identity-token' };
    const pod = asking(
      { az: '{preset: azure, tenantId: T1}' },
      {
        volumes: [{ name: 'azure-identity-token', projected: { sources: [{ serviceAccountToken: token }] } }],
        containers: [
          container('app', {
            volumeMounts: [{ name: 'azure-identity-token', mountPath: '/var/run/secrets/azure/tokens' }],
          }),
        ],
      },
    );
    const on = (client: string) => ({ onAccount: { 'azure.workload.identity/client-id': client } });
    const first = inject(pod, on('AAA'));
    expect(first.at('spec', 'containers', 0, 'env')).toContainEqual({ name: 'AZURE_CLIENT_ID', value: 'AAA' });
    expect(recordOf(first)).toMatchObject({ az: { volumes: [], mounts: {}, env: { AZURE_CLIENT_ID: 'AAA' } } });
    const second = inject(first.object, on('BBB'));
    expect(second.warnings).toEqual([]);
    expect(second.object).toEqual(inject(pod, on('BBB')).object);
  });
});

describe('What is written of a parameter without a value', () => {
  const world = { configuration: { mutations: { 'inject-token': { presets: { shop: SHOP } } } } };
  const annotationsOf = (asked: string) => {
    const { at, denial } = inject(asking({ shop: asked }), world);
    expect(denial).toBe('');
    return ['shop.example/url', 'shop.example/file'].map((key) => at('metadata', 'annotations', key));
  };

  it('is a file without it, and no annotation', () => {
    expect(annotationsOf('{preset: shop, url: "https://a"}')).toEqual(['https://a', '{"url":"https://a"}']);
    expect(annotationsOf('{preset: shop}')).toEqual([undefined, '{}']);
  });
});

describe('What somebody else has of ours when its token is taken out', () => {
  const first = inject(asking({}), { onAccount: { 'tokens.curfew.dev/vault': '{preset: vault}' } });
  const [KEY, OTHERS] = ['vault.hashicorp.com/agent-service-account-token-volume-name', 'another-volume'];

  it('stays: an annotation that was changed since, and a volume without a name, which is nobody’s', () => {
    const { metadata, spec } = first.object as {
      metadata: { annotations: JsonObject };
      spec: { volumes: JsonObject[] };
    };
    const second = inject({
      ...first.object,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [KEY]: OTHERS } },
      spec: { ...spec, volumes: [{ emptyDir: {} }, ...spec.volumes] },
    });
    expect(second.at('metadata', 'annotations')).toEqual({ ...BY_US, [KEY]: OTHERS });
    expect(second.at('spec', 'volumes')).toEqual([{ emptyDir: {} }]);
  });

  it('stays: the mount of a container for debugging, which nobody may change, and with it the volume', () => {
    const text = asString(first.at('metadata', 'annotations', 'curfew.dev/injected')) ?? '';
    const record = JSON.parse(text) as { vault: { containers: string[] } };
    record.vault.containers.push('debug');
    const { metadata, spec } = first.object as { metadata: { annotations: JsonObject }; spec: JsonObject };
    const app = first.at('spec', 'containers', 0) as JsonObject;
    const debug = container('debug', { volumeMounts: app['volumeMounts'] ?? [] });
    const second = inject({
      ...first.object,
      metadata: {
        ...metadata,
        annotations: { ...metadata.annotations, 'curfew.dev/injected': JSON.stringify(record) },
      },
      spec: { ...spec, ephemeralContainers: [debug] },
    });
    expect(second.at('spec', 'ephemeralContainers')).toEqual([debug]);
    expect(second.at('spec', 'containers', 0, 'volumeMounts')).toEqual([]);
    expect(second.at('spec', 'volumes')).toEqual(first.at('spec', 'volumes'));
  });
});

it('A record that claims a volume which we never make is not believed, lest the volume become read-only under a mount', () => {
  const part = { volumes: ['curfew-token-a'], mounts: {}, env: {}, containers: [] };
  const volumeMounts = [{ name: 'curfew-token-a', mountPath: '/var/run/curfew' }];
  for (const source of [{ emptyDir: {} }, { hostPath: { path: '/srv' } }, { configMap: { name: 'settings' } }]) {
    const pod = asking(
      { a: '{audience: a}' },
      {
        volumes: [{ name: 'curfew-token-a', ...source }],
        containers: [container('app'), container('side', { volumeMounts })],
      },
      { annotations: { 'curfew.dev/injected': JSON.stringify({ a: part }) } },
    );
    expect(inject(pod)).toMatchObject({ denial: expect.stringContaining('"curfew-token-a"'), patch: [] });
    const { denial, patch } = inject({
      ...pod,
      metadata: { ...pod.metadata, annotations: { 'curfew.dev/injected': JSON.stringify({ a: part }) } },
    });
    expect({ denial, patch }).toEqual({ denial: '', patch: [] });
  }
});

it('A record of which a part is not believed is written once, in the same order each time', () => {
  const part = { volumes: ['tmp'], mounts: {}, env: {}, containers: [] };
  const pod = asking(
    { a: '{audience: a}', b: '{audience: b}' },
    { volumes: [{ name: 'tmp', emptyDir: {} }] },
    { annotations: { 'curfew.dev/injected': JSON.stringify({ b: part, other: part }) } },
  );
  const first = inject(pod);
  expect(Object.keys(recordOf(first) as JsonObject)).toEqual(['other', 'a', 'b']);
  expect(inject(first.object)).toMatchObject({ denial: '', patch: [] });
});
