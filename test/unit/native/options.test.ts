import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { asArray, asString, member, valueAt } from '../../../src/objects/json.ts';
import { render, textOf } from './rendering.ts';

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

  it('which levels hold in namespaces, sorted by name, and what a namespace does not say', () => {
    const levels = {
      levels: { enforce: 'baseline' },
      namespaces: { shop: { enforce: 'off' }, bank: { enforce: 'restricted' }, kiosk: { enforce: 'off' } },
    };
    const policy = [...render(levels)].find(([name]) => name === 'token-lifetime.audit.curfew.dev')?.[1] ?? '';
    const cel = new Map(
      asArray(valueAt(JSON.parse(policy), ['spec', 'variables'])).map((one) => [
        member(one, 'name'),
        asString(member(one, 'expression')) ?? '',
      ]),
    );
    const map = '{"bank": "restricted", "kiosk": "off", "shop": "off"}';
    expect(cel.get('enforceLevel')).toContain(` in ${map} ? ${map}[`);
    expect(cel.get('enforceLevel')).toMatch(/ : "baseline"\)$/);
    expect(cel.get('warnLevel')).not.toContain('"bank"');
  });

  it.each<[string, JsonObject, readonly string[]]>([
    ['everything', {}, ['enforce', 'warn', 'audit']],
    ['a check that may only warn', { checks: { 'year-long-token': { mode: 'warn' } } }, ['warn', 'audit']],
    ['a check that is newer than the catalogue it is pinned to', { catalogue: '0.0' }, ['warn', 'audit']],
    [
      'the same that is audited anyway',
      { catalogue: '0.0', checks: { 'year-long-token': { mode: 'audit' } } },
      ['audit'],
    ],
    ['a check that is off', { checks: { 'year-long-token': { mode: 'off' } } }, []],
  ])('what a check may do: %s', (_what, keys, modes) => {
    const names = [...render(keys).keys()].filter((name) => /^year-long-token\.\w+\.curfew\.dev$/.test(name));
    expect(names).toEqual(modes.map((mode) => `year-long-token.${mode}.curfew.dev`));
  });

  it('which mutations are made', () => {
    const textOfPods = (mode: string) =>
      textOf(render({ mutateMode: 'apply', mutations: { 'short-lived-api-token': { mode } } }), 'pods.mutate');
    expect(textOfPods('apply')).toContain('short-lived-api-token');
    for (const mode of ['report', 'off']) expect(textOfPods(mode)).not.toContain('short-lived-api-token');
  });

  it('and the namespace of Curfew itself is left alone, if it has one', () => {
    const values = (ownNamespace: string) =>
      valueAt(JSON.parse(render({}, { ownNamespace }).get('pods.mutate.curfew.dev') ?? ''), [
        ...['spec', 'matchConstraints', 'namespaceSelector', 'matchExpressions', 0, 'values'],
      ]);
    const others = ['kube-node-lease', 'kube-public', 'kube-system'];
    expect(values('')).toEqual(others);
    expect(values('curfew-system')).toEqual(['curfew-system', ...others]);
  });

  it('at one level for all, where that is asked for', () => {
    expect([...render({}, { level: 'baseline' }).keys()].length).toBeGreaterThan(10);
    expect([...render({ levels: { enforce: 'off', warn: 'off', audit: 'off' } }).values()].join()).not.toBe('');
  });
});
