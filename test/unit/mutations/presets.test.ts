import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SCHEME_KEYS } from '../../../src/objects/injection-keys.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, valueAt } from '../../../src/objects/json.ts';
import { toNamespaceView, toServiceAccountView } from '../../../src/objects/views.ts';
import {
  EMPTY_CONFIGURATION_FILE,
  listSchemeKeys as listKeysOfConfiguration,
  readConfiguration,
} from '../../../src/policy/configuration.ts';
import { fillIn } from '../../../src/presets/format.ts';
import { listPresetProblems } from '../../../src/presets/problems.ts';
import { BUILT_IN_PRESETS } from '../../../src/presets/registry.ts';
import { listSchemeKeys } from '../../../src/presets/scheme-keys.ts';
import { configure } from '../judging.ts';
import { asking, inject, type World } from './injecting.ts';

const ROLE = 'arn:aws:iam::111122223333:role/web';
const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/pool/providers/provider';
const AZURE = {
  'azure.workload.identity/client-id': '11111111-1111-4111-8111-111111111111',
  'azure.workload.identity/tenant-id': '22222222-2222-4222-8222-222222222222',
};
const STACKIT = { 'workload-identity.stackit.cloud/service-account-email': 'web@sa.stackit.cloud' };

/** How each preset is asked for, and what of its scheme is on the service account. */
const CASES: readonly { readonly preset: string; readonly value: string; readonly onAccount?: JsonObject }[] = [
  {
    preset: 'aws-irsa',
    value: '{preset: aws-irsa, region: eu-west-1}',
    onAccount: { 'eks.amazonaws.com/role-arn': ROLE },
  },
  { preset: 'aws-pod-identity', value: '{preset: aws-pod-identity}' },
  { preset: 'azure', value: '{preset: azure}', onAccount: AZURE },
  { preset: 'azure-v1-6', value: '{preset: azure-v1-6}', onAccount: AZURE },
  {
    preset: 'gcp',
    value: '{preset: gcp, project: shop}',
    onAccount: {
      'cloud.google.com/workload-identity-provider': PROVIDER,
      'cloud.google.com/service-account-email': 'web@shop.iam.gserviceaccount.com',
    },
  },
  { preset: 'gcp-docs', value: `{preset: gcp-docs, provider: ${PROVIDER}}` },
  {
    preset: 'gcp-fleet',
    value:
      '{preset: gcp-fleet, pool: shop.svc.id.goog, identityProvider: "https://gkehub.googleapis.com/projects/shop/locations/global/memberships/web"}',
  },
  {
    preset: 'alibaba-rrsa',
    value: '{preset: alibaba-rrsa, roleArn: "acs:ram::1:role/web", oidcProviderArn: "acs:ram::1:oidc-provider/ack"}',
  },
  {
    preset: 'tencent',
    value: '{preset: tencent, region: ap-guangzhou, providerId: cls-1}',
    onAccount: { 'tke.cloud.tencent.com/role-arn': 'qcs::cam::uin/1:roleName/web' },
  },
  {
    preset: 'volcengine',
    value: '{preset: volcengine}',
    onAccount: { 'vke.volcengine.com/role-trn': 'trn:iam::1:role/web' },
  },
  { preset: 'stackit', value: '{preset: stackit}', onAccount: STACKIT },
  { preset: 'ibm', value: '{preset: ibm}' },
  { preset: 'conjur', value: '{preset: conjur}' },
  { preset: 'teleport', value: '{preset: teleport, clusterName: teleport.example.com}' },
  { preset: 'vault', value: '{preset: vault}' },
];

describe('A preset', () => {
  it.each(CASES)('$preset makes the pod of its golden file', async ({ preset, value, onAccount = {} }) => {
    const pod = asking({ token: value }, { initContainers: [{ name: 'setup', image: 'registry.example/setup:1' }] });
    const { denial, warnings, patch, object } = inject(pod, { onAccount });
    expect(denial).toBe('');
    const bytes = JSON.stringify(patch).length;
    const text = stringify(
      { asked: value, operations: patch.length, bytes, warnings, pod: object, patch },
      { lineWidth: 0, aliasDuplicateObjects: false },
    );
    await expect(text).toMatchFileSnapshot(`../../golden/injections/${preset}.yaml`);
    expect(inject(object, { onAccount }).patch).toEqual([]);
  });

  it('of each name has such a file', () => {
    expect(CASES.map(({ preset }) => preset)).toEqual([...BUILT_IN_PRESETS.keys()]);
  });

  it('reads no key of an account or a namespace that the index drops', () => {
    const keys = [...BUILT_IN_PRESETS.values()].flatMap(listSchemeKeys);
    expect(new Set(keys)).toEqual(new Set(SCHEME_KEYS));
  });

  it('of Curfew’s own is one that an administrator could write', () => {
    const presets = Object.fromEntries(BUILT_IN_PRESETS) as unknown as JsonObject;
    const triggers = ['aws-irsa', 'azure', 'gcp', 'alibaba-rrsa', 'tencent', 'volcengine', 'stackit'];
    const result = readConfiguration({
      ...EMPTY_CONFIGURATION_FILE,
      mutations: { 'inject-token': { presets, triggers } },
    });
    expect(result).toMatchObject({ ok: true });
  });

  it('is filled in once, and never again in what was filled in', () => {
    const value = fc.string();
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(
          fillIn(
            '<${a}|${b}>',
            new Map([
              ['a', `\${b}${a}`],
              ['b', b],
            ]),
          ),
        ).toBe(`<\${b}${a}|${b}>`);
      }),
    );
    expect(fillIn('${a}${missing}', new Map([['a', '1']]))).toBeUndefined();
  });
});

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
    [
      { presets: { shop: { ...own, audience: '${audiance}' } } },
      '/mutations/inject-token/presets/shop has ${audiance}, which is no parameter of it; did you mean "audience"?',
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

describe('What a scheme can be asked for and Curfew does not do', () => {
  it('is told, and the token is there', () => {
    const onAccount = { 'cloud.google.com/injection-mode': 'gcloud' };
    const { warnings, at } = inject(asking({ gcp: '{preset: gcp, provider: p}' }), { onAccount });
    expect(warnings).toEqual([
      'curfew inject-token: token gcp: annotation cloud.google.com/injection-mode: the command gcloud is not set up; clients read GOOGLE_APPLICATION_CREDENTIALS as in mode direct',
    ]);
    expect(at('spec', 'volumes', 0, 'name')).toBe('gcp-iam-token');
    const direct = { 'cloud.google.com/injection-mode': 'direct' };
    expect(inject(asking({ gcp: '{preset: gcp, provider: p}' }), { onAccount: direct }).warnings).toEqual([]);
  });

  it('is refused where the pod would wait for it', () => {
    const annotations = { 'azure.workload.identity/inject-proxy-sidecar': '' };
    const pod = asking({ azure: '{preset: azure}' }, {}, { annotations });
    expect(inject(pod, { onAccount: AZURE }).denial).toContain(
      'annotation azure.workload.identity/inject-proxy-sidecar: Curfew adds no proxy to pods',
    );
    const elsewhere = { ...AZURE, ...annotations };
    expect(inject(asking({ azure: '{preset: azure}' }), { onAccount: elsewhere }).denial).toBe('');
  });
});

describe('A file that a parameter names', () => {
  const asked = (more: string) => asking({ s: `{preset: stackit, serviceAccountEmail: a@b.example${more}}` });

  it.each(['/token', 'token', '/a/../token', '/a/token/', '//a/token'])('is refused: %s', (file) => {
    expect(inject(asked(`, federatedTokenFile: ${file}`)).denial).toContain(
      `the file of the token is to be "${file}"; allowed: an absolute path in a directory`,
    );
  });

  it('gives way to mountPath and path of the annotation', () => {
    const { at } = inject(asked(', federatedTokenFile: /a/b/c, mountPath: /x, path: y'));
    expect(at('spec', 'containers', 0, 'env', 1)).toEqual({ name: 'STACKIT_FEDERATED_TOKEN_FILE', value: '/x/y' });
  });

  it('cannot be the credential file', () => {
    const fleet = '{preset: gcp-fleet, pool: p, identityProvider: i, path: google-application-credentials.json}';
    expect(inject(asking({ fleet })).denial).toContain(
      'path is "google-application-credentials.json", which is the credential file of preset gcp-fleet',
    );
  });
});

describe('The annotations of a scheme', () => {
  const triggers = ['aws-irsa', 'azure', 'gcp', 'stackit'];
  const configuration = { mutations: { 'inject-token': { triggers } } };
  const volumes = (world: World, pod = asking({})) =>
    asArray(valueAt(inject(pod, { configuration, ...world }).object, ['spec', 'volumes'])).map((one) =>
      valueAt(one, ['name']),
    );
  const role = { 'eks.amazonaws.com/role-arn': ROLE };
  const seconds = (world: World, pod = asking({})) =>
    inject(pod, { configuration, ...world }).at(
      'spec',
      'volumes',
      0,
      'projected',
      'sources',
      0,
      'serviceAccountToken',
      'expirationSeconds',
    );

  it('ask for its token only where the configuration says so', () => {
    expect(volumes({ onAccount: role, configuration: {} })).toEqual([]);
    expect(volumes({ onAccount: role })).toEqual(['aws-iam-token']);
    expect(volumes({ onAccount: { 'eks.amazonaws.com/role-arn': '' } })).toEqual([]);
    expect(volumes({ onAccount: STACKIT })).toEqual(['stackit-workload-identity']);
    expect(volumes({ onAccount: AZURE })).toEqual([]);
    const labelled = asking({}, {}, { labels: { 'azure.workload.identity/use': 'true' } });
    expect(volumes({ onAccount: AZURE }, labelled)).toEqual(['azure-identity-token']);
  });

  it('ask once, also where ours does too', () => {
    expect(volumes({ onAccount: role }, asking({ aws: '{preset: aws-irsa}' }))).toEqual(['aws-iam-token']);
    expect(volumes({ onAccount: role }, asking({ azure: '{audience: x}' }))).toEqual([
      'curfew-token-azure',
      'aws-iam-token',
    ]);
  });

  it('are skipped where the scheme skips', () => {
    const skipped = asking({}, {}, { labels: { 'eks.amazonaws.com/skip-pod-identity-webhook': '' } });
    expect(volumes({ onAccount: role }, skipped)).toEqual([]);
    const key = 'workload-identity.stackit.cloud/skip-pod-identity-webhook';
    expect(volumes({ onAccount: STACKIT, namespaceLabels: { [key]: 'true' } })).toEqual([]);
    expect(volumes({ onAccount: { ...STACKIT, [key]: 'true' } })).toEqual([]);
  });

  it('leave out the containers that they name, by the separator of the scheme', () => {
    const mounted = (annotations: JsonObject, world: World) => {
      const containers = ['a', 'b', 'c'].map((name) => ({ name, image: 'registry.example/web:1' }));
      const labels = { 'azure.workload.identity/use': 'true' };
      const { at } = inject(asking({}, { containers }, { annotations, labels }), { configuration, ...world });
      return [0, 1, 2].filter((index) => at('spec', 'containers', index, 'volumeMounts') !== undefined);
    };
    expect(mounted({ 'azure.workload.identity/skip-containers': 'a; b' }, { onAccount: AZURE })).toEqual([2]);
    const aws = { ...AZURE, ...role };
    const both = { 'eks.amazonaws.com/skip-containers': 'a, c', 'azure.workload.identity/skip-containers': 'a;c' };
    expect(mounted(both, { onAccount: aws })).toEqual([1]);
  });

  it.each<[string, string | undefined, number]>([
    ['the pod over the account', '1200', 1200],
    ['the account', undefined, 900],
    ['too short: raised', '60', 600],
    ['too long: cut to the limit', '999999', 86_400],
    ['not a number: that of the account', 'long', 900],
    ['3607: an hour', '3607', 3600],
  ])('give the lifetime of AWS: %s', (_what, onPod, wanted) => {
    const key = 'eks.amazonaws.com/token-expiration';
    const pod = asking({}, {}, { annotations: onPod === undefined ? {} : { [key]: onPod } });
    expect(seconds({ onAccount: { ...role, [key]: '900' } }, pod)).toBe(wanted);
  });

  it('that Azure’s webhook refuses are refused', () => {
    const key = 'azure.workload.identity/service-account-token-expiration';
    const labels = { 'azure.workload.identity/use': 'true' };
    const denial = (value: string) =>
      inject(asking({}, {}, { labels, annotations: { [key]: value } }), { configuration, onAccount: AZURE }).denial;
    expect(denial('600')).toContain(
      `  inject-token at /metadata/labels/azure.workload.identity~1use\n    label azure.workload.identity/use of the pod: annotation ${key} is "600"; allowed: 3600 to 86400 seconds`,
    );
    expect(denial('7200')).toBe('');
  });

  it('of a scheme that takes no less than the administrator allows are refused', () => {
    const mutations = { 'inject-token': { maxExpirationSeconds: 1200 } };
    const { denial } = inject(asking({ az: '{preset: azure}' }), { configuration: { mutations }, onAccount: AZURE });
    expect(denial).toContain('preset azure takes no less than 3600 s, and the administrator’s limit is 1200 s');
  });

  it('are told to be wrong where they cannot go into a variable', () => {
    const { denial } = inject(asking({}), { configuration, onAccount: { 'eks.amazonaws.com/role-arn': 'a\nb"$(X)' } });
    expect(denial).toContain(
      'annotation eks.amazonaws.com/role-arn of service account shop/web is "a b"$(X)"; allowed: at most 512',
    );
  });
});
