import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asString } from '../../../src/objects/json.ts';
import { toNamespaceView, toServiceAccountView } from '../../../src/objects/views.ts';
import {
  EMPTY_CONFIGURATION_FILE,
  listSchemeKeys as listKeysOfConfiguration,
  readConfiguration,
} from '../../../src/policy/configuration.ts';
import { listPresetProblems } from '../../../src/presets/problems.ts';
import { fc } from '../../properties.ts';
import { configure } from '../judging.ts';
import { asking, inject, type World } from '../mutations/injecting.ts';

describe('An administrator’s preset', () => {
  const own = {
    volume: 'shop-token',
    mountPath: '/var/run/shop',
    audience: '${audience}',
    parameters: { audience: { default: 'shop' }, url: { isOptional: true } },
    env: [
      { name: 'SHOP_TOKEN_FILE', value: '${tokenFile}' },
      { name: 'SHOP_URL', value: '${url}' },
    ],
  };
  const world: World = { configuration: { mutations: { 'inject-token': { presets: { shop: own } } } } };

  it('is asked for by its name', () => {
    const { at, denial } = inject(asking({ shop: '{preset: shop}' }), world);
    expect(denial).toBe('');
    expect(at('spec', 'volumes', 0, 'name')).toBe('shop-token');
    expect(at('spec', 'containers', 0, 'env')).toEqual([{ name: 'SHOP_TOKEN_FILE', value: '/var/run/shop/token' }]);
  });

  it('never asks for a token without an audience, which would be one for the Kubernetes API', () => {
    // The reader of the configuration knows parameters alone; this is found when the token is planned.
    const ofFile = { ...own, audience: '${credentialFile}' };
    const { denial } = inject(asking({ shop: '{preset: shop}' }), {
      configuration: { mutations: { 'inject-token': { presets: { shop: ofFile } } } },
    });
    expect(denial).toContain(
      'preset shop has the audience "${credentialFile}", and nothing gives credentialFile; without an audience the token would be one for the Kubernetes API',
    );
  });

  it('fills in every text of its credential file, also in lists', () => {
    const content = { files: ['${tokenFile}', 'plain', '${url}', ['${mountPath}']], url: '${url}', depth: [{ a: 1 }] };
    const credential = { annotation: 'shop.example/credential', path: 'credential.json', content };
    const shop = { ...own, credential };
    const { at } = inject(asking({ shop: '{preset: shop}' }), {
      configuration: { mutations: { 'inject-token': { presets: { shop } } } },
    });
    expect(JSON.parse(asString(at('metadata', 'annotations', 'shop.example/credential')) ?? '')).toEqual({
      files: ['/var/run/shop/token', 'plain', ['/var/run/shop']],
      depth: [{ a: 1 }],
    });
  });

  it('may be triggered by keys of its own, on the service account and the namespace', () => {
    const scheme = {
      ...own,
      parameters: { audience: { annotation: 'shop.example/audience' } },
      env: [],
      trigger: {
        accountAnnotation: 'shop.example/audience',
        namespaceLabel: { key: 'shop.example/inject', value: 'yes' },
      },
    };
    const configuration = { mutations: { 'inject-token': { presets: { shop: scheme }, triggers: ['shop'] } } };
    const keys = listKeysOfConfiguration(configure(configuration));
    expect([...keys]).toEqual(['shop.example/audience', 'shop.example/inject']);
    const account = toServiceAccountView(
      { metadata: { name: 'web', namespace: 'shop', annotations: { 'shop.example/audience': 'of-account' } } },
      keys,
    );
    const namespace = toNamespaceView({ metadata: { name: 'shop', labels: { 'shop.example/inject': 'yes' } } }, keys);
    if (account === undefined || namespace === undefined) throw new Error('both have names');
    const context: NonNullable<World['context']> = {
      serviceAccount: () => ({ state: 'found', value: account }),
      namespace: { state: 'found', value: namespace },
    };
    const { at } = inject(asking({}), { configuration, context });
    expect(at('spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'audience')).toBe('of-account');
  });

  it.each<[JsonObject, string]>([
    [
      { triggers: ['aws-isra'] },
      '/mutations/inject-token/triggers/0 "aws-isra" is no preset; did you mean "aws-irsa"?',
    ],
    [{ triggers: ['vault'] }, '/mutations/inject-token/triggers/0 preset "vault" has no trigger'],
    ...[{}, { skip: ['shop.example/skip'] }].map((trigger): [JsonObject, string] => [
      { presets: { shop: { ...own, trigger } }, triggers: ['shop'] },
      '/mutations/inject-token/triggers/0 preset "shop" has a trigger by which nothing asks; give it accountAnnotation, podLabel or namespaceLabel',
    ]),
    [
      { presets: { shop: { ...own, audience: '${audiance}' } } },
      '/mutations/inject-token/presets/shop has ${audiance}, which is no parameter of it; did you mean "audience"?',
    ],
    [
      { presets: { shop: { ...own, parameters: { ...own.parameters, audience: { isOptional: true } } } } },
      '/mutations/inject-token/presets/shop/audience has ${audience}, which is optional: without it the token would be one for the Kubernetes API; take isOptional away',
    ],
    [
      { triggers: ['alibaba-rrsa'] },
      '/mutations/inject-token/triggers/0 preset "alibaba-rrsa" needs roleArn and oidcProviderArn, and nothing gives accountId and oidcProvider; set them in presetParameters',
    ],
    [
      { triggers: ['alibaba-rrsa'], presetParameters: { 'alibaba-rrsa': { accountId: '1' } } },
      '/mutations/inject-token/triggers/0 preset "alibaba-rrsa" needs oidcProviderArn, and nothing gives oidcProvider; set it in presetParameters',
    ],
    [
      { presets: { shop: { ...own, parameters: { ...own.parameters, mountPath: {} } } } },
      '/mutations/inject-token/presets/shop/parameters/mountPath is a key of the annotation already; choose another name',
    ],
    [
      { presets: { shop: { ...own, volume: 'kube-api-access-x' } } },
      '/mutations/inject-token/presets/shop has a volume called kube-api-access-…',
    ],
    [
      { presets: { shop: { ...own, parameters: { a: { default: '${b}' }, b: {} } } } },
      '/mutations/inject-token/presets/shop/parameters/a/default has ${b}, which is no parameter before it',
    ],
    [
      { presets: { shop: { ...own, tokenFile: '${mountPath}/x' } } },
      '/mutations/inject-token/presets/shop/tokenFile has ${mountPath}, which is no parameter before it',
    ],
    [
      { presets: { shop: { ...own, parameters: { ...own.parameters, tokenFile: {} } } } },
      '/mutations/inject-token/presets/shop/parameters/tokenFile is filled in by Curfew; choose another name',
    ],
    [
      { presets: { shop: { ...own, credential: { annotation: 'a/b', volume: 'v', path: 'f', content: {} } } } },
      '/mutations/inject-token/presets/shop/credential has one of volume and mountPath; give both or neither',
    ],
    [
      { presets: { shop: { ...own, credential: { annotation: 'a/b', path: 'token', content: {} } } } },
      '/mutations/inject-token/presets/shop/credential/path is the file of the token; choose another name',
    ],
    [
      { triggers: ['azure', 'azure-v1-6'] },
      '/mutations/inject-token/triggers/1 preset "azure-v1-6" has the trigger of "azure"',
    ],
    [
      { presetParameters: { azur: { tenantId: 'x' } } },
      '/mutations/inject-token/presetParameters/azur "azur" is no preset; did you mean "azure"?',
    ],
    [
      { presetParameters: { azure: { tenant: 'x' } } },
      '/mutations/inject-token/presetParameters/azure/tenant "tenant" is no parameter of preset "azure"; did you mean "tenantId"?',
    ],
    [
      { presetParameters: { azure: { tenantId: 'a b' } } },
      '/mutations/inject-token/presetParameters/azure/tenantId "a b" is not allowed: must match pattern',
    ],
    [{ presets: { shop: { ...own, extra: 1 } } }, '/mutations/inject-token/presets/shop has the unknown key "extra"'],
  ])('with a mistake is told when the configuration is read: %j', (options, wanted) => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, mutations: { 'inject-token': options } });
    const lines = result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`);
    expect(lines.join('\n')).toContain(wanted);
  });

  it.each<[string, JsonObject]>([
    ['podLabel', { key: 'shop.example/use', value: 'yes' }],
    ['namespaceLabel', { key: 'shop.example/use', value: 'yes' }],
  ])('may be triggered by %s alone', (key, label) => {
    const preset = { ...own, trigger: { [key]: label } };
    const presets = new Map([['shop', preset]]);
    expect(listPresetProblems({ shop: preset }, { triggers: ['shop'], presets, reserved: [] })).toEqual([]);
  });

  it('may have content of any form', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (content) => {
        const credential = { annotation: 'a/b', volume: 'v', mountPath: '/v', path: 'f', content: { content } };
        const preset = { ...own, credential };
        expect(
          Array.isArray(listPresetProblems({ shop: preset }, { triggers: [], presets: new Map(), reserved: [] })),
        ).toBe(true);
      }),
    );
  });
});

describe('What the administrator gives to everybody', () => {
  const configuration = (presetParameters: JsonObject) => ({ mutations: { 'inject-token': { presetParameters } } });
  const audience = (world: World, value = '{preset: aws-irsa, roleArn: r}') =>
    inject(asking({ aws: value }), world).at(
      ...['spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'audience'],
    );

  it('wins over the preset, and loses to the service account and to the annotation', () => {
    const onAccount = { 'eks.amazonaws.com/audience': 'of-account' };
    const given = configuration({ 'aws-irsa': { audience: 'of-cluster' } });
    expect(audience({})).toBe('sts.amazonaws.com');
    expect(audience({ configuration: given })).toBe('of-cluster');
    expect(audience({ configuration: given, onAccount })).toBe('of-account');
    const asked = '{preset: aws-irsa, roleArn: r, audience: of-pod}';
    expect(audience({ configuration: given, onAccount }, asked)).toBe('of-pod');
  });

  it('is of one preset alone', () => {
    const { denial } = inject(asking({ azure: '{preset: azure}' }), {
      configuration: configuration({ 'azure-v1-6': { tenantId: 't' } }),
    });
    expect(denial).toContain('preset azure needs tenantId, and nothing gives it');
  });
});
