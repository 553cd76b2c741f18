import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { KUMA_INJECT, SCHEME_KEYS } from '../../../src/objects/injection-keys.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, valueAt } from '../../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import { fillIn } from '../../../src/presets/format.ts';
import { BUILT_IN_PRESETS } from '../../../src/presets/registry.ts';
import { listSchemeKeys } from '../../../src/presets/scheme-keys.ts';
import { fc } from '../../properties.ts';
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
    expect(new Set([...keys, KUMA_INJECT])).toEqual(new Set(SCHEME_KEYS));
  });

  it('of Curfew’s own is one that an administrator could write', () => {
    const presets = Object.fromEntries(BUILT_IN_PRESETS) as unknown as JsonObject;
    const triggers = ['aws-irsa', 'azure', 'gcp', 'alibaba-rrsa', 'tencent', 'volcengine', 'stackit'];
    const presetParameters = { 'alibaba-rrsa': { accountId: '1', oidcProvider: 'ack-rrsa-c' } };
    const result = readConfiguration({
      ...EMPTY_CONFIGURATION_FILE,
      mutations: { 'inject-token': { presets, triggers, presetParameters } },
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

  it('give way to another preset of the scheme that is asked for, and to off', () => {
    const labelled = (tokens: Readonly<Record<string, string>>) =>
      asking(tokens, {}, { labels: { 'azure.workload.identity/use': 'true' } });
    const newer = '{preset: azure-v1-6}';
    expect(volumes({ onAccount: AZURE }, labelled({ login: newer }))).toEqual(['azure-workload-identity']);
    expect(inject(labelled({ login: newer }), { configuration, onAccount: AZURE })).toMatchObject({ denial: '' });
    const google = { 'cloud.google.com/workload-identity-provider': 'p' };
    expect(volumes({ onAccount: google }, asking({ g: '{preset: gcp-docs}' }))).toEqual([
      'token',
      'workload-identity-credential-configuration',
    ]);
    expect(volumes({ onAccount: role }, asking({ 'aws-irsa': 'off' }))).toEqual([]);
    expect(volumes({ onAccount: { ...role, 'tokens.curfew.dev/aws-irsa': 'off' } })).toEqual([]);
    expect(volumes({ onAccount: role }, asking({ aws: 'off' }))).toEqual(['aws-iam-token']);
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

  it.each<[string, World]>([
    ['its service account', { onAccount: { 'eks.amazonaws.com/skip-containers': 'b' } }],
    ['its namespace', { onNamespace: { 'eks.amazonaws.com/skip-containers': 'b' } }],
  ])('leave out the containers that %s names, where the pod names none', (_who, world) => {
    const containers = ['a', 'b'].map((name) => ({ name, image: 'registry.example/web:1' }));
    const mounted = (onPod: JsonObject) => {
      const pod = asking({ aws: '{preset: aws-irsa, roleArn: r}' }, { containers }, { annotations: onPod });
      const { at } = inject(pod, world);
      return [0, 1].filter((index) => at('spec', 'containers', index, 'volumeMounts') !== undefined);
    };
    expect(mounted({})).toEqual([0]);
    expect(mounted({ 'eks.amazonaws.com/skip-containers': 'a' })).toEqual([1]);
    expect(mounted({ 'eks.amazonaws.com/skip-containers': '' })).toEqual([0, 1]);
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

describe('A preset whose audience the cluster decides', () => {
  it.each([
    'azure',
    'azure-v1-6',
    'alibaba-rrsa',
    'aws-pod-identity',
    'ibm',
    'volcengine',
    'stackit',
    'tencent',
    'gcp',
  ])('%s', (preset) => {
    const { value = '', onAccount = {} } = CASES.find((one) => one.preset === preset) ?? {};
    const audienceOf = (given: JsonObject, asked = value) => {
      const configuration = { mutations: { 'inject-token': { presetParameters: { [preset]: given } } } };
      const { at, denial } = inject(asking({ t: asked }), { configuration, onAccount });
      expect(denial).toBe('');
      return at('spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken', 'audience');
    };
    expect(audienceOf({ audience: 'neutral' })).toBe('neutral');
    expect(audienceOf({ audience: 'neutral' }, value.replace('}', ', audience: own}'))).toBe('own');
    expect(audienceOf({})).not.toBe('neutral');
  });
});
