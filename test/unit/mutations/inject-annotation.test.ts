import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/objects/json.ts';
import { valueAt } from '../../../src/objects/json.ts';
import { asking, inject, type World } from './injecting.ts';

const VAULT = { vault: '{audience: vault, expiration: 10m, env: VAULT_TOKEN_PATH}' };
const FIRST = '{audience: vault}';

describe('A mistake in the annotation is refused, and told', () => {
  it.each<[string, string, string]>([
    [
      '{audiance: vault}',
      'it has the unknown key "audiance"; did you mean "audience"?',
      'write audience in place of audiance',
    ],
    ['{audience: vault, zzz: 1}', 'it has the unknown key "zzz"; known: audience, expiration', 'take "zzz" out of'],
    ['{expiration: 10m}', 'it lacks the key "audience", or "preset" in its place', 'add audience to'],
    ['vault', 'its value is "vault"; allowed: a YAML mapping, or off', 'set tokens.curfew.dev/t: "{audience: vault'],
    ['', 'its value is ""; allowed: a YAML mapping, or off', 'set tokens'],
    ['[audience, vault]', 'allowed: a YAML mapping, or off', 'set tokens'],
    ['{audience: vault', 'is not YAML: ', 'set tokens'],
    ['{audience: a, audience: b}', 'is not YAML: Map keys must be unique', 'set tokens'],
    ['audience: &a vault', 'an anchor, an alias or a tag', 'set tokens'],
    ['audience: !!str vault', 'an anchor, an alias or a tag', 'set tokens'],
    ['{audience: vault}\n---\n{audience: b}', 'is not YAML: ', 'set tokens'],
    ['{audience: ""}', 'audience is ""; allowed: one audience, such as vault', 'audience: vault'],
    ['{audience: [a, b]}', 'audience is a list; allowed: one audience', 'audience: vault'],
    ['{audience: 7}', 'audience is 7; allowed: one audience', 'audience: vault'],
    ['{audience: vault, expiration: 5m}', 'expiration is "5m"; allowed: 600 to 86400 seconds', 'expiration: 10m'],
    ['{audience: vault, expiration: 2d}', 'expiration is "2d"; allowed: seconds, or a duration', 'expiration: 10m'],
    ['{audience: vault, expiration: 86401}', 'expiration is 86401; allowed: 600 to 86400', 'expiration: 10m'],
    ['{audience: vault, expiration: 3607}', 'expiration is 3607: the API server can make', 'expiration: 10m'],
    ['{audience: vault, expiration: 3607s}', 'expiration is "3607s": the API server can make', 'expiration: 10m'],
    ['{audience: vault, expiration: -600}', 'expiration is -600; allowed: seconds', 'expiration: 10m'],
    ['{audience: vault, env: 1X}', 'env is "1X"; allowed: the name of one variable', 'env: VAULT_TOKEN_PATH'],
    ['{audience: vault, mountPath: here}', 'mountPath is "here"; allowed: an absolute path', 'mountPath: /var/run'],
    ['{audience: vault, mountPath: /a/../b}', 'mountPath is "/a/../b"; allowed: an absolute path', 'mountPath: /var'],
    ['{audience: vault, path: ../b}', 'path is "../b"; allowed: a file name', 'path: token'],
    ['{audience: vault, mode: 0440}', 'mode is 440; allowed: four octal digits in quotes', 'mode: "0440"'],
    [
      '{audience: vault, containers: app}',
      'containers is "app"; allowed: a list of container names',
      'containers: [app]',
    ],
    ['{audience: vault, containers: []}', 'containers is an empty list; allowed: a list', 'containers: [app]'],
    ['{audience: vault, overrideEnv: yes}', 'overrideEnv is "yes"; allowed: true or false', 'overrideEnv: true'],
    ['{preset: aws-isra}', 'preset "aws-isra" is not known; did you mean "aws-irsa"?', '{preset: aws-irsa}'],
    [
      '{preset: aws-irsa}',
      'preset aws-irsa needs roleArn, and nothing gives it',
      'roleArn: …}", or annotate service account shop/web',
    ],
    ['{preset: aws-irsa, roleArn: "a b"}', 'roleArn is "a b"; allowed: text of at most 512', 'correct roleArn'],
    ['{preset: aws-irsa, roleArn: "${region}"}', 'roleArn is "${region}"; allowed: text', 'correct roleArn'],
    [`{audience: vault}${' '.repeat(5000)}`, 'its value has 5017 bytes; allowed: at most 4096', 'set tokens'],
    ['['.repeat(4000), 'more than 100 brackets and list marks', 'set tokens'],
    ['- '.repeat(2000), 'more than 100 brackets and list marks', 'set tokens'],
  ])('%s', (value, problem, fix) => {
    const { denial, patch } = inject(asking({ t: value }));
    expect(denial).toContain(`  inject-token at /metadata/annotations/tokens.curfew.dev~1t\n`);
    expect(denial).toContain(problem);
    expect(denial).toMatch(/\n {4}Fix: /);
    expect(denial.split('Fix: ')[1]).toContain(fix);
    expect(patch).toEqual([]);
  });

  it.each(['Vault', 'a_b', 'a.b', 'a'.repeat(41), ''])('with the name %j', (name) => {
    expect(inject(asking({ [name]: FIRST })).denial).toContain('must be lower-case letters, digits and hyphens');
  });

  it('on the service account and on the namespace, naming them', () => {
    const wrong = { 'tokens.curfew.dev/vault': '{audience: }' };
    expect(inject(asking({}), { onAccount: wrong }).denial).toContain(
      '  inject-token at /spec/serviceAccountName\n    annotation tokens.curfew.dev/vault of service account shop/web: audience is null;',
    );
    expect(inject(asking({}), { onNamespace: wrong }).denial).toContain(
      '  inject-token at /metadata/namespace\n    annotation tokens.curfew.dev/vault of namespace shop: audience is null;',
    );
  });

  it('of too many tokens', () => {
    const tokens = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`t${index}`, `{audience: a${index}}`]));
    expect(inject(asking(tokens)).denial).toContain(
      'it is one of 17 that ask for a token; allowed: 16 tokens in a pod',
    );
  });

  it('of a pod with more containers than anybody needs', () => {
    const containers = Array.from({ length: 129 }, (_, index) => ({ name: `c${index}`, image: 'a' }));
    expect(inject(asking(VAULT, { containers })).denial).toContain('the pod has 129 containers; allowed: 128');
    expect(inject(asking({}, { containers })).denial).toBe('');
  });

  it('and is only warned about with dryRun, where right ones are injected', () => {
    const configuration = { dryRun: true };
    const wrong = inject(asking({ t: 'vault' }), { configuration });
    expect(wrong.denial).toBe('');
    expect(wrong.warnings[0]).toContain('curfew inject-token (would deny): annotation tokens.curfew.dev/t of the pod:');
    expect(wrong.patch).toEqual([]);
    expect(inject(asking(VAULT), { configuration }).patch).not.toEqual([]);
    expect(inject(asking(VAULT), { configuration: { dryRun: true, dryRunInjection: true } }).patch).toEqual([]);
  });
});

describe('Who asks', () => {
  const audience = (world: World, tokens: Readonly<Record<string, string>> = {}) =>
    inject(asking(tokens), world).at(
      'spec',
      'volumes',
      0,
      'projected',
      'sources',
      0,
      'serviceAccountToken',
      'audience',
    );
  const on = (value: string) => ({ 'tokens.curfew.dev/vault': `{audience: ${value}}` });

  it('is the pod, then its account, then its namespace', () => {
    expect(audience({ onAccount: on('b'), onNamespace: on('c') }, { vault: '{audience: a}' })).toBe('a');
    expect(audience({ onAccount: on('b'), onNamespace: on('c') })).toBe('b');
    expect(audience({ onNamespace: on('c') })).toBe('c');
  });

  it('is asked for each name apart', () => {
    const { object } = inject(asking({ a: '{audience: a}' }), {
      onAccount: { 'tokens.curfew.dev/b': '{audience: b}' },
    });
    const names = (valueAt(object, ['spec', 'volumes']) as readonly JsonObject[]).map(({ name }) => name);
    expect(names).toEqual(['curfew-token-a', 'curfew-token-b']);
  });

  it('may be told no by the pod', () => {
    expect(inject(asking({ vault: 'off' }), { onAccount: on('b') }).patch).toEqual([]);
  });

  it('is whoever there can be where nobody can ever be read: the author is warned of the rest', () => {
    const never = { state: 'unknown', why: 'no cluster', isFinal: true } as const;
    const world = { context: { serviceAccount: () => never, namespace: never } };
    const nothing = inject(asking({}), world);
    expect(nothing.patch).toEqual([]);
    const note = 'no token that service account shop/web may ask for was added: it could not be read: no cluster';
    expect(nothing.auditAnnotations.get('note')).toContain(note);
    expect(inject(asking(VAULT), world).patch).not.toEqual([]);
    const preset = inject(asking({ aws: '{preset: aws-irsa}' }), world);
    expect(preset.denial).toContain(
      'preset aws-irsa takes roleArn from service account shop/web, which could not be read: no cluster; try again',
    );
    const all = '{preset: aws-irsa, roleArn: "arn:x", audience: y, stsRegionalEndpoints: regional}';
    expect(inject(asking({ aws: all }), world).denial).toBe('');
  });

  it('is never asked in kube-system or an excluded namespace, nor for a mirror pod or a pod without an account', () => {
    expect(inject(asking(VAULT), { configuration: { excludedNamespaces: ['shop'] } }).patch).toEqual([]);
    const mirror = asking(VAULT, {}, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
    expect(inject(mirror).patch).toEqual([]);
    expect(inject(asking(VAULT, { serviceAccountName: '' })).patch).toEqual([]);
  });

  it('is heard whatever the levels say, but not where the administrator turned it off', () => {
    expect(inject(asking(VAULT), { labels: { 'curfew.dev/mutate': 'off' } }).patch).not.toEqual([]);
    const off = { mutations: { 'inject-token': { mode: 'off' } } };
    expect(inject(asking(VAULT), { configuration: off }).patch).toEqual([]);
  });
});
