import { describe, expect, it } from 'vitest';
import { findForeignWebhooks } from '../../../src/injection/stand-back.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, valueAt } from '../../../src/objects/json.ts';
import type { Lookup } from '../../../src/objects/views.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import { BUILT_IN_PRESETS } from '../../../src/presets/registry.ts';
import { asking, inject } from './injecting.ts';

const AWS = 'pod-identity-webhook';
const ROLE = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web' };
const AZURE = { 'azure.workload.identity/tenant-id': '22222222-2222-4222-8222-222222222222' };

type Case = {
  readonly options?: JsonObject;
  readonly onAccount?: JsonObject;
  readonly names?: Lookup<readonly string[]>;
};

/** A pod with the volumes that it gets, and what is said of it. */
function injectBeside(webhooks: readonly string[], pod: JsonObject = asking({}), more: Case = {}) {
  const { options = { triggers: ['aws-irsa', 'azure'] }, onAccount = ROLE } = more;
  const mutatingWebhooks = more.names ?? ({ state: 'found', value: webhooks } as const);
  const { object, warnings, denial, auditAnnotations, patch } = inject(pod, {
    configuration: { mutations: { 'inject-token': options } },
    onAccount,
    context: { mutatingWebhooks },
  });
  return {
    volumes: asArray(valueAt(object, ['spec', 'volumes'])).map((one) => valueAt(one, ['name'])),
    object,
    patch,
    warnings,
    denial,
    note: auditAnnotations.get('note'),
  };
}

describe('A preset that the scheme’s own annotations ask for', () => {
  it('leaves the pod to the webhook of its scheme, and says so in the audit log alone', () => {
    expect(injectBeside([])).toMatchObject({ volumes: ['aws-iam-token'], note: undefined });
    expect(injectBeside([AWS])).toMatchObject({
      patch: [],
      warnings: [],
      denial: '',
      note: 'inject-token: preset aws-irsa stands back: annotation eks.amazonaws.com/role-arn of service account shop/web is served by MutatingWebhookConfiguration pod-identity-webhook',
    });
  });

  it('is not concerned by the webhooks of other schemes', () => {
    const others = ['azure-wi-webhook-mutating-webhook-configuration', 'stackit-pod-identity-webhook', 'istio'];
    expect(injectBeside(others)).toMatchObject({ volumes: ['aws-iam-token'], note: undefined });
    const labelled = asking({}, {}, { labels: { 'azure.workload.identity/use': 'true' } });
    expect(injectBeside([AWS], labelled, { onAccount: { ...ROLE, ...AZURE } }).volumes).toEqual([
      'azure-identity-token',
    ]);
  });

  it('injects all the same where the configuration says so', () => {
    const options = { triggers: ['aws-irsa'], besideForeignWebhooks: ['aws-irsa'] };
    expect(injectBeside([AWS], asking({}), { options })).toMatchObject({ volumes: ['aws-iam-token'], note: undefined });
  });

  it('leaves other tokens as they are', () => {
    expect(injectBeside([AWS], asking({ vault: '{audience: vault}' })).volumes).toEqual(['curfew-token-vault']);
  });

  it('injects where nobody knows, and says that', () => {
    const names = { state: 'unknown', why: 'no right' } as const;
    expect(injectBeside([], asking({}), { names })).toMatchObject({
      volumes: ['aws-iam-token'],
      note: 'inject-token: preset aws-irsa injects, not knowing whether a webhook of its scheme is registered: no right',
    });
    expect(injectBeside([], asking({}), { names: { state: 'absent' } }).note).toBe(
      'inject-token: preset aws-irsa injects, not knowing whether a webhook of its scheme is registered: there is no such list',
    );
    // Of a preset that never stands back there is nothing to know.
    const own = {
      volume: 'shop',
      mountPath: '/shop',
      audience: 'shop',
      trigger: { accountAnnotation: 'curfew.dev/shop' },
    };
    const options = { triggers: ['shop'], presets: { shop: own } };
    const onAccount = { 'curfew.dev/shop': 'yes' };
    expect(injectBeside([], asking({}), { names, options, onAccount })).toMatchObject({
      volumes: ['shop'],
      note: undefined,
    });
  });

  it('does not take out what an earlier round put in, whatever was registered since', () => {
    const { object } = injectBeside([]);
    expect(injectBeside([AWS], object)).toMatchObject({ patch: [], note: undefined, volumes: ['aws-iam-token'] });
  });
});

describe('A record that the author wrote', () => {
  const onAccount = { 'workload-identity.stackit.cloud/service-account-email': 'a@b.example' };
  const options = { triggers: ['stackit'] };
  const STACKIT = 'stackit-pod-identity-webhook';

  it.each([
    '{"preset/stackit":{}}',
    '{"preset/stackit":{"volumes":[]}}',
    '{"preset/stackit":{"volumes":["stackit-workload-identity"]}}',
  ])('does not make Curfew inject beside the webhook of the scheme: %s', (record) => {
    const pod = asking({}, {}, { annotations: { 'curfew.dev/injected': record } });
    expect(injectBeside([STACKIT], pod, { options, onAccount })).toMatchObject({
      volumes: [],
      denial: '',
      note: expect.stringContaining('preset stackit stands back') as string,
    });
    expect(injectBeside([], pod, { options, onAccount }).volumes).toEqual(['stackit-workload-identity']);
  });
});

describe('A preset that our annotation asks for', () => {
  const asked = asking({ aws: '{preset: aws-irsa}' });
  const WARNING =
    'curfew inject-token: annotation tokens.curfew.dev/aws of the pod and annotation eks.amazonaws.com/role-arn of service account shop/web, which is served by MutatingWebhookConfiguration pod-identity-webhook, ask for the same token; take one of them away';

  it('is injected, and its author told that the other webhook is asked too', () => {
    expect(injectBeside([AWS], asked)).toMatchObject({ volumes: ['aws-iam-token'], denial: '', warnings: [WARNING] });
    expect(injectBeside([AWS], asked, { options: {} })).toMatchObject({ warnings: [WARNING] });
    expect(injectBeside([AWS, 'my-aws-pod-identity-webhook'], asked).warnings[0]).toContain(
      'which is served by MutatingWebhookConfigurations pod-identity-webhook, my-aws-pod-identity-webhook, ask',
    );
  });

  it.each<[string, JsonObject, Case & { readonly webhooks?: readonly string[] }]>([
    [
      'the scheme asks for nothing',
      asking({ aws: '{preset: aws-irsa, roleArn: "arn:aws:iam::111122223333:role/web"}' }),
      { onAccount: {} },
    ],
    [
      'the scheme skips the pod',
      asking({ aws: '{preset: aws-irsa}' }, {}, { labels: { 'eks.amazonaws.com/skip-pod-identity-webhook': '' } }),
      {},
    ],
    ['the configuration wants both', asked, { options: { besideForeignWebhooks: ['aws-irsa'] } }],
    ['no such webhook is registered', asked, { webhooks: ['vault-agent-injector-cfg'] }],
    ['nobody knows', asked, { names: { state: 'unknown', why: 'no right' } }],
  ])('is injected without a word where %s', (_why, pod, { webhooks = [AWS], ...more }) => {
    expect(injectBeside(webhooks, pod, more)).toMatchObject({
      volumes: ['aws-iam-token'],
      denial: '',
      warnings: [],
      note: undefined,
    });
  });
});

describe('A preset of the administrator’s that has webhooks beside it, asked for by our annotation', () => {
  it.each<[string, JsonObject]>([
    ['nothing else asks for', {}],
    ['a trigger could only leave out', { trigger: { skip: ['curfew.dev/no-shop'] } }],
  ])('is injected without a word where %s', (_what, more) => {
    const { trigger: _, ...preset } = own(['shop-webhook']).presets.shop;
    const options = { presets: { shop: { ...preset, ...more } } };
    expect(injectBeside(['shop-webhook'], asking({ a: '{preset: shop}' }), { options })).toMatchObject({
      volumes: ['shop'],
      warnings: [],
      note: undefined,
    });
  });
});

describe('The foreign webhooks of a preset', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    [
      'aws-irsa',
      [
        'pod-identity-webhook',
        'amazon-eks-pod-identity-webhook',
        'eks-pod-identity-webhook',
        'x-aws-pod-identity-webhook',
      ],
      ['stackit-pod-identity-webhook', 'ack-pod-identity-webhook', 'my-pod-identity-webhook', 'pod-identity-webhook-2'],
    ],
    ['aws-pod-identity', ['pod-identity-webhook'], ['azure-wi-webhook-mutating-webhook-configuration']],
    ['azure', ['azure-wi-webhook-mutating-webhook-configuration'], ['pod-identity-webhook', 'azure-wi-webhook']],
    [
      'gcp',
      [
        'gcp-workload-identity-federation-webhook-mutating-webhook-configuration',
        'prod-gcp-workload-identity-federation-webhook',
      ],
      ['pod-identity-webhook'],
    ],
    ['gcp-docs', ['gcp-workload-identity-federation-webhook-mutating-webhook-configuration'], []],
    ['alibaba-rrsa', ['ack-pod-identity-webhook'], ['pod-identity-webhook']],
    ['stackit', ['stackit-pod-identity-webhook'], ['pod-identity-webhook']],
    // It consumes a token and adds none.
    ['vault', [], ['vault-agent-injector-cfg']],
  ])('%s are known by name', (preset, theirs, others) => {
    const known = BUILT_IN_PRESETS.get(preset) ?? {};
    expect(findForeignWebhooks(known, [...theirs, ...others])).toEqual(theirs);
  });

  it.each<[JsonObject, string]>([
    [
      { besideForeignWebhooks: ['aws-isra'] },
      '/mutations/inject-token/besideForeignWebhooks/0 "aws-isra" is no preset; did you mean "aws-irsa"?',
    ],
    [
      { besideForeignWebhooks: ['vault'] },
      '/mutations/inject-token/besideForeignWebhooks/0 preset "vault" names no foreignWebhooks, so it never stands back',
    ],
    [own(['*']), '/mutations/inject-token/presets/shop/foreignWebhooks/0 "*" '],
    [own(['shop(a|b)+']), '/mutations/inject-token/presets/shop/foreignWebhooks/0 "shop(a|b)+" '],
    [own([]), '/mutations/inject-token/presets/shop/foreignWebhooks '],
  ])('are told to be wrong when the configuration is read: %j', (options, wanted) => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, mutations: { 'inject-token': options } });
    const lines = result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`);
    expect(lines.join('\n')).toContain(wanted);
  });

  it('of an administrator’s preset work as ours', () => {
    const { presets } = own(['shop-*', '?-shop']);
    const options = { presets, triggers: ['shop'] };
    const onAccount = { 'curfew.dev/shop': 'yes' };
    const volumes = (...webhooks: readonly string[]) =>
      injectBeside(webhooks, asking({}), { options, onAccount }).volumes;
    expect(volumes('shop', 'my-shop')).toEqual(['shop']);
    expect(volumes('shop-injector')).toEqual([]);
    expect(volumes('a-shop')).toEqual([]);
  });
});

function own(foreignWebhooks: readonly string[]) {
  const trigger = { accountAnnotation: 'curfew.dev/shop' };
  return { presets: { shop: { volume: 'shop', mountPath: '/shop', audience: 'shop', trigger, foreignWebhooks } } };
}
