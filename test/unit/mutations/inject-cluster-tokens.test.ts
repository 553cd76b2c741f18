import { describe, expect, it } from 'vitest';
import { listSelfRefusals } from '../../../src/engine/self-refusals.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../../src/policy/configuration.ts';
import { configure } from '../judging.ts';
import { asking, inject, type World } from './injecting.ts';

const giving = (tokens: JsonObject, more: JsonObject = {}): World => ({
  configuration: { ...more, mutations: { 'inject-token': { tokens } } },
});

const VAULT = giving({ vault: { audience: 'vault', env: 'VAULT_TOKEN_PATH' } });

function audienceAndSeconds({ at, denial }: ReturnType<typeof inject>): unknown {
  expect(denial).toBe('');
  const token = at('spec', 'volumes', 0, 'projected', 'sources', 0, 'serviceAccountToken') as JsonObject | undefined;
  return token === undefined ? undefined : [token['audience'], token['expirationSeconds']];
}

describe('A token that the configuration gives to every pod', () => {
  it('is in a pod that asks for nothing, and the audit log says whence', () => {
    const outcome = inject(asking({}), VAULT);
    expect(audienceAndSeconds(outcome)).toEqual(['vault', 3600]);
    expect(outcome.auditAnnotations.get('mutate')).toContain('by configuration mutations.inject-token.tokens.vault');
    expect(inject(outcome.object, VAULT)).toMatchObject({ denial: '', patch: [] });
  });

  it.each<[string, JsonObject, World]>([
    ['pod', asking({ vault: '{audience: own}' }), {}],
    ['service account', asking({}), { onAccount: { 'tokens.curfew.dev/vault': '{audience: own}' } }],
    ['namespace', asking({}), { onNamespace: { 'tokens.curfew.dev/vault': '{audience: own}' } }],
  ])('gives way to what its %s says under that name', (_who, pod, world) => {
    expect(audienceAndSeconds(inject(pod, { ...VAULT, ...world }))).toEqual(['own', 3600]);
  });

  it.each<[string, JsonObject, World]>([
    ['pod', asking({ vault: 'off' }), {}],
    ['service account', asking({}), { onAccount: { 'tokens.curfew.dev/vault': 'off' } }],
    ['namespace', asking({}), { onNamespace: { 'tokens.curfew.dev/vault': 'off' } }],
  ])('is taken away by its %s', (_who, pod, world) => {
    expect(inject(pod, { ...VAULT, ...world }).patch).toEqual([]);
  });

  it('stands beside others that are asked for', () => {
    const { at } = inject(asking({ own: '{audience: own}' }), VAULT);
    expect([0, 1].map((index) => at('spec', 'volumes', index, 'name'))).toEqual([
      'curfew-token-own',
      'curfew-token-vault',
    ]);
  });

  it('keeps to what token-lifetime allows where the pod is, and refuses none for it', () => {
    const world = giving(
      { vault: { audience: 'vault', expiration: '12h' } },
      { levels: { enforce: 'restricted' }, checks: { 'token-lifetime': { audiences: { vault: 900 } } } },
    );
    expect(audienceAndSeconds(inject(asking({}), world))).toEqual(['vault', 900]);
    const long = giving({ vault: { audience: 'vault', expiration: '12h' } }, { levels: { enforce: 'baseline' } });
    expect(audienceAndSeconds(inject(asking({}), long))).toEqual(['vault', 43_200]);
  });

  it('is for the containers it names, and nobody is told that a pod has none of that name', () => {
    const { patch, warnings } = inject(asking({}), giving({ vault: { audience: 'vault', containers: ['agent'] } }));
    expect({ patch, warnings }).toEqual({ patch: [], warnings: [] });
  });

  it('refuses a pod in its way with the one way out that its author has', () => {
    const volumes = [{ name: 'curfew-token-vault', emptyDir: {} }];
    const { denial } = inject(asking({}, { volumes }), VAULT);
    expect(denial).toContain('and configuration mutations.inject-token.tokens.vault makes a volume of that name');
    expect(denial).toContain('Fix: annotate the pod with tokens.curfew.dev/vault: "off"\n');
    expect(inject(asking({ vault: 'off' }, { volumes }), VAULT).denial).toBe('');
  });

  it('is not for kube-system, an excluded namespace, or a pod without an account', () => {
    expect(inject(asking({}), { ...VAULT, in: 'kube-system' }).patch).toEqual([]);
    const excluded = giving({ vault: { audience: 'vault' } }, { excludedNamespaces: ['shop'] });
    expect(inject(asking({}), excluded).patch).toEqual([]);
    expect(inject(asking({}, { serviceAccountName: '' }), VAULT).patch).toEqual([]);
  });
});

describe('A configuration is refused', () => {
  const lines = (options: JsonObject) => {
    const result = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, mutations: { 'inject-token': options } });
    return result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`);
  };
  const at = '/mutations/inject-token/tokens/t';

  it.each<[JsonObject, string]>([
    [{ tokens: { t: {} } }, `${at} is wrong: it lacks the key "audience", or "preset" in its place`],
    [
      { tokens: { t: { audiance: 'x' } } },
      `${at} is wrong: it has the unknown key "audiance"; did you mean "audience"?`,
    ],
    [{ tokens: { t: { audience: 'x', expiration: 300 } } }, `${at} is wrong: expiration is 300; allowed: 600 to 86400`],
    [{ tokens: { t: { preset: 'valt' } } }, `${at} is wrong: preset "valt" is not known; did you mean "vault"?`],
    [
      { tokens: { t: { preset: 'aws-irsa' } } },
      `${at} needs roleArn for preset "aws-irsa", and not every service account gives roleArn; set it here or in presetParameters`,
    ],
    [
      { tokens: { t: { preset: 'alibaba-rrsa', roleName: 'web' } } },
      `${at} needs roleArn and oidcProviderArn for preset "alibaba-rrsa", and not every service account gives accountId and oidcProvider`,
    ],
  ])('whose token would refuse every pod: %j', (options, wanted) => {
    expect(lines(options).join('\n')).toContain(wanted);
  });

  it('not where all that the preset needs is given', () => {
    expect(lines({ tokens: { t: { preset: 'vault' } } })).toEqual([]);
    expect(lines({ tokens: { t: { preset: 'aws-irsa', roleArn: 'arn:x' } } })).toEqual([]);
    const presetParameters = { 'alibaba-rrsa': { accountId: '1', oidcProvider: 'ack' } };
    expect(lines({ tokens: { t: { preset: 'alibaba-rrsa', roleName: 'web' } }, presetParameters })).toEqual([]);
  });

  it('whose token its own checks refuse, or its own tokens each other', () => {
    const refusals = (tokens: JsonObject) =>
      listSelfRefusals(
        configure({
          levels: { enforce: 'restricted' },
          checks: { 'token-audience': { allowed: ['vault'] } },
          mutations: { 'inject-token': { tokens } },
        }),
      );
    expect(refusals({ vault: { audience: 'vault' } })).toEqual([]);
    expect(refusals({ other: { audience: 'other' } })).toEqual([
      { path: '/mutations', problem: expect.stringContaining('is refused by token-audience: ') },
    ]);
    expect(
      refusals({ a: { audience: 'vault', mountPath: '/x' }, b: { audience: 'vault', mountPath: '/x/y' } }),
    ).toEqual([
      { path: '/mutations', problem: expect.stringMatching(/^refuse "[^"]*" by inject-token: container app mounts/) },
    ]);
  });
});
