import { describe, expect, it } from 'vitest';
import { asString } from '../../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import { asking, inject } from '../mutations/injecting.ts';

describe('The credential file of Google’s presets', () => {
  const credentialOf = (value: string, annotation: string) => {
    const { at, denial } = inject(asking({ t: value }));
    expect(denial).toBe('');
    return JSON.parse(asString(at('metadata', 'annotations', annotation)) ?? '');
  };
  const CREDENTIALS: readonly (readonly [string, string, string])[] = [
    ['gcp', 'provider: p', 'cloud.google.com/external-credentials-json'],
    ['gcp-docs', 'provider: p', 'curfew.dev/gcp-credential-configuration'],
    ['gcp-fleet', 'pool: p, identityProvider: i', 'curfew.dev/gcp-fleet-credentials'],
  ];

  it.each(CREDENTIALS)(
    'of %s names the quota project and the lifetime, which is a number',
    (preset, given, annotation) => {
      const more = 'serviceAccountEmail: a@b.example, quotaProject: shop';
      for (const seconds of ['7200', '"7200"']) {
        const value = `{preset: ${preset}, ${given}, ${more}, impersonationSeconds: ${seconds}}`;
        expect(credentialOf(value, annotation)).toMatchObject({
          quota_project_id: 'shop',
          service_account_impersonation: { token_lifetime_seconds: 7200 },
        });
      }
    },
  );

  it.each(CREDENTIALS)('of %s says nothing of what nobody gave', (preset, given, annotation) => {
    const credential = credentialOf(`{preset: ${preset}, ${given}}`, annotation);
    expect(Object.keys(credential).toSorted()).toEqual([
      'audience',
      'credential_source',
      'subject_token_type',
      'token_url',
      'type',
    ]);
  });

  it('is not made of a lifetime that is no number', () => {
    const asked = '{preset: gcp, provider: p, impersonationSeconds: 2h}';
    expect(inject(asking({ t: asked })).denial).toContain('impersonationSeconds is "2h"; allowed: a number');
    const presetParameters = { gcp: { impersonationSeconds: '2h' } };
    const result = readConfiguration({
      ...EMPTY_CONFIGURATION_FILE,
      mutations: { 'inject-token': { presetParameters } },
    });
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { path: '/mutations/inject-token/presetParameters/gcp/impersonationSeconds', problem: '"2h" is no number' },
      ],
    });
    const annotated = { annotation: 'shop.example/n', isNumber: true };
    const own = { volume: 'own', mountPath: '/own', audience: 'own', parameters: { n: annotated } };
    const { denial } = inject(asking({ t: '{preset: own}' }), {
      configuration: { mutations: { 'inject-token': { presets: { own } } } },
      serviceAccount: {
        state: 'found',
        value: {
          namespace: 'shop',
          name: 'web',
          automount: undefined,
          annotations: new Map([['shop.example/n', '2h']]),
        },
      },
    });
    expect(denial).toContain('preset own has "2h" for n; allowed: a number');
  });
});
