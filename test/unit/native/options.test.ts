import { describe, expect, it } from 'vitest';
import type { NativeOptions } from '../../../src/native/native-options.ts';
import { renderPolicies } from '../../../src/native/render-policies.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../../../src/objects/json.ts';
import { configure } from '../judging.ts';

type Setting = { readonly apiAudiences?: readonly string[] } & Partial<
  Pick<NativeOptions, 'level' | 'minor' | 'engine' | 'nodeTokens' | 'now' | 'ownNamespace'>
>;

function renderAll(keys: JsonObject, { apiAudiences = ['https://api.example'], ...setting }: Setting = {}) {
  return renderPolicies({
    configuration: configure(keys),
    cluster: { apiAudiences, issuers: [] },
    ownNamespace: 'curfew-system',
    level: undefined,
    now: 0,
    minor: 37,
    engine: 'native',
    nodeTokens: 'off',
    ...setting,
  });
}

/** Every policy for a configuration, as JSON by its name. */
function render(keys: JsonObject, setting: Setting = {}) {
  const { objects } = renderAll(keys, setting);
  const policies = objects.filter(({ kind }) => asString(kind)?.endsWith('Binding') !== true);
  return new Map(
    policies.map((policy) => [asString(valueAt(policy, ['metadata', 'name'])) ?? '', JSON.stringify(policy)]),
  );
}

function textOf(policies: ReadonlyMap<string, string>, rule: string): string {
  return [...policies].flatMap(([name, text]) => (name.startsWith(rule) ? [text] : [])).join('\n');
}

describe('Native policies take over what the configuration says', () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ['token-audience', { checks: { 'token-audience': { allowed: ['vault-audience'] } } }, ['vault-audience']],
    [
      'token-lifetime',
      { checks: { 'token-lifetime': { audiences: { 'own-audience': 1_234 } } } },
      ['own-audience', '1234'],
    ],
    [
      'token-request-lifetime',
      {
        checks: {
          'token-request-lifetime': { audiences: { 'own-audience': 1_234 }, maxSeconds: { restricted: 2_345 } },
        },
      },
      ['own-audience', '1234', '2345'],
    ],
    [
      'token-request-audience',
      { checks: { 'token-request-audience': { allowed: ['own-audience'] } } },
      ['own-audience'],
    ],
    ['token-request-binding', { checks: { 'token-request-binding': { unboundMaxSeconds: 1_234 } } }, ['1234']],
    ['', { mutations: { 'short-lived-api-token': { namespaces: { shop: 1_234 } } } }, ['1234']],
    ['', { checks: { 'token-lifetime': { audiences: { 'own-audience': 1_234 } } } }, ['own-audience', '1234']],
  ])('for "%s" with %j', (rule, keys, parts) => {
    const text = textOf(render({ ...keys, mutateMode: 'apply' }), rule);
    const before = textOf(render({ mutateMode: 'apply' }), rule);
    for (const part of parts) {
      expect(text).toContain(part);
      expect(before).not.toContain(part);
    }
  });

  it('for pods that ask for a token, which are left to the webhook while it injects', () => {
    const textWith = (mode: string) =>
      textOf(render({ mutateMode: 'apply', mutations: { 'inject-token': { mode } } }), 'pods.mutate');
    const asked = 'k.startsWith(\\"tokens.curfew.dev/\\")';
    expect(textWith('apply')).toContain(asked);
    for (const mode of ['report', 'off']) {
      expect(textWith(mode)).toContain('"kind":"MutatingAdmissionPolicy"');
      expect(textWith(mode)).not.toContain(asked);
    }
  });

  it('for whom documented access counts', () => {
    const ofNamespace = textOf(render({ apiAccess: { acceptFrom: ['Namespace'] } }), 'service-account-automount');
    const ofAccount = textOf(render({}), 'service-account-automount');
    expect(ofNamespace).not.toContain('has(object.metadata.annotations)');
    expect(ofNamespace).not.toBe(ofAccount);
  });

  it('where the audiences of the API are not known, or one has a limit of its own', () => {
    const audiences = { checks: { 'token-request-lifetime': { audiences: { 'https://api.example': 1_234 } } } };
    const known = textOf(render(audiences), 'token-request-lifetime');
    expect(known).toContain('== 0 ? 1234 :');
    const unknown = textOf(render(audiences, { apiAudiences: [] }), 'token-request-lifetime');
    expect(unknown).not.toContain('== 0 ? 1234 :');
  });

  it.each<[JsonObject, readonly string[]]>([
    [{ namespaces: ['shop-*'] }, ['shop-.*']],
    [{ names: ['web?'] }, ['web.)$']],
    [{ users: ['jane@example.com'] }, ['request.userInfo.username', 'jane@example']],
    [{ groups: ['team-a'] }, ['request.userInfo.groups.exists', 'team-a']],
    [{ serviceAccounts: ['shop/web'] }, ['.all(a, ', 'shop/web']],
    [{ kinds: ['Secret'], namespaces: ['shop'] }, ['request.resource.resource == \\\\\\"secrets\\\\\\"']],
  ])('whom an exemption is for: %j', (match, parts) => {
    const rule = { name: 'one', match, reason: 'a reason', owner: 'team-a', expires: '2999-01-01' };
    const policies = [...render({ exemptions: { rules: [rule] } }).values()].join('\n');
    for (const part of parts) expect(policies).toContain(part.replaceAll('\\\\\\"', '\\"'));
    expect(policies).toContain('2999-01-02');
  });

  it('at one level for all, where that is asked for', () => {
    expect([...render({}, { level: 'baseline' }).keys()].length).toBeGreaterThan(10);
    expect([...render({ levels: { enforce: 'off', warn: 'off', audit: 'off' } }).values()].join()).not.toBe('');
  });
});

/** An exemption that somebody might write, called `one`. */
const exempting = (match: JsonObject, more: JsonObject = {}) => ({
  exemptions: { rules: [{ name: 'one', match, reason: 'a reason', owner: 'team-a', expires: '2026-03-01', ...more }] },
});

describe('What native policies do not do with a configuration', () => {
  const general = new Set(renderAll({}).left.map(({ why }) => why));
  const leftOf = (keys: JsonObject, setting?: Setting) =>
    renderAll(keys, setting)
      .left.map(({ why }) => why)
      .filter((why) => !general.has(why));
  const LATE =
    'exemption one ends natively only for what is made; for updates, token requests and the account default of a new namespace render again after its end (until 2026-03-01)';
  const LOST = 'exemption one in what kubelets ask for, since it goes by who made the pod: such pods do not start';

  it.each<[string, JsonObject, Setting, readonly string[]]>([
    ['nothing more', {}, {}, []],
    ['to end an exemption for what is no creation', exempting({ users: ['jane'] }), {}, [LATE]],
    [
      'nothing of an exemption that has ended',
      exempting({ users: ['jane'] }),
      { now: Date.UTC(2026, 2, 2), nodeTokens: 'audit' },
      [],
    ],
    ['to exempt kubelets by who made the pod', exempting({ users: ['jane'] }), { nodeTokens: 'audit' }, [LOST, LATE]],
    [
      'the same where the rest of it is for everything',
      exempting({ users: ['jane'], namespaces: ['*'] }),
      { nodeTokens: 'audit' },
      [LOST, LATE],
    ],
    [
      'the same of groups, for pods by name',
      exempting({ groups: ['ops'], kinds: ['Pod'] }),
      { nodeTokens: 'audit' },
      [LOST, LATE],
    ],
    [
      'nothing of the kind where the pods are told apart',
      exempting({ users: ['jane'], namespaces: ['shop'] }),
      { nodeTokens: 'audit' },
      [LATE],
    ],
    [
      'nothing of the kind for other objects',
      exempting({ users: ['jane'], kinds: ['Secret'] }),
      { nodeTokens: 'audit' },
      [LATE],
    ],
    [
      'nothing of the kind for checks that kubelets are not held to',
      exempting({ users: ['jane'] }, { checks: ['rbac-escalate'] }),
      { nodeTokens: 'audit' },
      [LATE],
    ],
    [
      'the same of a check that they are held to',
      exempting({ users: ['jane'] }, { checks: ['token-lifetime'] }),
      { nodeTokens: 'audit' },
      [LOST, LATE],
    ],
    [
      'mutations before Kubernetes 1.36',
      {},
      { minor: 35 },
      ['mutations: MutatingAdmissionPolicies are part of Kubernetes from 1.36 on'],
    ],
    [
      'mutations with dryRun',
      { dryRun: true },
      {},
      ['mutations: with dryRun nothing is changed, and a policy cannot report what it would change'],
    ],
    [
      'what the webhook says better, behind it',
      { dryRun: true },
      { engine: 'both' },
      [
        'warnings, audit annotations and mutations: these policies stand behind it and only deny',
        'everything: with dryRun nothing is denied',
      ],
    ],
  ])('is said: %s', (_what, keys, setting, wanted) => {
    expect(leftOf(keys, setting)).toEqual(wanted);
  });
});

describe('An exemption for what kubelets ask for', () => {
  /** What the policy for them has as its exemption, in CEL; undefined if it has none. */
  const exemptionOf = (match: JsonObject, more: JsonObject = {}) => {
    const policy = renderAll(exempting(match, more), { nodeTokens: 'enforce' }).objects.find(
      ({ metadata }) => asString(member(metadata, 'name')) === 'node-token-lifetime.enforce.curfew.dev',
    );
    const variables = asArray(valueAt(policy, ['spec', 'variables']));
    return asString(
      member(
        variables.find((one) => asString(member(one, 'name')) === 'exemption'),
        'expression',
      ),
    );
  };
  const SAID = '"token-lifetime by exemption one (owner team-a, until 2026-03-01): a reason"';

  it.each<[string, JsonObject, string]>([
    ['of a namespace', { namespaces: ['shop'] }, '.matches("^(?s:shop)$")'],
    [
      'of pods by name',
      { kinds: ['Pod'], names: ['web-*'] },
      'object.spec.?boundObjectRef.?name.orValue("").matches("^(?s:web-.*)$")',
    ],
    ['of who made pods of a namespace', { users: ['jane'], namespaces: ['shop'] }, '.matches("^(?s:shop)$")'],
  ])('is that %s, without its kind and its users', (_what, match, condition) => {
    const cel = exemptionOf(match) ?? '';
    expect(cel).toContain(`${condition} ? ${SAID} : ""`);
    expect(cel).not.toMatch(/userInfo|request\.resource|timestamp/);
  });

  it.each<[string, JsonObject, JsonObject?]>([
    ['of who makes pods', { users: ['jane'] }],
    ['of who makes pods anywhere', { users: ['jane'], namespaces: ['*'] }],
    ['of whoever is in a group, for pods of any name', { groups: ['ops'], kinds: ['Pod'], names: ['*'] }],
    ['of other objects', { kinds: ['Secret'], namespaces: ['shop'] }],
    ['from another check', { namespaces: ['shop'] }, { checks: ['token-audience'] }],
  ])('is not that %s', (_what, match, more) => {
    expect(exemptionOf(match, more)).toBeUndefined();
  });

  it('names the ticket where it has one', () => {
    expect(exemptionOf({ namespaces: ['shop'] }, { ticket: 'OPS-7' })).toContain(
      '(owner team-a, until 2026-03-01, ticket OPS-7)',
    );
  });
});
